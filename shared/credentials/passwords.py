"""Passwords: what is refused, and how they are hashed and checked (docs/adr/0032)."""

import secrets
from base64 import b64encode
from functools import cache
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.core.errors import Invalid
from shared.credentials.record import PasswordRecord

MIN_CHARACTERS = 8
_COMMONEST = 3000  # number of refused passwords of at least MIN_CHARACTERS


class WeakPassword(Invalid):
    code = "weak_password"


def refuse_weak(password: str, email: str) -> None:
    """Raise WeakPassword for one of the commonest passwords, for the address, and for the part before its `@`."""
    plain = _exact(password).strip().casefold()
    if not plain or plain in _commonest():
        raise WeakPassword("This is one of the commonest passwords. Choose another one.")
    if plain in {email, email.partition("@")[0]}:
        raise WeakPassword("An address is public, so it protects nothing. Choose another password.")


def password_hash(password: str) -> str:
    """Return the Argon2id hash of the exact characters, in the normal form C of Unicode."""
    return _hasher().hash(_exact(password))


def opens(stored: PasswordRecord | None, password: str) -> bool:
    """Return whether the password is the stored one. The time does not depend on `stored`, which may be None.

    The previous release hashed passwords without the whitespace around them.
    """
    nobody = _nobody()
    exact, stripped = _exact(password), password.strip()
    checks = [(stored.argon2_hash if stored else nobody, exact)]
    if stripped != exact:
        checks.append((stored.argon2_hash if stored and not stored.exact else nobody, stripped))
    matches = [_matches(argon2_hash, spelling) for argon2_hash, spelling in checks]  # all of them, for an equal time
    return any(matches)


def is_outdated(stored: PasswordRecord) -> bool:
    """Return whether a release with other parameters made the hash, or one that removed whitespace."""
    return not stored.exact or _hasher().check_needs_rehash(stored.argon2_hash)


def _exact(password: str) -> str:
    return normalize("NFC", password)


def _matches(argon2_hash: str, password: str) -> bool:
    try:
        return _hasher().verify(argon2_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """Return a hash that no password has, for addresses without an account. Its check takes as long as any other.

    Its digest is random: hashing a text would take 0.2 s of the first sign-in.
    """
    cost, lengths = _hasher(), (_hasher().salt_len, _hasher().hash_len)
    salt, digest = (b64encode(secrets.token_bytes(length)).decode().rstrip("=") for length in lengths)
    return f"$argon2id$v=19$m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}${salt}${digest}"


@cache
def _commonest() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  # takes 0.15 s, which no sign-in needs

    return frozenset([word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_CHARACTERS][:_COMMONEST])
