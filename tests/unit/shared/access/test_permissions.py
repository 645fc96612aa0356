"""Roles grant permissions, and the scopes of a token restrict them."""

import json
from datetime import timedelta
from itertools import pairwise

import pytest

from shared.access import bearer, tokens
from shared.access.permissions import KEY_SCOPES, PLATFORM, ROLES, AccountRole, Permission
from shared.access.principal import Principal
from tests.support.forge import NOW, es256_key


def owner(scopes: frozenset[str] | None = None) -> Principal:
    return Principal("usr_1", "usr_1", AccountRole.OWNER, NOW + timedelta(minutes=15), scopes, "rft_1")


def test_an_owner_may_do_everything() -> None:
    assert all(owner().may(permission) for permission in set(Permission) - PLATFORM)


def test_no_role_and_no_key_operates_the_deployment() -> None:
    assert {permission for permission in Permission if permission.endswith(":admin")} == PLATFORM
    assert not any(owner().may(permission) for permission in PLATFORM)
    assert not PLATFORM & KEY_SCOPES


def test_each_role_includes_the_permissions_of_the_roles_below_it() -> None:
    roles = list(AccountRole)
    for higher, lower in pairwise(roles):
        assert ROLES[higher] > ROLES[lower]
        assert higher.covers(lower)
        assert not lower.covers(higher)
    assert all(role.covers(role) for role in roles)


def test_a_viewer_changes_nothing_of_the_account() -> None:
    """Passwords, sessions and keys belong to the user, whatever the role."""
    changes = ROLES[AccountRole.VIEWER] - {Permission.ACCOUNT_WRITE}
    assert {permission.partition(":")[2] for permission in changes} == {"read", "join"}


def test_scopes_restrict_the_role() -> None:
    caller = owner(frozenset({"jobs:read", "unknown:scope"}))
    assert [permission for permission in Permission if caller.may(permission)] == [Permission.JOBS_READ]


def test_a_token_with_an_empty_scope_may_do_nothing() -> None:
    assert not any(owner(frozenset()).may(permission) for permission in Permission)


@pytest.mark.parametrize("scopes", [None, frozenset(), frozenset({"jobs:read", "assets:read"})])
def test_the_authorizers_context_and_the_token_keep_scopes_expiry_and_session(scopes: frozenset[str] | None) -> None:
    assert Principal.from_context(owner(scopes).context()) == owner(scopes)
    private, public = es256_key()
    key = json.dumps({"kid": "k", "pem": private})
    token = tokens.issue("usr_1", signing_key=key, at=NOW, scopes=scopes, session_id="rft_1")
    assert bearer.verify(token, verification_keys=json.dumps({"k": public}), at=NOW) == owner(scopes)
