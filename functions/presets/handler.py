"""Lambda entry point of the presets domain."""

from functions.presets.router import router
from shared.presets.presets import presets
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("presets", router)
handler = gateway_handler(app, snapshot=(presets,))
