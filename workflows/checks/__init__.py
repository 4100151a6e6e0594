"""The steps of each check, one file a check; verdicts come from `domain.rules`."""
