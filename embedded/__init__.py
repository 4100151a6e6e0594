"""Everything on one machine: finds the servers, starts them, watches them, stops them."""
