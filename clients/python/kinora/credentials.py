"""The key of the `kinora` command: in the system's keyring if there is one, else in a file that only its user reads."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

SERVICE = "kinora"


def file() -> Path:
    """Return the path of the file with the address of the studio, and the key where there is no keyring."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "kinora" / "credentials.json"


def store(base_url: str, api_key: str) -> str:
    """Store the key and return the name of its place."""
    found: dict[str, str] = {"base_url": base_url}
    place = "the keyring"
    if not _in_keyring(base_url, api_key):
        found["api_key"] = api_key
        place = str(file())
    file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file().with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        json.dump(found, written)
    part.replace(file())
    return place


def load() -> tuple[str | None, str | None]:
    """Return the key and the address of the studio that `store` stored, or None for each that is missing."""
    try:
        found: dict[str, str] = json.loads(file().read_text())
    except (OSError, ValueError):
        return None, None
    base_url = found.get("base_url")
    key = found.get("api_key")
    if key is None and base_url and (ring := _keyring()):
        key = ring.get_password(SERVICE, base_url)
    return key, base_url


def _in_keyring(base_url: str, api_key: str) -> bool:
    ring = _keyring()
    if ring is None:
        return False
    try:
        ring.set_password(SERVICE, base_url, api_key)
    except Exception:  # noqa: BLE001  # each backend has its own errors, and the file is always possible
        return False
    return True


def _keyring() -> Any:
    """Return the keyring library, or None where it is not installed."""
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415  # an extra
    except ImportError:
        return None
    return keyring
