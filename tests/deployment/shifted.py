"""A process of ours whose clock is wrong: ``SHIFTED_BY=-40 python -m tests.deployment.shifted``.

Wherever our code asks ``datetime.now``, it gets the moment so many seconds away. Libraries, and the
event loop, keep the clock of the machine.
"""

import datetime as dt
import os
import sys
from typing import Any

import api.app
import cli
import ocpp_server.main
import worker

_SHIFT = dt.timedelta(seconds=float(os.environ["SHIFTED_BY"]))
_OURS = {api.__name__, ocpp_server.__name__, "storage", "activities", "domain", worker.__name__}


class _Kind(type(dt.datetime)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, dt.datetime)


class _Shifted(dt.datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        return dt.datetime.now(tz) + _SHIFT


for name, module in list(sys.modules.items()):
    if name.split(".")[0] in _OURS and getattr(module, "datetime", None) is dt.datetime:
        module.datetime = _Shifted  # type: ignore[attr-defined]

if __name__ == "__main__":
    cli.app()
