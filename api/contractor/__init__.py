"""The company that did the work of a project."""
