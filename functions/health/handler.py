"""Lambda entry point of the health domain."""

from functions.health.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("health", router)
handler = gateway_handler(app)
