"""Who is asking."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller as the authorizer established it."""

    user_id: str
    scopes: frozenset[str] = frozenset()

    @property
    def account_id(self) -> str:
        """Who pays for what this caller makes."""
        return self.user_id
