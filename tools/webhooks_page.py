"""docs/webhooks.md: the events, the signature and the tries, from the constants of the code."""

from collections.abc import Iterable
from datetime import timedelta

from pydantic import BaseModel

from functions.webhooks.deliver import TRY_SECONDS
from functions.webhooks.notices import (
    CreditsLowNotice,
    JobCancelledNotice,
    JobCompletedNotice,
    JobFailedNotice,
    StepCompletedNotice,
    WebhookCredits,
    WebhookJob,
    WebhookStep,
)
from functions.webhooks.notify import LOW_CREDITS
from shared.webhooks.deliveries import PAUSES
from shared.webhooks.store import PATIENCE

NOTICES: tuple[tuple[type[BaseModel], type[BaseModel]], ...] = (
    (JobCompletedNotice, WebhookJob),
    (JobFailedNotice, WebhookJob),
    (JobCancelledNotice, WebhookJob),
    (StepCompletedNotice, WebhookStep),
    (CreditsLowNotice, WebhookCredits),
)
PAGE = """# Webhooks

A webhook is an HTTPS address of yours that receives the events of an account's films. `client.webhooks.create` makes
one, and so does the studio. [Recipes](recipes.md) have receivers. `make docs` writes this page from the code.

## Events

The body is JSON with `type`, `timestamp` and `data`. It has no signed URLs, because a try can come a day later:
`client.jobs.get` returns the job with its URLs.

| `type` | meaning | fields of `data` |
|---|---|---|
{events}
`credits.low` comes below {low} credits. `client.webhooks.test` sends an event of the type `webhook.test`. New types can
be added: answer 2xx to those that you do not know.

## The request

The headers are those of [Standard Webhooks](https://www.standardwebhooks.com/):

| header | meaning |
|---|---|
| `webhook-id` | the id of the event. Later tries and replays have the same id: handle each id once |
| `webhook-timestamp` | the time of this try, in seconds since 1970 |
| `webhook-signature` | one or two signatures: `v1,` and the base64 of HMAC-SHA-256 over id, time and body |

Both clients verify the signature, and refuse a request whose time differs from the present by more than five minutes.
Give them the body as it was received, before you parse it. After `client.webhooks.replace_secret` both secrets sign
for a day, so a receiver can change its secret without a gap.

## Answers and tries

Answer with 2xx within {seconds} seconds. Another answer, also a redirect, is a failure. Kinora then tries again after
{pauses}.
410 disables the webhook. Failures of all tries for {patience} days disable it too, and its owner gets an email.
`client.webhooks.deliveries` lists what was sent and answered, and `client.webhooks.replay` sends an event again.

Events can arrive in another order than they happened.
"""


def page() -> str:
    """Return the text of the page."""
    events = "".join(
        f"| `{notice.model_fields['type'].default}` | {notice.__doc__} | {_fields(data)} |\n"
        for notice, data in NOTICES
    )
    return PAGE.format(
        events=events, low=LOW_CREDITS, seconds=TRY_SECONDS, patience=PATIENCE.days, pauses=_listed(map(_time, PAUSES))
    )


def _fields(data: type[BaseModel]) -> str:
    return ", ".join(f"`{field.alias or name}`" for name, field in data.model_fields.items())


def _time(pause: timedelta) -> str:
    seconds = int(pause.total_seconds())
    if seconds < 60:
        return f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds < 3600 else f"{seconds // 3600} hours"


def _listed(texts: Iterable[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}"
