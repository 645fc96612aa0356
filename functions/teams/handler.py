"""Lambda entry point of the teams domain."""

from functions.teams.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("teams", router)
handler = gateway_handler(app)
