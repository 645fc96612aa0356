"""docs/limits.md and docs/pricing.md: what a caller may do, and what it costs, from the constants of the code."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from functions.assets.verification import MAX_BYTES, UPLOADS_AT_ONCE
from functions.auth.accounts import OPENING_CREDITS
from functions.billing.service import MOST_DAYS
from functions.jobs.listing import MOST_SEARCHED
from functions.jobs.schemas import JobCreate
from functions.teams.changes import MOST_ORGANIZATIONS
from shared.access.principal import LIFE_SECONDS
from shared.assets.formats import MEDIA_TYPES
from shared.connections.store import CONNECTION_LIFE
from shared.credentials.resets import RESET_LIFE
from shared.credentials.socket_tickets import TICKET_LIFE
from shared.credentials.store import FAMILY_LIFE
from shared.idempotency.store import ANSWER_LIFE
from shared.jobs.admission import WAIT
from shared.jobs.batches import MOST_JOBS
from shared.jobs.keys import WORK_LIFE
from shared.jobs.spec import JobSettings
from shared.jobs.views import URL_LIFE
from shared.keys.store import MOST_KEYS
from shared.organizations.invites import INVITE_LIFE, MOST_INVITES
from shared.organizations.store import MOST_MEMBERS
from shared.presets.store import MOST_PRESETS
from shared.quotas.classes import QUOTAS, RouteClass
from shared.shares.store import MOST_SHARES
from shared.stages.engines import ALL_ENGINES, Family, Runs
from shared.stages.requests import MAX_PICTURES
from shared.stages.stages import WORK_SECONDS
from shared.subscriptions.plans import PACKS, PLANS
from shared.webhooks.deliveries import DELIVERY_LIFE, PAUSES
from shared.webhooks.store import MOST_WEBHOOKS, OVERLAP, PATIENCE

LIMITS = """# Limits

`make docs` writes this page from the code. A request above a limit gets the code of the row, and [errors](errors.md)
says what to do.

## Requests

Each user has a bucket of requests for each class of operations. Its keys and sessions share it. Without a user, each
network address has one. An empty bucket answers 429 `too_many_requests` with `Retry-After`, and the clients wait.
`RateLimit-Policy` and `RateLimit` in each answer have the class, the size, the rest and the time to reset.

| class | requests at once | more in each minute |
|---|---|---|
"""
ABOUT = {
    RouteClass.SIGN_UP: "registration",
    RouteClass.SIGN_IN: "sign-in and links of emails",
    RouteClass.SESSION: "renewal and end of a session",
    RouteClass.READ: "requests that change nothing",
    RouteClass.WRITE: "changes",
    RouteClass.SPEND: "requests that can cost credits",
    RouteClass.REPORT: "errors of the studio in a browser",
    RouteClass.WEBHOOK: "events of Stripe",
}
PLACES = {Family.CPU_MEDIA: "on a CPU", Family.CUDA_DIFFUSERS: "on a GPU"}
PRICING = """# Prices

`make docs` writes this page from the code. A film costs credits: they are held at the submit, and charged when it is
complete. A film that fails or is cancelled costs nothing. `POST /api/jobs/quote` says the price of a film, with its
reasons, before anything is held. The price can change until the submit, because the table of engines can have another
first row then. A request with `maxCredits` costs no more than that: if the price is higher, it is refused with
`max_credits_exceeded`, which names the price, and nothing is held.

A new account has {opening} credits. Films on the FREE plan have a watermark, and films of the other plans go first.

## Plans

| plan | US dollars a month | credits a month | unspent credits that stay |
|---|---|---|---|
{plans}
## Credits that do not expire

| pack | credits | US dollars |
|---|---|---|
{packs}
## Engines

The price of a step is the sum of its units, rounded up. A draft costs the named part of it. A step without an engine
in `settings.engines` uses the first row of [the table](engines.md#the-table) that can do it. `GET /api/engines` shows
the engines of your studio: an engine of a provider is offered where the operator has stored its key, and an engine of a
GPU where the operator runs one.
[Engines of providers](engines.md#engines-of-providers) has their limits and their faults.

| engine | stage | credits | a second | a picture after the first | draft | seconds at most | runs |
|---|---|---|---|---|---|---|---|
{engines}"""


def limits() -> str:
    """Return the text of docs/limits.md."""
    text = LIMITS + "".join(
        f"| `{name}`: {ABOUT[name]} | {quota.burst} | {quota.per_minute} |\n" for name, quota in QUOTAS.items()
    )
    plans = [(name, terms) for name, terms in PLANS.items()]
    text += f"\n## Plans\n\n| | {' | '.join(name for name, _ in plans)} |\n|---|{'---|' * len(plans)}\n"
    rows = {
        "films that run at once": [terms.running for _, terms in plans],
        "films that wait (`too_many_waiting_jobs`)": [terms.waiting for _, terms in plans],
        "projects (`too_many_projects`)": [terms.projects for _, terms in plans],
        "uploads (`storage_full`)": [terms.assets for _, terms in plans],
        "stored uploads, in GB (`storage_full`)": [terms.stored_bytes // 1000**3 for _, terms in plans],
        "uploads under verification at once (`too_many_uploads`)": [UPLOADS_AT_ONCE[name] for name, _ in plans],
        "open sockets": [terms.sockets for _, terms in plans],
    }
    text += "".join(f"| {name} | {' | '.join(f'{value:,}' for value in values)} |\n" for name, values in rows.items())
    return text + "".join(_table(title, rows) for title, rows in _tables())


def _tables() -> Iterator[tuple[str, Mapping[str, str]]]:
    fields, settings = JobCreate.model_json_schema(), JobSettings.model_json_schema()["properties"]
    duration = settings["duration"]
    formats = {kind.value.lower(): ", ".join(dict.fromkeys(types.values())) for kind, types in MEDIA_TYPES.items()}
    yield (
        "A film",
        {
            "prompt, in characters": f"{fields['properties']['prompt']['maxLength']:,}",
            "duration, in seconds; the camera move and the engine can have a narrower limit": (
                f"{duration['minimum']} to {duration['maximum']}"
            ),
            "pictures": f"{MAX_PICTURES}",
            "finishing operations": f"{settings['operations']['maxItems']}",
            "films of one request, `count`": f"{MOST_JOBS}",
            "wait for a free place (`running` of the plan)": _time(WAIT),
            "work, after which the film fails uncharged": _time(timedelta(seconds=WORK_SECONDS)),
            "steps that a retry or a continuation can use again": _time(WORK_LIFE),
            "newest films that a search reads": f"{MOST_SEARCHED:,}",
        },
    )
    yield "Files", {"size": f"{MAX_BYTES // 2**20} MB"} | {f"formats of {kind}": text for kind, text in formats.items()}
    yield (
        "An account",
        {
            "API keys of a user (`too_many_keys`)": f"{MOST_KEYS}",
            "webhooks (`too_many_webhooks`)": f"{MOST_WEBHOOKS}",
            "own camera moves (`too_many_presets`)": f"{MOST_PRESETS}",
            "organizations of a user (`too_many_organizations`)": f"{MOST_ORGANIZATIONS}",
            "members of an organization (`too_many_members`)": f"{MOST_MEMBERS}",
            "open invites of an organization (`too_many_invites`)": f"{MOST_INVITES}",
            "public links of a film (`too_many_shares`)": f"{MOST_SHARES}",
            "days of a usage report": f"{MOST_DAYS}",
        },
    )
    yield (
        "Times",
        {
            "access token": _time(timedelta(seconds=LIFE_SECONDS)),
            "session without a renewal": _time(FAMILY_LIFE),
            "ticket that opens a socket": _time(TICKET_LIFE),
            "socket; the clients open the next one": _time(CONNECTION_LIFE),
            "signed URL of a film or a file; read the job again for a new one": _time(URL_LIFE),
            "answer to an `Idempotency-Key`": _time(ANSWER_LIFE),
            "link of an email that sets a password": _time(RESET_LIFE),
            "invite": _time(INVITE_LIFE),
            "webhook: tries of one event": f"{len(PAUSES) + 1} within {_time(sum(PAUSES, timedelta()))}",
            "webhook: failures at each try, after which it is disabled": _time(PATIENCE),
            "webhook: both secrets sign after a new one": _time(OVERLAP),
            "webhook: deliveries are listed": _time(DELIVERY_LIFE),
        },
    )


def _table(title: str, rows: Mapping[str, str]) -> str:
    return f"\n## {title}\n\n| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows.items())


def _time(delta: timedelta) -> str:
    seconds = int(delta.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size or seconds == size:
            count = round(seconds / size, 1)
            return f"{count:g} {unit}{'s' * (count != 1)}"
    return f"{seconds} seconds"


def pricing() -> str:
    """Return the text of docs/pricing.md."""
    plans = "".join(
        f"| {name} | {(terms.price.cents if terms.price else 0) / 100:.0f} | {terms.monthly_credits:,} "
        f"| {terms.rollover_credits:,} |\n"
        for name, terms in PLANS.items()
    )
    packs = "".join(f"| {name} | {pack.credits:,} | {pack.price.cents / 100:.0f} |\n" for name, pack in PACKS.items())
    engines = "".join(
        f"| `{one.name}` | `{one.stage}` | {one.credits} | {one.credits_per_second or '-'} "
        f"| {one.credits_per_picture or '-'} | {'-' if one.draft_share == 1 else one.draft_share} "
        f"| {one.max_duration_seconds:g} "
        f"| {'at a provider' if one.runs is Runs.REMOTE else PLACES[one.family]} |\n"
        for one in ALL_ENGINES
    )
    return PRICING.format(opening=OPENING_CREDITS, plans=plans, packs=packs, engines=engines)
