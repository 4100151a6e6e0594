"""The mails that the engine has left in its folder."""

import asyncio
from email import message_from_bytes
from email.policy import default as mail_policy
from pathlib import Path

_PATIENCE_SECONDS = 15
_POLL_SECONDS = 0.2


class Mailbox:
    """Reads mails as a person would."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self) -> str:
        """To, subject and text of the newest mail; empty where there is none."""
        mails = sorted(self._folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        if not mails:
            return ""
        message = message_from_bytes(mails[-1].read_bytes(), policy=mail_policy)
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        return f"To: {message['To']}\nSubject: {message['Subject']}\n\n{text}"

    async def with_words(self, words: str) -> str:
        """Wait for a newest mail with those words in it.

        Raises:
            TimeoutError: it did not come in time.

        """
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                mail = self.newest()
                if words in mail:
                    return mail
                await asyncio.sleep(_POLL_SECONDS)
