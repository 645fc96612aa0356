"""Lambda entry point of the jobs domain."""

from functions.jobs.router import router
from shared.aws.clients import s3, secretsmanager, stepfunctions
from shared.aws.media import import_signing
from shared.jobs.spec import JobSpec
from shared.jobs.views import JobView, StepView
from shared.presets.presets import presets
from shared.rest.app import create_app
from shared.rest.gateway import gateway_handler

app = create_app("jobs", router)
models = (JobSpec.model_rebuild, JobView.model_rebuild, StepView.model_rebuild)
handler = gateway_handler(app, snapshot=(s3, secretsmanager, stepfunctions, import_signing, presets, *models))
