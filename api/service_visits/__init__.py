"""Service visits: work on a site after its handover."""
