"""Accepting and declining an invitation, by the API and on the page behind its link."""
