"""Tariffs, charge detail records and statements of a project."""
