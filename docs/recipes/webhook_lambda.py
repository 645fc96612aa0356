"""Receive events of Kinora with an AWS Lambda function behind a function URL or an HTTP API.

The package needs `kinora`, and the variable KINORA_WEBHOOK_SECRET has the secret of the endpoint.
"""

import base64
import json
import os
from typing import Any

from kinora import BadWebhook, webhooks


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Verify the webhook and handle it. An answer other than 2xx lets Kinora send it again."""
    body = base64.b64decode(event["body"]) if event.get("isBase64Encoded") else event["body"]
    try:
        received = webhooks.verify(body, event["headers"], os.environ["KINORA_WEBHOOK_SECRET"])
    except BadWebhook as error:
        return {"statusCode": 400, "body": json.dumps({"error": str(error)})}
    if received["type"] == "job.completed":
        print("ready:", received["data"]["id"])  # your work; store `webhook-id`, because an event can arrive twice
    return {"statusCode": 204}
