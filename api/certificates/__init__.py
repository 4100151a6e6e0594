"""Certificates: reports of charge points and projects, what installers declare, verification."""
