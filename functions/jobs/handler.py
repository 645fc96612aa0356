"""Lambda entry point of the jobs domain."""

from functions.jobs.router import router
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("jobs", router)
handler = gateway_handler(app)
