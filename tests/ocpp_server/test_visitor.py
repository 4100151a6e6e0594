"""What is read of a request before it is let in."""

import socket

from ocpp_server.visitor import Visitor


def test_a_header_is_read_from_the_request_alone_however_odd_that_is() -> None:
    with socket.socket() as nowhere:
        visitor = Visitor(nowhere, "127.0.0.1")
        visitor.said = (
            b"GET / HTTP/1.1\r\nno header\r\n: x\r\nX: y\nX-Forwarded-For: 6.6.6.6\r\n"
            b"x-forwarded-FOR:  a, b \r\nX-Forwarded-For: \xff\r\n\r\n"
            b"X-Forwarded-For: 7.7.7.7\r\n\r\n"
        )
        assert visitor.header("X-Forwarded-For") == ["a, b", "\udcff"]
        assert visitor.header("Forwarded") == []
        visitor.said = b"\x16\x03\x01X-Forwarded-For: a\r\n"
        assert visitor.header("X-Forwarded-For") == []
