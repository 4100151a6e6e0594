"""Our side of Temporal: the client, each start, and what keeps rows and workflows together."""
