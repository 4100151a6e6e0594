"""Mail that accounts cause: whether an invitation may leave, and the page that stops such mail."""
