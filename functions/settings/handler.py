"""Lambda entry point of the settings domain."""

from functions.settings.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("settings", router)
handler = gateway_handler(app)
