from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from pydantic import SecretStr

from activities.mailer import FileMailer, SmtpMailer, build
from embedded.ports import free_port
from runtime.settings import Settings
from tests.support.mail import MailServer, mail_server
from worker import mailer_from

SENDER = "Dynamo <no-reply@dynamo.invalid>"
LINK = "https://charging.example/invitations/" + "t" * 80


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


async def test_a_mail_arrives_whole(server: MailServer) -> None:
    where = await SmtpMailer(server.url, sender=SENDER).send(
        to="owner@example.com",
        subject="Ladepunkte in der Königstraße",
        text=f"Guten Tag, Frau Müller\n\n{LINK}\n",
        html="<p>Guten Tag</p>",
    )
    (mail,) = server.mails
    assert where == f"smtp server {server.url.removeprefix('smtp://')}"
    assert server.recipients == [["owner@example.com"]]
    assert mail["From"] == SENDER
    assert mail["To"] == "owner@example.com"
    assert mail["Subject"] == "Ladepunkte in der Königstraße"
    plain, html = mail.iter_parts()
    assert plain.get_content().splitlines() == ["Guten Tag, Frau Müller", "", LINK]
    assert html.get_content().strip() == "<p>Guten Tag</p>"


STOP = f"https://charging.example.com/mail/stop/usr_{'0' * 26}.{'5f' * 16}.{'ab' * 16}"


async def test_the_link_that_stops_mail_is_in_its_header_in_one_piece(
    server: MailServer, tmp_path: Path
) -> None:
    """Folded, it would be encoded (RFC 2047), and no mail program finds it then."""
    kept = FileMailer(tmp_path, sender=SENDER)
    letter = {"to": "owner@example.com", "subject": "Hello", "text": "Hello"}
    content = Path(await kept.send(**letter, stop_link=STOP)).read_bytes()
    assert f"List-Unsubscribe: <{STOP}>\r\n".encode() in content
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in content
    await SmtpMailer(server.url, sender=SENDER).send(**letter, stop_link=STOP)
    await SmtpMailer(server.url, sender=SENDER).send(**letter)
    stoppable, other = server.mails
    assert stoppable["List-Unsubscribe"] == f"<{STOP}>"
    assert "List-Unsubscribe" not in other


async def test_a_long_subject_begins_where_it_should(server: MailServer, tmp_path: Path) -> None:
    """Folded before its first word, it would begin with a space."""
    subject = "Your site is handed over: say who may charge (prj_01HX4M7TABCDE1234567890ABC)"
    letter = {"to": "owner@example.com", "subject": subject, "text": "Hello"}
    content = Path(await FileMailer(tmp_path, sender=SENDER).send(**letter)).read_bytes()
    assert f"Subject: {subject}\r\n".encode() in content
    await SmtpMailer(server.url, sender=SENDER).send(**letter)
    assert server.mails[0]["Subject"] == subject


async def test_a_refused_recipient_is_an_os_error(server: MailServer) -> None:
    mailer = SmtpMailer(server.url, sender=SENDER)
    with pytest.raises(OSError, match="no such mailbox") as refused:
        await mailer.send(to=server.refuses, subject="Hello", text="Hello")
    # An activity's error, and what caused it, are in a history.
    assert (server.refuses in str(refused.value), refused.value.__cause__) == (False, None)


async def test_an_absent_server_is_an_os_error() -> None:
    mailer = SmtpMailer(f"smtp://127.0.0.1:{free_port()}", sender=SENDER)
    with pytest.raises(OSError, match="the mail server"):
        await mailer.send(to="owner@example.com", subject="Hello", text="Hello")


async def test_a_password_is_never_sent_in_clear(server: MailServer) -> None:
    url = server.url.replace("smtp://", "smtp://user:password@")
    with pytest.raises(OSError, match="STARTTLS"):
        await SmtpMailer(url, sender=SENDER).send(to="a@example.com", subject="s", text="t")
    assert not server.mails


async def test_without_a_server_a_mail_is_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    mailer = FileMailer(tmp_path / "mail", sender=SENDER)
    path = Path(await mailer.send(to="owner@example.com", subject="Hello", text=f"{LINK}\n"))
    content = path.read_bytes()
    assert path.parent == tmp_path / "mail"
    assert path.suffix == ".eml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert LINK.encode() in content  # in one piece, so that it can be copied from the file
    assert message_from_bytes(content, policy=default)["To"] == "owner@example.com"


async def test_files_are_in_order(tmp_path: Path) -> None:
    mailer = FileMailer(tmp_path, sender=SENDER)
    paths = [await mailer.send(to="a@example.com", subject=str(n), text="t") for n in range(5)]
    assert paths == [str(path) for path in sorted(tmp_path.glob("*.eml"))]


@pytest.mark.parametrize(
    "subject",
    [
        "Hello\r\nBcc: victim@example.com",
        "Hello\nX: y",
        "Hello\x00",
        "Hello\x85there",
        "Hello\u2028there",
        "=?utf-8?q?Hello=0D=0ABcc:_victim@example.com?=",
    ],
)
def test_a_subject_smuggles_no_header(subject: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        build(sender=SENDER, to="owner@example.com", subject=subject, text="", html=None)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "owner",
        "owner@",
        "@example.com",
        "<owner@example.com>",
        "owner@example.com, victim@example.com",
        "owner@example.com\r\nBcc: victim@example.com",
        "=?utf-8?q?owner?=@example.com",
        "owner@example.com>",
    ],
)
def test_only_one_address_is_an_address(address: str) -> None:
    with pytest.raises(ValueError, match="the mail address is not valid"):
        build(sender=SENDER, to=address, subject="Hello", text="", html=None)


def test_a_domain_with_accents_is_written_as_every_server_knows_it() -> None:
    message = build(sender=SENDER, to="info@bücher.example.com", subject="", text="", html=None)
    assert b"To: info@xn--bcher-kva.example.com\r\n" in bytes(message)


def test_the_settings_choose() -> None:
    by_smtp = Settings(smtp_url=SecretStr("smtp://mail.example:2525"))
    assert isinstance(mailer_from(by_smtp), SmtpMailer)
    assert isinstance(mailer_from(Settings(smtp_url=None)), FileMailer)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("smtp://h", 25),
        ("smtp://u:p@h", 587),
        ("smtps://u:p@h", 465),
        ("smtps://h", 465),
        ("smtp://u:p@h:2525", 2525),
    ],
)
def test_the_usual_ports(url: str, port: int) -> None:
    assert SmtpMailer(url, sender=SENDER)._port == port
