"""Charge points: registration, detail, change."""
