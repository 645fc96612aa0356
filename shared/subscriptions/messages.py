"""The messages on the queue of billing events. They are versioned: a new version of the code reads older messages."""

from typing import Literal

from shared.core.wire import Wire

ACCOUNT_ERASED = "account.erased"  # the type of an event of our own: the customer's account is being deleted


class StripeEvent(Wire):
    """A change at Stripe of what belongs to a customer. The reader reads the objects from Stripe again.

    Refunds and disputes name a charge and no customer.
    """

    version: Literal[1] = 1
    event_id: str
    type: str  # "invoice.paid"
    customer_id: str | None = None
    charge_id: str | None = None
