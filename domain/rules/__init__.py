"""Verdict rules: pure functions from facts to verdicts, each with a table of cases in tests."""
