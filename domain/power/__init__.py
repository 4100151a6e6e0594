"""Sharing the power of a site among the transactions that run there: pure."""
