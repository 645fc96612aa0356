"""A fake of Stripe's API: what Kinora uses of it, in this process. `docs/stripe.md` lists what it lacks.

`FakeStripe.answer` takes a request and returns an answer. `server.py` serves it over HTTP, and so does the laptop's
gateway.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any

from local.stripe.books import Object, StripeBooks, listed
from local.stripe.errors import StripeRefusal, missing, required, unknown
from local.stripe.form import decoded
from local.stripe.keys import API_KEY, WEBHOOK_SECRET
from local.stripe.signatures import signature

LIST = frozenset({"limit", "starting_after", "expand", "created"})
METADATA = frozenset({"metadata", "expand"})


@dataclass(frozen=True, slots=True)
class StripeAnswer:
    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class _Known:
    """The answer to a request with an idempotency key."""

    request: tuple[str, str, str]
    answer: StripeAnswer


Operation = Callable[[Object, str], Object]


class FakeStripe:
    """The fake. `books` has the objects, and the methods of customers and banks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.books = StripeBooks()
        self.lock = RLock()
        self.requests: list[tuple[str, str]] = []  # method and path of each request to the API
        self.broken = 0  # number of the next requests that fail with 500
        self._known: dict[str, _Known] = {}
        self._routes = self._table()

    def signed(self, event: Object, *, at: int) -> tuple[str, str]:
        """Return the body of a webhook and its signature of the time `at`."""
        body = json.dumps(event, indent=2)
        return body, signature(WEBHOOK_SECRET, body, at)

    def answer(self, method: str, path: str, query: str, body: str, headers: Mapping[str, str]) -> StripeAnswer:
        """Answer a request. Names of headers are in lower case."""
        with self.lock:
            self.requests.append((method, path))
            if self.broken:
                self.broken -= 1
                return _json(500, {"error": {"type": "api_error", "message": "An error occurred."}})
            try:
                if headers.get("authorization") != f"Bearer {API_KEY}":
                    raise StripeRefusal(401, "Invalid API Key provided")
                return self._once(method, path, query, body, headers.get("idempotency-key"))
            except StripeRefusal as refusal:
                return _json(refusal.status, refusal.body)

    def _once(self, method: str, path: str, query: str, body: str, key: str | None) -> StripeAnswer:
        """Carry out a POST once for each key, as Stripe does: errors of the parameters are not stored."""
        if method != "POST" or key is None:
            return self._carry_out(method, path, query, body)
        known = self._known.get(key)
        if known is None:
            answer = self._carry_out(method, path, query, body)
            self._known[key] = _Known((method, path, body), answer)
            return answer
        if known.request != (method, path, body):
            text = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            raise StripeRefusal(400, text, kind="idempotency_error")
        return StripeAnswer(
            known.answer.status, {**known.answer.headers, "idempotent-replayed": "true"}, known.answer.body
        )  # fmt: skip

    def _carry_out(self, method: str, path: str, query: str, body: str) -> StripeAnswer:
        for verb, pattern, allowed, operation in self._routes:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                fields = decoded(body if method == "POST" else query)
                for name in fields.keys() - allowed:
                    raise unknown(name)
                made = operation(fields, found[1] if found.groups() else "")
                return _json(200, made | {"url": path} if made["object"] == "list" else made)
        raise StripeRefusal(404, f"Unrecognized request URL ({method}: {path}).")

    def _table(self) -> list[tuple[str, str, frozenset[str], Operation]]:
        """Return method, path, allowed parameters and operation of each route."""

        def retrieve(kind: str) -> Operation:
            return lambda fields, id_: self._expanded(self.books.get(id_, kind), fields)

        def listing(kind: str, *filters: str) -> Operation:
            return lambda fields, _: self._list(kind, fields, filters)

        id_ = r"/(\w+)"
        rows: list[tuple[str, str, set[str], Operation]] = [
            ("POST", "customers", {"metadata", "email", "name"}, self._create_customer),
            ("GET", f"customers{id_}", set(), retrieve("customer")),
            ("DELETE", f"customers{id_}", set(), lambda _, id_: self.books.delete_customer(id_)),
            ("POST", "products", {"name", "metadata"}, self._create_product),
            ("GET", "products", {"active"}, listing("product", "active")),
            ("POST", "prices", {"product", "currency", "unit_amount", "lookup_key", "recurring", "metadata",
                                "transfer_lookup_key", "nickname"}, self._create_price),
            ("GET", "prices", {"lookup_keys", "active", "product"}, self._list_prices),
            ("GET", f"prices{id_}", set(), retrieve("price")),
            ("POST", "checkout/sessions", {"mode", "customer", "line_items", "metadata", "success_url", "cancel_url",
                                           "subscription_data", "client_reference_id"}, self._create_session),
            ("GET", "checkout/sessions", {"customer", "status", "payment_intent"},
             listing("checkout.session", "customer", "status", "payment_intent")),
            ("GET", f"checkout/sessions{id_}", set(), retrieve("checkout.session")),
            ("POST", f"checkout/sessions{id_}/expire", set(), self._expire_session),
            ("POST", "billing_portal/sessions", {"customer", "return_url", "flow_data"}, self._create_portal),
            ("GET", "subscriptions", {"customer", "status"}, self._list_subscriptions),
            ("GET", f"subscriptions{id_}", set(), retrieve("subscription")),
            ("POST", f"subscriptions{id_}", {"items", "cancel_at_period_end", "proration_behavior", "metadata"},
             self._update_subscription),
            ("DELETE", f"subscriptions{id_}", set(), lambda _, id_: self.books.cancel(id_)),
            ("GET", "invoices", {"customer", "status"}, listing("invoice", "customer", "status")),
            ("GET", f"invoices{id_}", set(), retrieve("invoice")),
            ("GET", "invoice_payments", {"invoice", "payment", "status"}, self._list_invoice_payments),
            ("GET", "charges", {"customer", "payment_intent"}, listing("charge", "customer", "payment_intent")),
            ("GET", f"charges{id_}", set(), retrieve("charge")),
            ("POST", "refunds", {"charge", "payment_intent", "amount", "reason", "metadata"}, self._create_refund),
            ("GET", "refunds", {"charge", "payment_intent"}, listing("refund", "charge", "payment_intent")),
            ("GET", "disputes", {"charge", "payment_intent"}, listing("dispute", "charge", "payment_intent")),
            ("GET", f"disputes{id_}", set(), retrieve("dispute")),
            ("GET", "events", {"type"}, listing("event", "type")),
            ("GET", f"events{id_}", set(), retrieve("event")),
        ]  # fmt: skip
        return [
            (verb, f"/v1/{path}", frozenset(allowed) | (LIST if verb == "GET" else METADATA), operation)
            for verb, path, allowed, operation in rows
        ]

    # --- reading

    def _list(self, kind: str, fields: Object, filters: tuple[str, ...]) -> Object:
        wanted = {name: _value(fields[name]) for name in filters if name in fields}
        return self._page(list(self.books.all(kind, **wanted)), fields)

    def _page(self, found: list[Object], fields: Object) -> Object:
        limit = int(fields.get("limit", 10))
        if not 1 <= limit <= 100:
            raise StripeRefusal(400, "Invalid integer: limit must be 1 to 100.", param="limit")
        if after := fields.get("starting_after"):
            ids = [one["id"] for one in found]
            if after not in ids:
                raise missing("object", after)
            found = found[ids.index(after) + 1 :]
        page = [self._expanded(one, fields, "data.") for one in found[:limit]]
        return listed(page, "", has_more=len(found) > limit)

    def _expanded(self, found: Object, fields: Object, below: str = "") -> Object:
        names = [str(name).removeprefix(below) for name in fields.get("expand") or ()]
        return found | {name: self.books.objects[found[name]] for name in names if found.get(name)}

    def _list_prices(self, fields: Object, _: str) -> Object:
        keys = fields.get("lookup_keys")
        found = [one for one in self.books.all("price") if keys is None or one["lookup_key"] in keys]
        return self._page(found, fields)

    def _list_subscriptions(self, fields: Object, _: str) -> Object:
        status = fields.get("status")
        found = [
            one
            for one in self.books.all("subscription", customer=fields.get("customer"))
            if status in {"all", one["status"]} or (status is None and one["status"] != "canceled")
        ]
        return self._page(found, fields)

    def _list_invoice_payments(self, fields: Object, _: str) -> Object:
        wanted = {name: fields[name] for name in ("invoice", "status", "payment") if name in fields}
        return self._page(list(self.books.all("invoice_payment", **wanted)), fields)

    # --- writing

    def _create_customer(self, fields: Object, _: str) -> Object:
        customer = self.books.add("cus", "customer", email=fields.get("email"), name=fields.get("name"),
                                  metadata=fields.get("metadata") or {})  # fmt: skip
        self.books.emit("customer.created", customer)
        return customer

    def _create_product(self, fields: Object, _: str) -> Object:
        return self.books.add("prod", "product", active=True, name=_need(fields, "name"),
                              metadata=fields.get("metadata") or {})  # fmt: skip

    def _create_price(self, fields: Object, _: str) -> Object:
        key = fields.get("lookup_key")
        for other in self.books.all("price", lookup_key=key) if key else ():
            if fields.get("transfer_lookup_key") != "true":
                raise StripeRefusal(400, f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key")
            other["lookup_key"] = None
        recurring = fields.get("recurring")
        return self.books.add(
            "price", "price", active=True, currency=_need(fields, "currency"), lookup_key=key,
            unit_amount=int(_need(fields, "unit_amount")), metadata=fields.get("metadata") or {},
            product=self.books.get(_need(fields, "product"), "product")["id"],
            recurring=recurring and {"interval": recurring["interval"], "interval_count": 1},
            type="recurring" if recurring else "one_time",
        )  # fmt: skip

    def _create_session(self, fields: Object, _: str) -> Object:
        mode, success = _need(fields, "mode"), _need(fields, "success_url")
        customer = self.books.get(_need(fields, "customer"), "customer")
        [item] = _need(fields, "line_items")
        price = self.books.get(_need(item, "price"), "price")
        if (mode == "subscription") != (price["type"] == "recurring"):
            raise StripeRefusal(400, f"The price {price['id']} does not fit mode {mode}.", param="line_items[0][price]")
        cents = price["unit_amount"] * int(_need(item, "quantity"))
        session = self.books.add(
            "cs", "checkout.session", mode=mode, customer=customer["id"], status="open", payment_status="unpaid",
            amount_total=cents, currency="usd", metadata=fields.get("metadata") or {}, success_url=success,
            cancel_url=fields.get("cancel_url"), payment_intent=None, subscription=None, invoice=None,
            subscription_data=fields.get("subscription_data") or {},
            line_items=listed([{"price": price, "quantity": 1}], "/v1"),
        )  # fmt: skip
        session["url"] = f"{self.url}/pay/{session['id']}"
        return session

    def _expire_session(self, _: Object, session_id: str) -> Object:
        session = self.books.get(session_id, "checkout.session")
        if session["status"] != "open":
            raise StripeRefusal(400, 'Only Checkout Sessions with a status in ["open"] can be expired.')
        session |= {"status": "expired", "url": None}
        self.books.emit("checkout.session.expired", session)
        return session

    def _create_portal(self, fields: Object, _: str) -> Object:
        customer = self.books.get(_need(fields, "customer"), "customer")
        session = self.books.add("bps", "billing_portal.session", customer=customer["id"],
                                 return_url=fields.get("return_url"), flow=fields.get("flow_data"))  # fmt: skip
        session["url"] = f"{self.url}/portal/{session['id']}"
        return session

    def _update_subscription(self, fields: Object, subscription_id: str) -> Object:
        subscription = self.books.get(subscription_id, "subscription")
        if "cancel_at_period_end" in fields:
            subscription["cancel_at_period_end"] = fields["cancel_at_period_end"] == "true"
        for item in fields.get("items") or ():
            price = self.books.get(_need(item, "price"), "price")
            proration = fields.get("proration_behavior", "create_prorations")
            self.books.change_price(subscription_id, price, proration)
        subscription["metadata"] |= fields.get("metadata") or {}
        self.books.emit("customer.subscription.updated", subscription)
        return subscription

    def _create_refund(self, fields: Object, _: str) -> Object:
        if intent := fields.get("payment_intent"):
            [charge] = self.books.all("charge", payment_intent=intent)
        else:
            charge = self.books.get(_need(fields, "charge"), "charge")
        return self.books.refund(charge, int(fields.get("amount", charge["amount"] - charge["amount_refunded"])))


def _need(fields: Object, name: str) -> Any:
    if not fields.get(name):
        raise required(name)
    return fields[name]


def _value(text: Any) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _json(status: int, body: Object) -> StripeAnswer:
    return StripeAnswer(status, {"content-type": "application/json"}, json.dumps(body, indent=2))
