"""Lambda entry point of the errors domain."""

from functions.errors.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("errors", router)
handler = gateway_handler(app)
