"""What installers declare about a charge point: measured values, sign-off, photos."""
