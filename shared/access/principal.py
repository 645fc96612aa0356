"""The caller of a request, and this caller's permissions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.access.permissions import ROLES, AccountRole, Permission


@dataclass(frozen=True, slots=True)
class Principal:
    """A user acting on an account in a role. `scopes` are the token's scopes; None does not restrict the role."""

    user_id: str
    account_id: str
    role: AccountRole
    scopes: frozenset[str] | None = None

    def may(self, permission: Permission) -> bool:
        """Return whether the role grants the permission and the token's scopes include it."""
        return permission in ROLES[self.role] and (self.scopes is None or permission in self.scopes)

    def context(self) -> dict[str, str]:
        """Return the authorizer's context; API Gateway passes it to the functions."""
        facts = {"userId": self.user_id, "accountId": self.account_id, "role": self.role.value}
        return facts if self.scopes is None else {**facts, "scopes": " ".join(sorted(self.scopes))}

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> "Principal":
        """Return the principal that `context` describes."""
        scopes = frozenset(context["scopes"].split()) if "scopes" in context else None
        return cls(context["userId"], context["accountId"], AccountRole(context["role"]), scopes)
