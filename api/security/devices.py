"""Devices that have signed in before: a flood of wrong passwords by others does not hold them up.

After OWASP's "Slow Down Online Guessing Attacks with Device Cookies". The mark says that somebody
has signed in to an account from here, in its present epoch; it opens nothing by itself. A client
that keeps no cookies sends an earlier token of the account instead, expired or not.
"""

import hashlib
import hmac
import re
import secrets
from typing import Final

from api.security.tokens import Tokens
from storage.models.accounts import Account

COOKIE: Final = "dynamo_device"
LIFETIME_SECONDS: Final = 400 * 24 * 3600  # what browsers keep at most
_MOST: Final = 5  # accounts that share a device; a cookie has 4 KiB
_MARK: Final = re.compile(r"(usr_[0-9A-Z]{26})\.([0-9]{1,9})\.([0-9a-f]{16})\.([0-9a-f]{32})")


class Devices:
    """Makes and reads the marks, one line of them in a cookie."""

    def __init__(self, key: bytes, tokens: Tokens) -> None:
        self._key = key
        self._tokens = tokens

    def known(self, account: Account | None, *, cookie: str, token: str) -> str | None:
        """Name the device, if it has signed in to the account in its present epoch.

        The work is the same for no account: how long it takes tells nobody whether there is one.
        """
        proofs = [
            (read[1], int(read[2]), read[3])
            for mark in cookie.split("~")[:_MOST]
            if (read := _MARK.fullmatch(mark)) is not None
            and hmac.compare_digest(mark, self._mark(read[1], int(read[2]), read[3]))
        ]
        old = self._tokens.read_old(token) if token else None
        if old is not None:
            proofs.append((old.account_id, old.epoch, old.id))
        if account is None:
            return None
        return next(
            (
                name
                for account_id, epoch, name in proofs
                if (account_id, epoch) == (account.id, account.token_epoch)
            ),
            None,
        )

    def remember(self, account: Account, *, cookie: str, device: str | None) -> str:
        """Return the cookie with the mark of this account first; a device keeps its name."""
        name = device if device and re.fullmatch("[0-9a-f]{16}", device) else secrets.token_hex(8)
        others = [
            mark
            for mark in cookie.split("~")
            if _MARK.fullmatch(mark) and not mark.startswith(account.id)
        ]
        return "~".join([self._mark(account.id, account.token_epoch, name), *others][:_MOST])

    def _mark(self, account_id: str, epoch: int, name: str) -> str:
        text = f"{account_id}.{epoch}.{name}"
        return f"{text}.{hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:32]}"
