"""Configuration of a charge point: template, chosen values, connection test."""
