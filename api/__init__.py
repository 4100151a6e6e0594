"""The installer REST API: authenticates, validates, then asks a workflow or a repository."""
