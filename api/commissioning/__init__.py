"""Commissioning runs: start, status, record, log, retry, cancel."""
