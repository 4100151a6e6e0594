"""Bearer tokens: JWT, HS256 and nothing else, with an expiry and an id that can be revoked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from domain.errors import UnauthorizedError
from domain.ids import Prefix, new_id
from domain.states import Role

_ALGORITHM = "HS256"
_ISSUER = "dynamo-commissioning"
_AUDIENCE = "dynamo-api"
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "role", "epoch"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """The content of a valid token."""

    id: str
    account_id: str
    role: Role
    epoch: int
    expires_at: datetime


class Tokens:
    """Issues and reads bearer tokens."""

    def __init__(self, key: bytes, *, lifetime: timedelta) -> None:
        self._key = key
        self._lifetime = lifetime

    def issue(
        self, *, account_id: str, role: Role, epoch: int, now: datetime
    ) -> tuple[str, datetime]:
        """Make a token; return it with the moment it expires (whole seconds, as JWT has them)."""
        now = now.replace(microsecond=0)
        expires_at = now + self._lifetime
        claims = {
            "sub": account_id,
            "role": role.value,
            "epoch": epoch,
            "jti": new_id(Prefix.SESSION),
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "iat": now,
            "exp": expires_at,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM), expires_at

    def read(self, token: str) -> Token:
        """Check a token.

        Raises:
            UnauthorizedError: ``token_expired`` or ``token_invalid``.

        """
        try:
            return self._read(token, verify_exp=True)
        except jwt.ExpiredSignatureError as error:
            raise UnauthorizedError(
                "token_expired", "The token has expired. Log in again."
            ) from error
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as error:
            raise UnauthorizedError(
                "token_invalid", "The token is not valid. Log in to get one."
            ) from error

    def read_old(self, token: str) -> Token | None:
        """Read a token that may have expired or been logged out; None for what we never issued.

        It opens nothing: it says that whoever has it has signed in once.
        """
        try:
            return self._read(token, verify_exp=False)
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
            return None

    def _read(self, token: str, *, verify_exp: bool) -> Token:
        claims = jwt.decode(
            token,
            self._key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            # Another API has issued it, whose clock may be ahead: that it is from the future
            # says nothing, for nobody but us can sign it.
            options={"require": _REQUIRED, "verify_iat": False, "verify_exp": verify_exp},
        )
        return Token(
            id=str(claims["jti"]),
            account_id=str(claims["sub"]),
            role=Role(claims["role"]),
            epoch=int(claims["epoch"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
