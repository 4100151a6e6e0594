"""Sends mails: by SMTP where a server is set, else as ``.eml`` files in the data directory."""

import asyncio
import os
import re
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aiosmtplib
from email_validator import EmailNotValidError, validate_email

_TIMEOUT_SECONDS = 30.0
_PORTS = {"smtp": 25, "smtps": 465}
_SUBMISSION_PORT = 587
_IN_ONE_PIECE: Final = {"list-unsubscribe", "subject"}
_LONGEST_LINE = 990  # RFC 5322 §2.1.1 allows 998
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ENCODED_WORD = re.compile(r"=\?")  # RFC 2047: readers decode it, control characters included


class _Unfolded(EmailPolicy):
    """SMTP's, but that a link stays in one piece: it would be encoded, where programs look for it.

    So does a subject, which would begin with a line of its own and then with a space. A line of a
    header may have 998 characters (RFC 5322 §2.1.1).
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"linesep": "\r\n", **options})

    def fold_binary(self, name: str, value: str) -> bytes:
        fits = value.isascii() and len(name) + len(value) < _LONGEST_LINE
        if fits and name.lower() in _IN_ONE_PIECE:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)

    def fold(self, name: str, value: str) -> str:
        return self.fold_binary(name, value).decode("ascii")


class SmtpMailer:
    """Delivers to one mail server; ``url`` is ``smtp[s]://[user:password@]host[:port]``.

    With ``smtp`` the connection turns to TLS where the server offers it, and must when there is a
    password to send.
    """

    def __init__(self, url: str, *, sender: str) -> None:
        parts = urlsplit(url)
        self._sender = sender
        self._host = parts.hostname or ""
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._tls = parts.scheme == "smtps"
        usual = _SUBMISSION_PORT if self._username and not self._tls else _PORTS[parts.scheme]
        self._port = parts.port or usual

    async def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str | None = None,
        stop_link: str | None = None,
    ) -> str:
        """Deliver, and name the server.

        Raises:
            ValueError: A header value is not one.
            OSError: The server is away or refuses.

        """
        message = build(
            sender=self._sender, to=to, subject=subject, text=text, html=html, stop_link=stop_link
        )
        try:
            await aiosmtplib.send(
                bytes(message),  # by our policy; given a message, the library takes another
                sender=message["From"].addresses[0].addr_spec,
                recipients=[_bare(message)],
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._tls,
                start_tls=True if self._username and not self._tls else None,
                timeout=_TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPException as error:
            # A history has this error, and its cause: whoever is mailed is not named there.
            whom = re.compile(re.escape(_bare(message)), re.IGNORECASE)
            said = whom.sub("the recipient", str(error))
            raise OSError(f"the mail server {self._host}:{self._port} said: {said}") from None
        return f"smtp server {self._host}:{self._port}"


class FileMailer:
    """Writes each mail into a folder. A mail can hold an invitation: for its owner's eyes alone."""

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str | None = None,
        stop_link: str | None = None,
    ) -> str:
        """Write the mail, and give its path.

        Raises:
            ValueError: A header value is not one.
            OSError: The folder cannot be written.

        """
        message = build(
            sender=self._sender, to=to, subject=subject, text=text, html=html, stop_link=stop_link
        )
        return str(await asyncio.to_thread(self._write, bytes(message)))

    def _write(self, content: bytes) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The time first, so that a listing is in order.
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid4().hex[:8]}"
        path = self._folder / f"{name}.eml"
        draft = path.with_suffix(".part")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        draft.rename(path)  # who watches the folder sees whole mails only
        return path.absolute()


def build(
    *,
    sender: str,
    to: str,
    subject: str,
    text: str,
    html: str | None,
    stop_link: str | None = None,
) -> EmailMessage:
    """Build one mail to one address.

    Raises:
        ValueError: A value could smuggle a header, or the address is not one.

    """
    name, address = parseaddr(sender)
    sender_address = _address(address, name)
    message = EmailMessage(policy=_Unfolded())
    message["From"] = sender_address
    message["To"] = _address(_in_ascii(to))
    message["Subject"] = _plain(subject, "subject").strip()
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=sender_address.domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    if stop_link is not None:  # RFC 2369 §3.2; one click where it is https (RFC 8058)
        message["List-Unsubscribe"] = f"<{_plain(stop_link, 'link')}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text, cte=_encoding(text))
    if html is not None:
        message.add_alternative(html, subtype="html", cte=_encoding(html))
    return message


def _bare(message: EmailMessage) -> str:
    """Whom it is to, without a name."""
    bare: str = message["To"].addresses[0].addr_spec
    return bare


def _address(address: str, name: str = "") -> Address:
    try:
        parsed = Address(_plain(name, "name"), addr_spec=_plain(address, "address"))
    except (ValueError, IndexError, MessageError):
        raise ValueError("the mail address is not valid") from None
    if not parsed.username or not parsed.domain:
        raise ValueError("the mail address is not valid")
    return parsed


def _in_ascii(address: str) -> str:
    """Write a domain with accents as the mail servers of all the world know it (RFC 5891)."""
    try:
        return validate_email(address, check_deliverability=False).ascii_email or address
    except EmailNotValidError:
        return address  # whether it is one is judged where it is put into the mail


def _plain(value: str, what: str) -> str:
    if _CONTROL.search(value) or _ENCODED_WORD.search(value):
        raise ValueError(f"the {what} of a mail has characters that do not belong there")
    return value


def _encoding(text: str) -> str:
    """Plain where it can be: a link then stays in one piece in the file."""
    plain = text.isascii() and max(map(len, text.splitlines()), default=0) < _LONGEST_LINE
    return "7bit" if plain else "quoted-printable"
