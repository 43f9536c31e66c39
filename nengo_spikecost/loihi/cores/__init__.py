"""The resources of cores that each block of a network takes, read or predicted."""
