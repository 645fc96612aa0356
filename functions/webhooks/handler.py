"""Lambda entry point of the webhooks domain."""

from functions.webhooks.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("webhooks", router)
handler = gateway_handler(app)
