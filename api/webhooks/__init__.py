"""Webhooks of an account: where they lead, what they are told, and the log of deliveries."""
