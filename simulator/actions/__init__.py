"""The calls of the central system that a charge point answers: one file per group."""
