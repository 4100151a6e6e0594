"""TLS that is not spoken: for clients of servers here, which speak plain HTTP."""

import ssl
from typing import Final

PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""``verify`` of such a client. Without it each reads the list of all certificates, which took a
sixth of the time of the tests that play over sockets."""
