"""Import of charge points from a file."""
