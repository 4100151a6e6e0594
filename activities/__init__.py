"""Activities: they touch the world for the workflows, with dependencies injected."""
