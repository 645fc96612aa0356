"""Lambda entry point of the shares domain."""

from functions.shares.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("shares", router)
handler = gateway_handler(app)
