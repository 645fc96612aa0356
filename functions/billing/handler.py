"""Lambda entry point of the billing domain."""

from functions.billing.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("billing", router)
handler = gateway_handler(app)
