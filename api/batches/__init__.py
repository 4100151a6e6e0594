"""Commissioning of whole projects: start, status, cancel."""
