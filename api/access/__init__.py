"""Who may charge at a site."""
