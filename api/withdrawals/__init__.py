"""Taking charge points out of a project, and bringing them back."""
