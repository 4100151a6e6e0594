"""What a site owner does: accept an invitation, log in, see the projects."""
