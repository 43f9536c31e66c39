"""Chips: what their cores did, where they are, and what they hold, whoever ran them."""
