"""The power of a site: its limit, its cables, how it is shared, and the features that do it."""
