"""Is one network worth running on spiking hardware, and is the number true?"""
