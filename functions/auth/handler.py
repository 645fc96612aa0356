"""Lambda entry point of the auth domain."""

from functions.auth.router import router
from shared.aws.clients import secretsmanager
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("auth", router)
handler = gateway_handler(app, snapshot=(secretsmanager,))
