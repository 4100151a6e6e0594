"""Reads what people have sent as pictures, in a process of its own."""
