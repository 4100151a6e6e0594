"""Free TCP ports, and whether one is taken."""

import errno
import random
import socket
from collections.abc import Collection

from embedded.errors import StartError

# Below the range from which Linux and macOS take the ports of outgoing connections: one that is
# free now is not given to a stranger before the server that it is for listens on it.
_LOWEST, _HIGHEST = 10_000, 32_000
_ATTEMPTS = 200
_CANNOT_ASSIGN = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}


def free_port(host: str = "127.0.0.1", *, but: Collection[int] = ()) -> int:
    """Return a port that is free on that address at the moment.

    Raises:
        StartError: The address is not one of this machine, or nothing is free.

    """
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311 - no secret
        if port not in but and is_free(host, port):
            return port
    raise StartError(f"No free port was found on {host}.")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now.

    Raises:
        StartError: The address is not one of this machine, or the port needs more rights.

    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As servers do: a port whose last connections are still closing counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror as error:
        raise StartError(f"{host} is not an address: {error.strerror}.") from None
    except PermissionError:
        raise StartError(f"Port {port} may not be used by this account.") from None
    except OSError as error:
        if error.errno in _CANNOT_ASSIGN:
            raise StartError(f"{host} is not an address of this machine.") from None
        return False
    return True
