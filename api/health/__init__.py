"""Health: is the process alive, is the engine ready."""
