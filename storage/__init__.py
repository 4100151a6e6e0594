"""Tables, units of work and one repository a file; the only place with queries in it."""
