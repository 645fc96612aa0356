"""Lambda entry point of the engines domain."""

from functions.engines.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("engines", router)
handler = gateway_handler(app)
