"""Access tokens: valid ones pass, and all others are refused."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.access import bearer, tokens
from shared.access.bearer import TokenRefused
from tests.support.forge import NOW, claims, es256_key, refused_tokens, signed

_PRIVATE, _PUBLIC = es256_key()
_SIGNING = json.dumps({"kid": "k1", "pem": _PRIVATE})
_VERIFICATION = json.dumps({"k1": _PUBLIC})
_REFUSED = refused_tokens(NOW, _PRIVATE, _PUBLIC)


def test_an_issued_token_names_its_user() -> None:
    token = tokens.issue("usr_1", signing_key=_SIGNING, at=NOW)
    assert bearer.verify(token, verification_keys=_VERIFICATION, at=NOW).user_id == "usr_1"


def test_a_token_signed_by_the_test_passes() -> None:
    """The test's signing code is correct, so the refusals below are due to the wrong tokens."""
    assert bearer.verify(signed(claims(NOW), _PRIVATE), verification_keys=_VERIFICATION, at=NOW).user_id == "usr_1"


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": False}, {"jwk": {}}, {"cty": "JWT"}])
def test_a_token_with_another_field_in_its_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        bearer.verify(signed(claims(NOW), _PRIVATE, **header), verification_keys=_VERIFICATION, at=NOW)


def test_a_token_with_another_spelling_of_its_signature_is_refused() -> None:
    token = signed(claims(NOW), _PRIVATE)
    for other in (f"{token}=", f"{token}\n", f" {token}", token.replace(".", "..", 1)):
        with pytest.raises(TokenRefused):
            bearer.verify(other, verification_keys=_VERIFICATION, at=NOW)


@pytest.mark.parametrize("token", _REFUSED.values(), ids=_REFUSED.keys())
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        bearer.verify(token, verification_keys=_VERIFICATION, at=NOW)


def test_a_token_is_valid_for_fifteen_minutes() -> None:
    token = tokens.issue("usr_1", signing_key=_SIGNING, at=NOW)
    last = NOW + timedelta(seconds=899)
    assert bearer.verify(token, verification_keys=_VERIFICATION, at=last).user_id == "usr_1"
    with pytest.raises(TokenRefused):
        bearer.verify(token, verification_keys=_VERIFICATION, at=NOW + timedelta(seconds=900))


def test_clocks_may_differ_by_seconds_only() -> None:
    token = tokens.issue("usr_1", signing_key=_SIGNING, at=NOW)
    assert bearer.verify(token, verification_keys=_VERIFICATION, at=NOW - timedelta(seconds=4)).user_id == "usr_1"
    with pytest.raises(TokenRefused):
        bearer.verify(token, verification_keys=_VERIFICATION, at=NOW - timedelta(seconds=6))


def test_keys_rotate_by_their_ids() -> None:
    """A token of the old key passes only while the old key is listed."""
    new_private, new_public = es256_key()
    old = tokens.issue("usr_1", signing_key=_SIGNING, at=NOW)
    new = tokens.issue("usr_1", signing_key=json.dumps({"kid": "k2", "pem": new_private}), at=NOW)
    both, only_new = json.dumps({"k1": _PUBLIC, "k2": new_public}), json.dumps({"k2": new_public})
    assert bearer.verify(old, verification_keys=both, at=NOW) == bearer.verify(new, verification_keys=both, at=NOW)
    with pytest.raises(TokenRefused):
        bearer.verify(old, verification_keys=only_new, at=NOW)
