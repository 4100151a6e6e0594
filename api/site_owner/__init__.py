"""What a site owner does: log in, see the projects and what is in them."""
