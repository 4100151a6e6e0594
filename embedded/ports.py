"""Free TCP ports, and whether one is taken."""

import errno
import random
import socket
import sys
from collections.abc import Collection

from embedded.errors import StartError

# Below the range from which Linux and macOS take the ports of outgoing connections: one that is
# free now is not given to a stranger before the server that it is for listens on it.
_LOWEST, _HIGHEST = 10_000, 32_000
_ATTEMPTS = 200
_CANNOT_ASSIGN = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}
_kept: list[socket.socket] = []


def free_port(host: str = "127.0.0.1", *, but: Collection[int] = ()) -> int:
    """Return a port that is free on that address, and that nobody else is given meanwhile.

    It is kept until this process ends, for a server that allows addresses to be used again, as
    nearly all do. On macOS, where that server could not listen beside us, it is free at the moment.

    Raises:
        StartError: The address is not one of this machine, or nothing is free.

    """
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311 - no secret
        if port in but:
            continue
        probe = _bound(host, port, shared=False)
        if probe is None:
            continue
        if sys.platform == "linux":
            # Bound, and never listening: others may bind it too from now on, if they ask for it.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _kept.append(probe)
        else:
            probe.close()
        return port
    raise StartError(f"No free port was found on {host}.")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now.

    Raises:
        StartError: The address is not one of this machine, or the port needs more rights.

    """
    # As servers do: a port whose last connections are still closing counts as free.
    probe = _bound(host, port, shared=True)
    if probe is None:
        return False
    with probe:
        try:
            probe.listen(1)
        except OSError:
            return False
    return True


def _bound(host: str, port: int, *, shared: bool) -> socket.socket | None:
    """Bind a socket; None: somebody is there, or without ``shared`` is about to be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        probe = socket.socket(family, kind, protocol)
        try:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(shared))
            probe.bind(address)
        except BaseException:
            probe.close()
            raise
    except socket.gaierror as error:
        raise StartError(f"{host} is not an address: {error.strerror}.") from None
    except PermissionError:
        raise StartError(f"Port {port} may not be used by this account.") from None
    except OSError as error:
        if error.errno in _CANNOT_ASSIGN:
            raise StartError(f"{host} is not an address of this machine.") from None
        return None
    return probe
