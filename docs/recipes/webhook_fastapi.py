"""Receive events of Kinora with FastAPI.

Run `fastapi run webhook_fastapi.py`, and give `client.webhooks.create` the address with `/kinora`. The variable
KINORA_WEBHOOK_SECRET has the secret of the endpoint.
"""

import os
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from kinora import BadWebhook, webhooks

app = FastAPI()
seen: set[str] = set()  # in production: a table, because an event can arrive twice and at another process
films: list[dict[str, Any]] = []


@app.post("/kinora", status_code=204)
async def receive(request: Request) -> None:
    """Answer within 10 seconds, or Kinora sends the event again: give long work to a queue."""
    try:
        event = webhooks.verify(await request.body(), request.headers, os.environ["KINORA_WEBHOOK_SECRET"])
    except BadWebhook as error:
        raise HTTPException(400, str(error)) from None
    event_id = request.headers["webhook-id"]
    if event_id in seen:
        return
    if event["type"] == "job.completed":
        films.append(event["data"])  # a job, as `client.jobs.get` returns it
    seen.add(event_id)
