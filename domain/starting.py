"""What stands in the way of a process that starts: a mistake, or a part that is away.

::

    StartingError      its text is one sentence for whoever started the process
    ├── MistakeError   waiting cannot help; it names the setting and the address, and what to do
    └── AwayError      it may come by itself
"""

import errno
import socket


class StartingError(Exception):
    """The text is one line, and holds no secret."""


class MistakeError(StartingError):
    """Somebody has to change something."""


class AwayError(StartingError):
    """Look again in a while."""


def cannot_listen(setting: str, host: str, port: int, error: OSError) -> MistakeError:
    """Say why nothing can listen there; ``setting`` is the beginning, such as ``DYNAMO_API``."""
    match error.errno:
        case errno.EADDRINUSE:
            why = (
                f"{setting}_PORT: port {port} on {host} is busy. Stop what listens there, or "
                "choose another (0: any free one)."
            )
        case errno.EACCES | errno.EPERM:
            why = (
                f"{setting}_PORT: port {port} on {host} may not be used by this account. Choose "
                "one above 1023."
            )
        case _ if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            why = (
                f"{setting}_HOST: {host} is not an address of this machine. 127.0.0.1 is this "
                "machine alone, 0.0.0.0 is every address of it."
            )
        case _:
            why = f"{setting}_HOST, {setting}_PORT: nothing can listen on {host}:{port}: {error}."
    return MistakeError(why)


def is_unknown_host(error: BaseException) -> bool:
    """Tell whether a name is known to nobody, as against a name server that is away."""
    if isinstance(error, UnicodeError):  # no name can look like that
        return True
    unknown = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
    return isinstance(error, socket.gaierror) and error.errno in unknown


def one_line(error: object, *, most: int = 300) -> str:
    """Make the text of an error one line, without a full stop of its own."""
    return " ".join(str(error).split()).rstrip(".")[:most]
