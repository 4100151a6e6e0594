"""Refused connections: of a charge point, and of those that nobody has claimed."""
