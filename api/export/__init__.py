"""All data of a site owner, in one file."""
