"""Following the runs of a charge point as they go on, by server-sent events."""
