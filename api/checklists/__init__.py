"""Checklists: profiles, the one of a project, the answers of each charge point."""
