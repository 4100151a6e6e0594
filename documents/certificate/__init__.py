"""The commissioning certificate: what it says, as a PDF and as a page."""
