"""The operations of each secret: its first value, its next value, its publication and its test."""

from collections.abc import Callable
from dataclasses import dataclass

from functions.rotation import keys, publishing
from shared.access import bearer, tokens
from shared.aws.lone_secret import full_name
from shared.core.clock import utc_now


class RotationFailed(Exception):
    """A new value that does not work. The old value stays current."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The operations of one secret's rotation. Every argument is the secret's text."""

    first: Callable[[], str]
    roll: Callable[[str], str]
    publish: Callable[[str], object]
    try_out: Callable[[str], None]


def _try_token_key(text: str) -> None:
    at = utc_now()
    token = tokens.issue("usr_rotation", signing_key=text, at=at)
    bearer.verify(token, verification_keys=publishing.published_token_keys(), at=at)


def _try_media_key(text: str) -> None:
    if keys.read_chain(text).current["kid"] not in publishing.published_media_keys():
        raise RotationFailed("CloudFront does not trust the new media key.")


def _try_symmetric_keys(text: str) -> None:
    if {len(bytes.fromhex(key)) for key in text.split()} != {32}:
        raise RotationFailed("A key is not 32 bytes long.")


def _publish_nothing(_text: str) -> None:
    return None


_SYMMETRIC = Rotated(
    first=keys.first_symmetric_keys,
    roll=keys.rolled_symmetric_keys,
    publish=_publish_nothing,
    try_out=_try_symmetric_keys,
)
SECRETS: dict[str, Rotated] = {
    "access-token-signing-key": Rotated(
        first=lambda: keys.Chain(keys.token_key(), keys.token_key()).text,
        roll=lambda text: keys.read_chain(text).rolled(keys.token_key()).text,
        publish=lambda text: publishing.publish_token_keys(keys.read_chain(text)),
        try_out=_try_token_key,
    ),
    "media-signing-key": Rotated(
        first=lambda: keys.Chain(publishing.media_key(), publishing.media_key()).text,
        roll=lambda text: keys.read_chain(text).rolled(publishing.media_key()).text,
        publish=lambda text: publishing.publish_media_keys(keys.read_chain(text)),
        try_out=_try_media_key,
    ),
    "refresh-token-key": _SYMMETRIC,
    "cursor-key": _SYMMETRIC,
}


def rotated(arn: str) -> Rotated:
    """Return the operations for a secret's ARN, which ends in the name and six random characters."""
    name = arn.rpartition(":secret:")[2].rpartition("-")[0].removeprefix(full_name(""))
    return SECRETS[name]
