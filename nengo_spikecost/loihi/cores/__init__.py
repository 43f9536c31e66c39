"""What cores, chips and boards hold, and what each block of a network takes of it."""
