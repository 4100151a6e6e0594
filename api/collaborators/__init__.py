"""The people who work on a project: its leads and technicians."""
