"""What installers declare: of a charge point values, sign-off and photos; the company they are."""
