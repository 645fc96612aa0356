"""The caller of a request, and this caller's permissions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.access.permissions import ROLES, AccountRole, Permission

LIFE_SECONDS = 900  # of an access token


@dataclass(frozen=True, slots=True)
class Principal:
    """A user acting on an account in a role, until the token expires.

    `scopes` are the token's scopes; None does not restrict the role. `session_id` is the sign-in from which the token
    comes, `key_id` the key of a program.
    """

    user_id: str
    account_id: str
    role: AccountRole
    expires_at: datetime
    scopes: frozenset[str] | None = None
    session_id: str | None = None
    key_id: str | None = None

    def may(self, permission: Permission) -> bool:
        """Return whether the role grants the permission and the token's scopes include it."""
        return permission in ROLES[self.role] and self.has_scope(permission)

    def has_scope(self, permission: Permission) -> bool:
        """Return whether the token's scopes include the permission, or the token has none."""
        return self.scopes is None or permission in self.scopes

    def context(self) -> dict[str, str]:
        """Return the authorizer's context; API Gateway passes it to the functions."""
        facts = {
            "userId": self.user_id,
            "accountId": self.account_id,
            "role": self.role.value,
            "expiresAt": str(int(self.expires_at.timestamp())),
            "scopes": None if self.scopes is None else " ".join(sorted(self.scopes)),
            "sessionId": self.session_id,
            "keyId": self.key_id,
        }
        return {name: value for name, value in facts.items() if value is not None}

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> "Principal":
        """Return the principal that `context` describes. A context without a time has expired."""
        return cls(
            context["userId"],
            context["accountId"],
            AccountRole(context["role"]),
            datetime.fromtimestamp(int(context.get("expiresAt", 0)), UTC),
            frozenset(context["scopes"].split()) if "scopes" in context else None,
            context.get("sessionId"),
            context.get("keyId"),
        )
