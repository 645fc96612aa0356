"""Lambda entry point of the assets domain."""

from functions.assets.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("assets", router)
handler = gateway_handler(app)
