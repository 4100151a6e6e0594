"""Writes the tables of `docs/reference` from the code that they describe: `make docs`."""
