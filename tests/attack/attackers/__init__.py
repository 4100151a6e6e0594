"""The kinds of attack, one in each file."""
