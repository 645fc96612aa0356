"""Lambda entry point of the admin domain."""

from functions.admin.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("admin", router)
handler = gateway_handler(app)
