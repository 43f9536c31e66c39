"""Other settings of a network, really tried: what a verdict suggests, it can promise."""
