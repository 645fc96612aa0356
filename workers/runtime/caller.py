"""The Lambda that receives tasks and lets a function without a network do their work (docs/adr/0076).

It claims, asks for access, reports and deletes. The other function decodes files of strangers and can do none of these.
"""

from datetime import timedelta
from typing import Any

from shared.aws.clients import functions, patient_functions, sqs, stepfunctions
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.observability import logger, observed
from shared.stages.failures import StageFailure
from shared.stages.stages import Stage
from workers.provenance.certificate import certificate
from workers.runtime.attempt import Attempt
from workers.runtime.granted import granted
from workers.runtime.handler import StepHandler
from workers.runtime.isolation import StepOrder, StepOutcome, step_too_long
from workers.runtime.receipt import Receipt
from workers.runtime.received import Crashed, call, each_task

START_SECONDS = 90  # maximum time from a claim to the first beat: the other function may start from its image


class CalledSteps(StepHandler):
    """A handler whose work the other function does."""

    def __init__(self) -> None:
        super().__init__(timedelta(seconds=START_SECONDS))

    def perform(self, attempt: Attempt, delivery: Receipt) -> None:  # noqa: ARG002  # hidden by `each_task`
        signs = attempt.task.stage is Stage.POST_PROCESSING
        order = StepOrder(
            task=attempt.task,
            attempt=attempt.id,
            credentials=granted(attempt.media_request),
            certificate=certificate() if signs else None,
        )
        try:
            outcome = StepOutcome.model_validate(call(order))
        except Crashed as crashed:
            logger.exception("isolated function crashed")
            if crashed.is_timeout:
                raise step_too_long() from crashed
            raise StageFailure("engine_crashed", "This step ended unexpectedly.", retryable=True) from crashed
        outcome.raise_again()


prepare(dynamodb, functions, patient_functions, sqs, stepfunctions)


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Handle tasks of the stages. The event sources have batches of one message."""
    return each_task(event, CalledSteps().handle)
