"""The keys of the laptop cloud."""

import json
from typing import Any

from cryptography.hazmat.primitives import serialization

from local.keys import secret_values


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Any) -> None:
    first, again = (secret_values(tmp_path / "keys") for _ in range(2))
    assert first == again
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    signing = json.loads(first["access-token-signing-key"])
    public = json.loads(first["access-token-verification-keys"])[signing["kid"]]
    private = serialization.load_pem_private_key(signing["pem"].encode(), None)
    assert private.public_key() == serialization.load_pem_public_key(public.encode())
    assert len(bytes.fromhex(first["refresh-token-key"])) == 32
