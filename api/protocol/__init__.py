"""What HTTP itself promises of every route: methods, origins, limits that are told."""
