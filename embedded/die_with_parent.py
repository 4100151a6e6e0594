"""Run a command that dies with its parent, whatever the parent dies of.

Started as a script, not imported:
``python -I -S die_with_parent.py [--user NAME] PARENT_PID COMMAND ARG…``.
It stands between the supervisor and a child, because a supervisor that is killed by SIGKILL can
stop nobody any more. On Linux the kernel does it and the script becomes the command. Elsewhere the
script stays, and stops the command when its parent is no longer there.
"""

import contextlib
import ctypes
import os
import signal
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1
_LOOK_AFTER_PARENT_SECONDS = 1.0


def _give_up_root(name: str) -> None:
    import pwd

    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def _become(command: list[str], parent: int) -> None:
    """Linux: the kernel sends SIGKILL when the parent is gone."""
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit("die_with_parent: prctl failed")
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the command is our own


def _watch(command: list[str], parent: int) -> int:
    """Elsewhere: look now and then whether the parent is still the parent."""
    import subprocess

    child = subprocess.Popen(command)  # noqa: S603 - the command is our own

    def pass_on(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    while True:
        try:
            return child.wait(_LOOK_AFTER_PARENT_SECONDS)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()


def main(arguments: list[str]) -> int:
    """Give up root where asked, and run the command."""
    if arguments[0] == "--user":
        _give_up_root(arguments[1])
        arguments = arguments[2:]
    os.umask(0o077)  # what the command writes is its owner's alone
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        _become(command, parent)
    return _watch(command, parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
