"""Tables, units of work and repositories; the only place with queries in it."""
