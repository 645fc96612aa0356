"""Lambda entry point of the shares domain."""

from functions.shares.router import router
from shared.aws.clients import secretsmanager
from shared.aws.media import import_signing
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("shares", router)
handler = gateway_handler(app, snapshot=(secretsmanager, import_signing))
