"""Workflows: they decide, and survive every crash."""
