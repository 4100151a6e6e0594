"""Invitation of the site owner, and handover of the project."""
