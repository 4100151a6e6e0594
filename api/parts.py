"""What every request may use; composed once by ``create_app``."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.certificates.signing import Issuing
from api.export.queue import Exports
from api.live.feeds import Feeds
from api.pictures.pictures import Pictures
from api.security.devices import Devices
from api.security.passwords import Passwords
from api.security.throttling import Throttle
from api.security.tokens import Tokens
from api.temporal import TemporalGateway
from documents.signer import SignerFileError
from domain.checklists import ChecklistProfile
from domain.ids import Prefix, new_id
from domain.outbound import Outbound
from domain.plausibility import Plausibility
from domain.starting import MistakeError, one_line
from runtime.outbound import outbound_from
from runtime.settings import Settings
from storage.catalogue import Catalogue, load_catalogue
from storage.checklists import load_checklists
from storage.engine import Database
from storage.plausibility import load_plausibility


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The API's parts."""

    settings: Settings
    database: Database
    temporal: TemporalGateway
    passwords: Passwords
    tokens: Tokens
    devices: Devices
    throttle: Throttle
    catalogue: Catalogue
    plausibility: Plausibility
    checklists: Mapping[str, ChecklistProfile]
    feeds: Feeds
    outbound: Outbound
    issuing: Issuing
    pictures: Pictures
    exports: Exports
    new_id: Callable[[Prefix], str] = new_id
    """Makes ids that a repeat of a request with a key makes again."""


def compose(
    *,
    settings: Settings,
    database: Database,
    temporal: TemporalGateway,
    passwords: Passwords | None = None,
) -> Parts:
    """Make the parts.

    Raises:
        SecretMissingError: The settings hold no secret.
        MistakeError: They name a signer of certificates that is none.

    """
    secret = settings.required_secret()
    tokens = Tokens(derive_key(secret, "api-tokens"), lifetime=settings.token_lifetime)
    return Parts(
        settings=settings,
        database=database,
        temporal=temporal,
        passwords=passwords or Passwords(),
        tokens=tokens,
        devices=Devices(derive_key(secret, "devices"), tokens),
        throttle=Throttle(database, derive_key(secret, "throttles")),
        catalogue=load_catalogue(settings.catalogue_dir, firmware_url=settings.firmware_url),
        plausibility=load_plausibility(settings.catalogue_dir),
        checklists=load_checklists(settings.catalogue_dir),
        feeds=Feeds(),
        outbound=outbound_from(settings),
        issuing=_issuing(settings),
        pictures=Pictures(),
        exports=Exports(),
    )


def derive_key(secret: str, purpose: str) -> bytes:
    """Derive the 32-byte key of a purpose, so that no use can be turned against another."""
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)


def _issuing(settings: Settings) -> Issuing:
    try:
        return Issuing(settings.certificate_key, settings.certificate_signer)
    except SignerFileError as error:
        raise MistakeError(f"DYNAMO_CERTIFICATE_SIGNER: {one_line(error, most=500)}.") from error
