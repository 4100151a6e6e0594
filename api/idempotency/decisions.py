"""Which POSTs take no key, and whose answers are not kept. All others take one, and are kept."""

from collections.abc import Mapping
from typing import Final

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"

NOT_KEYED: Final[Mapping[str, str]] = {
    "signUpInstaller": "There is no account yet that the key could be of. A repeat is answered "
    "`email_taken`: log in.",
    "logInInstaller": "Its answer is a token, which is never stored. Each login makes its own.",
    "logInSiteOwner": "Its answer is a token, which is never stored. Each login makes its own.",
    "deleteInstallerAccount": "Its token is void afterwards: a repeat is answered "
    "`token_revoked`, and that is the answer.",
    "deleteSiteOwnerAccount": "Its token is void afterwards: a repeat is answered "
    "`token_revoked`, and that is the answer.",
    "logOutInstaller": "The token is void afterwards, so that a repeat is answered "
    "`token_revoked`.",
    "logOutSiteOwner": "The token is void afterwards, so that a repeat is answered "
    "`token_revoked`.",
    "changePasswordInstaller": "Its answer is a token, which is never stored. A repeat is answered "
    "`token_revoked`: log in with the new password.",
    "changePasswordSiteOwner": "Its answer is a token, which is never stored. A repeat is answered "
    "`token_revoked`: log in with the new password.",
    "askForPasswordResetInstaller": "Who asks has no token that the key could be of. A repeat "
    "sends another mail, three an hour at most.",
    "askForPasswordResetSiteOwner": "Who asks has no token that the key could be of. A repeat "
    "sends another mail, three an hour at most.",
    "resetPasswordInstaller": "The code works once, so that a repeat is answered "
    "`reset_code_invalid`: log in with the new password.",
    "resetPasswordSiteOwner": "The code works once, so that a repeat is answered "
    "`reset_code_invalid`: log in with the new password.",
    "verifyEmail": "Who asks has no token that the key could be of. A repeat is answered the same.",
    "acceptInvitation": "The token of the mail works once, so that a repeat is answered "
    "`invitation_used`: log in.",
    "acceptInvitationToWork": "The token of the mail works once, so that a repeat is answered "
    "`invitation_used`: log in.",
    "declineInvitation": "The token of the mail works once, so that a repeat is answered "
    "`invitation_declined`.",
    "declineInvitationToWork": "The token of the mail works once, so that a repeat is answered "
    "`invitation_declined`.",
}
"""By the name of the operation: why its POST takes no key."""

_WEBHOOK: Final = (
    "Its answer held the webhook's secret, which is told once: get a new one with "
    "POST …/webhooks/{id}/rotate-secret."
)
_ROTATED: Final = (
    "Its answer held the new secret, which is told once: rotate again, with another key, to get "
    "one that you know."
)
SECRET: Final[Mapping[str, str]] = {
    "createWebhook": _WEBHOOK,
    "createOwnedWebhook": _WEBHOOK,
    "rotateWebhookSecret": _ROTATED,
    "rotateOwnedWebhookSecret": _ROTATED,
}
"""By the name of the operation: that its answer holds a secret, and how to get a new one."""
