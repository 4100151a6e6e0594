"""How many files a process may have open: each connection is one."""

import resource


def have_files(wanted: int) -> int:
    """Ask the system for so many, and return how many it gives.

    Many systems begin with 1,024, and let each process have far more if it asks.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    given = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < given:
        resource.setrlimit(resource.RLIMIT_NOFILE, (given, hard))
    return given
