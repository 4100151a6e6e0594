"""Projects: the sites that group charge points."""
