"""The objects of the fake Stripe, and what customers, cards and banks do to them.

Each change happens one second after the one before it, at least, and writes an event. The clock never goes back.
"""

import secrets
from collections.abc import Iterator
from copy import deepcopy
from time import time
from typing import Any

from local.stripe.errors import StripeRefusal, missing

API_VERSION = "2026-10-28.endive"
MONTH = 30 * 86_400
MOST_FAILURES = 4  # failed payments of an invoice, after which the subscription is unpaid
Object = dict[str, Any]


class StripeBooks:
    """All objects by id, in order of creation."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.events: list[Object] = []
        self.now = int(time())
        self._prorations: dict[str, list[Object]] = {}  # invoice items that wait for the next invoice

    # --- objects

    def add(self, prefix: str, kind: str, **fields: Any) -> Object:
        id_ = f"{prefix}_{len(self.objects):06d}{secrets.token_hex(6)}"
        self.objects[id_] = {"id": id_, "object": kind, "created": self.tick(), "livemode": False, **fields}
        return self.objects[id_]

    def get(self, id_: str, kind: str) -> Object:
        found = self.objects.get(id_)
        if found is None or found["object"] != kind:
            raise missing(kind, id_)
        return found

    def all(self, kind: str, **fields: Any) -> Iterator[Object]:
        """Yield the objects of a kind with these fields, newest first."""
        for found in reversed(self.objects.values()):
            if found["object"] == kind and all(found.get(name) == value for name, value in fields.items()):
                yield found

    def tick(self) -> int:
        self.now = max(self.now + 1, int(time()))
        return self.now

    def emit(self, type_: str, changed: Object) -> None:
        event = self.add(
            "evt", "event", type=type_, api_version=API_VERSION, pending_webhooks=1,
            data={"object": deepcopy(changed)}, request={"id": None, "idempotency_key": None},
        )  # fmt: skip
        self.events.append(event)

    # --- payments

    def pay_session(self, session_id: str, *, declined: bool = False) -> None:
        """Fill in the checkout page and pay."""
        session = self.get(session_id, "checkout.session")
        if session["status"] != "open":
            raise StripeRefusal(400, f"This page is {session['status']}.")
        if declined:
            return
        session["status"] = "complete"
        price = self.get(session["line_items"]["data"][0]["price"]["id"], "price")
        if session["mode"] == "subscription":
            made = self.subscribe(session["customer"], price, session["subscription_data"].get("metadata") or {})
            session |= {"subscription": made["id"], "invoice": made["latest_invoice"]}
        else:
            charge = self._charge(session["customer"], session["amount_total"])
            session["payment_intent"] = charge["payment_intent"]
            self.emit("charge.succeeded", charge)
        session["payment_status"] = "paid"
        self.emit("checkout.session.completed", session)

    def _charge(self, customer_id: str, cents: int) -> Object:
        intent = self.add("pi", "payment_intent", amount=cents, currency="usd", customer=customer_id,
                          status="succeeded")  # fmt: skip
        return self.add(
            "ch", "charge", amount=cents, amount_captured=cents, amount_refunded=0, currency="usd",
            customer=customer_id, disputed=False, paid=True, payment_intent=intent["id"], refunded=False,
            status="succeeded",
        )  # fmt: skip

    def _pay_invoice(self, invoice: Object) -> None:
        if invoice["amount_due"] > 0:
            charge = self._charge(invoice["customer"], invoice["amount_due"])
            self.add("inpay", "invoice_payment", invoice=invoice["id"], status="paid", is_default=True,
                     amount_paid=charge["amount"], currency="usd",
                     payment={"type": "payment_intent", "payment_intent": charge["payment_intent"]})  # fmt: skip
            self.emit("charge.succeeded", charge)
        paid_at = self.tick()
        invoice |= {"status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0}
        invoice["status_transitions"]["paid_at"] = paid_at
        self.emit("invoice.paid", invoice)
        self.emit("invoice.payment_succeeded", invoice)

    # --- subscriptions

    def subscribe(self, customer_id: str, price: Object, metadata: Object) -> Object:
        item = {
            "id": f"si_{secrets.token_hex(6)}", "object": "subscription_item", "price": price, "quantity": 1,
            "current_period_start": self.now, "current_period_end": self.now + MONTH, "metadata": {},
        }  # fmt: skip
        subscription = self.add(
            "sub", "subscription", customer=customer_id, status="active", cancel_at_period_end=False, cancel_at=None,
            currency="usd", metadata=metadata, latest_invoice=None, ended_at=None,
        )  # fmt: skip
        item["subscription"] = subscription["id"]
        subscription["items"] = listed([item], "/v1/subscription_items")
        self._invoice(subscription, "subscription_create", [_line(price, price["unit_amount"])])
        self.emit("customer.subscription.created", subscription)
        return subscription

    def _invoice(self, subscription: Object, reason: str, lines: list[Object], *, paid: bool = True) -> Object:
        total = sum(line["amount"] for line in lines)
        invoice = self.add(
            "in", "invoice", customer=subscription["customer"], currency="usd", status="open", billing_reason=reason,
            total=total, subtotal=total, amount_due=max(0, total), amount_paid=0, amount_remaining=max(0, total),
            attempt_count=1, status_transitions={"finalized_at": self.now, "paid_at": None},
            parent={"type": "subscription_details", "subscription_details": {"subscription": subscription["id"]}},
        )  # fmt: skip
        invoice["lines"] = listed(lines, f"/v1/invoices/{invoice['id']}/lines")
        subscription["latest_invoice"] = invoice["id"]
        if paid:
            self._pay_invoice(invoice)
        else:
            self.emit("invoice.payment_failed", invoice)
        return invoice

    def end_period(self, subscription_id: str, *, declined: bool = False) -> None:
        """Move the clock to the end of the period, where the subscription ends or is renewed."""
        subscription = self.get(subscription_id, "subscription")
        [item] = subscription["items"]["data"]
        self.now = max(self.now, item["current_period_end"])
        if subscription["cancel_at_period_end"]:
            self.cancel(subscription_id)
            return
        item |= {"current_period_start": self.now, "current_period_end": self.now + MONTH}
        lines = [*self._prorations.pop(subscription_id, []), _line(item["price"], item["price"]["unit_amount"])]
        self._invoice(subscription, "subscription_cycle", lines, paid=not declined)
        if declined:
            subscription["status"] = "past_due"
        self.emit("customer.subscription.updated", subscription)

    def try_again(self, invoice_id: str, *, declined: bool = False) -> None:
        """Request the payment of an open invoice once more."""
        invoice = self.get(invoice_id, "invoice")
        subscription = self.get(invoice["parent"]["subscription_details"]["subscription"], "subscription")
        if invoice["status"] != "open":
            raise StripeRefusal(400, f"Invoice is already {invoice['status']}", code="invoice_not_open")
        invoice["attempt_count"] += 1
        if declined:
            self.emit("invoice.payment_failed", invoice)
            if invoice["attempt_count"] < MOST_FAILURES or subscription["status"] == "unpaid":
                return
            subscription["status"] = "unpaid"
        else:
            self._pay_invoice(invoice)
            subscription["status"] = "active"
        self.emit("customer.subscription.updated", subscription)

    def delete_customer(self, customer_id: str) -> Object:
        """Cancel the customer's subscriptions, and keep nothing of the customer but the id."""
        customer = self.get(customer_id, "customer")
        for subscription in list(self.all("subscription", customer=customer_id)):
            if subscription["status"] != "canceled":
                self.cancel(subscription["id"])
        self.emit("customer.deleted", customer)
        self.objects[customer_id] = {"id": customer_id, "object": "customer", "deleted": True}
        return self.objects[customer_id]

    def cancel(self, subscription_id: str) -> Object:
        subscription = self.get(subscription_id, "subscription")
        if subscription["status"] == "canceled":
            raise missing("subscription", subscription_id)
        subscription |= {"status": "canceled", "ended_at": self.tick(), "cancel_at_period_end": False}
        self.emit("customer.subscription.deleted", subscription)
        return subscription

    def change_price(self, subscription_id: str, price: Object, proration: str) -> None:
        """Replace the price, and invoice the difference for the rest of the period: at once, later or never."""
        subscription = self.get(subscription_id, "subscription")
        [item] = subscription["items"]["data"]
        left = max(0, item["current_period_end"] - self.tick()) / MONTH
        lines = [
            _line(item["price"], -round(left * item["price"]["unit_amount"])),
            _line(price, round(left * price["unit_amount"])),
        ]
        item["price"] = price
        if proration == "always_invoice":
            self._invoice(subscription, "subscription_update", lines)
        elif proration == "create_prorations":
            self._prorations.setdefault(subscription_id, []).extend(lines)

    # --- money that goes back

    def refund(self, charge: Object, cents: int) -> Object:
        if cents > charge["amount"] - charge["amount_refunded"] or cents <= 0:
            raise StripeRefusal(400, "Refund amount is greater than unrefunded amount on charge", param="amount")
        if charge["disputed"]:
            raise StripeRefusal(400, "Charge has been charged back; cannot issue a refund.", code="charge_disputed")
        refund = self.add("re", "refund", amount=cents, charge=charge["id"], currency="usd", status="succeeded",
                          payment_intent=charge["payment_intent"], failure_balance_transaction=None)  # fmt: skip
        charge["amount_refunded"] += cents
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.emit("charge.refunded", charge)
        self.emit("refund.created", refund)
        return refund

    def fail_refund(self, refund_id: str) -> None:
        """Let the bank refuse a refund."""
        refund = self.get(refund_id, "refund")
        charge = self.get(refund["charge"], "charge")
        refund |= {"status": "failed", "failure_balance_transaction": self._moved(refund["amount"])["id"]}
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        self.emit("refund.failed", refund)
        self.emit("refund.updated", refund)

    def _moved(self, cents: int) -> Object:
        return self.add("txn", "balance_transaction", amount=cents, currency="usd", type="adjustment")

    def dispute(self, charge_id: str, *, inquiry: bool = False) -> Object:
        """Let the bank withdraw the rest of a charge, or only ask about it."""
        charge = self.get(charge_id, "charge")
        if charge["disputed"]:
            raise StripeRefusal(400, "This charge is disputed already.")
        cents = charge["amount"] - charge["amount_refunded"]
        dispute = self.add(
            "dp", "dispute", amount=cents, charge=charge_id, currency="usd", payment_intent=charge["payment_intent"],
            status="warning_needs_response" if inquiry else "needs_response", reason="fraudulent",
            is_charge_refundable=inquiry, balance_transactions=[] if inquiry else [self._moved(-cents)],
        )  # fmt: skip
        charge["disputed"] = not inquiry
        self.emit("charge.dispute.created", dispute)
        if not inquiry:
            self.emit("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        dispute = self.get(dispute_id, "dispute")
        if dispute["status"] in {"won", "lost", "warning_closed"}:
            raise StripeRefusal(400, "This dispute is closed.")
        inquiry = dispute["status"].startswith("warning")
        dispute["status"] = "warning_closed" if inquiry else "won" if won else "lost"
        if won and not inquiry:
            dispute["balance_transactions"].append(self._moved(dispute["amount"]))
            self.emit("charge.dispute.funds_reinstated", dispute)
        self.emit("charge.dispute.closed", dispute)


def listed(data: list[Object], url: str, *, has_more: bool = False) -> Object:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _line(price: Object, cents: int) -> Object:
    return {
        "id": f"il_{secrets.token_hex(6)}", "object": "line_item", "amount": cents, "currency": "usd", "quantity": 1,
        "metadata": {},
        "pricing": {
            "type": "price_details", "unit_amount_decimal": str(price["unit_amount"]),
            "price_details": {"price": price["id"], "product": price["product"]},
        },
    }  # fmt: skip
