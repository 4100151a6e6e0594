"""What a site owner has charge points do."""
