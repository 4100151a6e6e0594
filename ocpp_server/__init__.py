"""The OCPP server: holds charge point sockets and runs the operations on them."""
