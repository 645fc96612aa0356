"""Lambda entry point of the assets domain."""

from functions.assets.router import router
from shared.aws.clients import s3, secretsmanager, uploads_s3
from shared.aws.media import import_signing
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("assets", router)
handler = gateway_handler(app, snapshot=(s3, uploads_s3, secretsmanager, import_signing))
