"""Lets go of rows that are old, a few hundred in a transaction, and of none that is quoted.

:mod:`~storage.retention.rounds` goes over all kinds; each kind is a module. What decides is said
there, and in the ADR on retention.
"""
