"""How the results of this room look."""
