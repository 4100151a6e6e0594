"""Accounts of installers: sign-up, login, logout, who am I."""
