"""The fake Stripe at `/stripe`: its API, the pages on which a developer buys, and its webhooks to this gateway."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from html import escape
from time import time
from typing import Any

import aiohttp
from aiohttp import web

from local.stripe.api import FakeStripe
from local.stripe.errors import StripeRefusal

PREFIX = "/stripe"
POLL_SECONDS = 0.3
TRIES = 20  # deliveries of one event

log = logging.getLogger(__name__)

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>body {{ font: 16px/1.5 system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem }}
button {{ font: inherit; padding: .4rem 1rem; margin: .2rem .4rem .2rem 0 }} form {{ display: inline }}</style></head>
<body><p>This is a fake of Stripe on your computer. No money moves.</p><h1>{title}</h1>{body}</body></html>
"""


class StripeGateway:
    """The routes below `/stripe`. `origin` is the gateway's own address."""

    def __init__(self, origin: str) -> None:
        self.fake = FakeStripe(origin + PREFIX)
        self._webhook = f"{origin}/api/billing/webhook"

    def add_to(self, application: web.Application) -> None:
        router = application.router
        router.add_route("*", PREFIX + "/v1/{rest:.*}", self._api)
        router.add_get(PREFIX + "/pay/{id}", self._pay)
        router.add_post(PREFIX + "/pay/{id}", self._paid)
        router.add_get(PREFIX + "/portal/{id}", self._portal)
        router.add_post(PREFIX + "/portal/{id}", self._change)
        application.cleanup_ctx.append(self._webhooks)

    async def _api(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path, body = request.path.removeprefix(PREFIX), await request.text()
        answer = self.fake.answer(request.method, path, request.query_string, body, headers)
        return web.Response(status=answer.status, headers=dict(answer.headers), text=answer.body)

    async def _webhooks(self, _: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._send_events())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _send_events(self) -> None:
        """Send each event to the webhook, in order. An event that is refused many times is given up."""
        sent = tries = 0
        async with aiohttp.ClientSession() as client:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                while sent < len(self.fake.books.events) and await self._accepted(client, sent, tries):
                    sent, tries = sent + 1, 0
                tries += 1

    async def _accepted(self, client: aiohttp.ClientSession, number: int, tries: int) -> bool:
        event = self.fake.books.events[number]
        body, signature = self.fake.signed(event, at=int(time()))
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        try:
            async with client.post(self._webhook, data=body.encode(), headers=headers) as answer:
                accepted = answer.status < 300
        except aiohttp.ClientError:
            accepted = False
        if not accepted and tries >= TRIES:
            log.error("the webhook refused %s", event["id"])
            return True
        return accepted

    # --- pages

    async def _pay(self, request: web.Request) -> web.Response:
        session = _found(self.fake, request, "checkout.session")
        price = session["line_items"]["data"][0]["price"]
        rows = f"<p>{escape(str(price['lookup_key']))}: {session['amount_total'] / 100:.2f} USD</p>"
        actions = _buttons(pay="Pay", decline="Pay with a card that is declined") if session["status"] == "open" else ""
        return _page("Checkout", f"{rows}<p>Status: {session['status']}</p>{actions}")

    async def _paid(self, request: web.Request) -> web.Response:
        session = _found(self.fake, request, "checkout.session")
        declined = (await request.post()).get("action") == "decline"
        _do(lambda: self.fake.books.pay_session(session["id"], declined=declined))
        if declined:
            return _page("The card was declined", f'<p><a href="{escape(request.path)}">Try again</a></p>')
        return _page("Paid", f'<p><a href="{escape(session["success_url"])}">Back to Kinora</a></p>')

    async def _portal(self, request: web.Request) -> web.Response:
        session = _found(self.fake, request, "billing_portal.session")
        invoices = "".join(
            f"<li>{escape(one['id'])}: {one['total'] / 100:.2f} USD, {one['status']}</li>"
            for one in self.fake.books.all("invoice", customer=session["customer"])
        )
        rows = [f"<ul>{invoices}</ul>"]
        for one in self.fake.books.all("subscription", customer=session["customer"]):
            price = one["items"]["data"][0]["price"]["lookup_key"]
            ends = ", ends with its period" if one["cancel_at_period_end"] else ""
            rows.append(f"<p>{escape(str(price))}: {one['status']}{ends}</p>")
        names = {"cancel": "End with the period", "resume": "Continue", "renew": "Go to the next period",
                 "decline": "Go to the next period, and decline its payment"}  # fmt: skip
        if session["flow"]:
            names = {"confirm": "Confirm the new plan", **names}
        return _page("Your subscription", "".join(rows) + _buttons(**names))

    async def _change(self, request: web.Request) -> web.Response:
        session = _found(self.fake, request, "billing_portal.session")
        books, action = self.fake.books, (await request.post()).get("action")
        subscription = next(books.all("subscription", customer=session["customer"]), None)
        if subscription is None:
            return _page("There is no subscription", "")
        match action:
            case "confirm":
                flow = session["flow"]["subscription_update_confirm"]
                price = books.get(flow["items"][0]["price"], "price")
                _do(lambda: books.change_price(flow["subscription"], price, "always_invoice"))
            case "cancel" | "resume":
                subscription["cancel_at_period_end"] = action == "cancel"
            case _:
                _do(lambda: books.end_period(subscription["id"], declined=action == "decline"))
        books.emit("customer.subscription.updated", subscription)
        raise web.HTTPSeeOther(request.path)


def _found(fake: FakeStripe, request: web.Request, kind: str) -> dict[str, Any]:
    try:
        return fake.books.get(request.match_info["id"], kind)
    except StripeRefusal:
        raise web.HTTPNotFound from None


def _do(change: Any) -> None:
    try:
        change()
    except StripeRefusal as refusal:
        raise web.HTTPConflict(text=str(refusal)) from None


def _buttons(**names: str) -> str:
    forms = (
        f'<form method="post"><button name="action" value="{value}">{escape(text)}</button></form>'
        for value, text in names.items()
    )
    return "".join(forms)


def _page(title: str, body: str) -> web.Response:
    return web.Response(text=_PAGE.format(title=escape(title), body=body), content_type="text/html")
