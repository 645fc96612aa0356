"""A number of credits that a program may spend."""

from __future__ import annotations

from .errors import KinoraError


class AllowanceUsedUp(KinoraError):
    """The film costs more than what is left of the allowance. Nothing was submitted or charged."""


class Allowance:
    """The credits that may be spent, and those of films that were submitted or are being submitted."""

    def __init__(self, credits: int) -> None:
        self.credits = credits
        self.spent = 0
        self._films: dict[str, int] = {}

    def take(self, price: int) -> None:
        """Reserve the price of a film before its submit. Raise AllowanceUsedUp if it is more than what is left.

        There is no `await` between the check and the reservation, so two submits never share the same credits.
        """
        left = self.credits - self.spent
        if price > left:
            raise AllowanceUsedUp(
                f"The film costs {price} credits, and {left} of the {self.credits} credits of this program are left."
            )
        self.spent += price

    def give_back(self, price: int) -> None:
        """End the reservation of a film that was not submitted."""
        self.spent -= price

    def submitted(self, film_id: str, credits: int) -> None:
        """Remember what the film of a reservation costs."""
        self._films[film_id] = credits

    def not_charged(self, film_id: str) -> None:
        """Give back the credits of a film that failed or was cancelled. A second call changes nothing."""
        self.spent -= self._films.pop(film_id, 0)
