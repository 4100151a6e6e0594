"""The audit trail of a project, for its installer and its owner."""
