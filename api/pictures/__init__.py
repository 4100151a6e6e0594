"""Pictures that people send are read outside of the API, a few at a time, in turns."""
