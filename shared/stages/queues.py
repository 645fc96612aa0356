"""All queues as data. Functions and workers use their names; the CDK app and the laptop cloud create them."""

from dataclasses import dataclass

from shared.stages.stages import Stage

VERIFICATION_QUEUE = "asset-verification"  # names are without the environment's prefix
REMOTE_QUEUE = "remote-engine"
FAN_OUT_QUEUE = "realtime-fanout"
BILLING_QUEUE = "billing-events"
WEBHOOKS_QUEUE = "webhooks-deliver"
IMPORT_QUEUE = "asset-imports"
NOTICE_QUEUE = "notices"

INSPECTION_SECONDS = 120  # maximum duration of an inspection; the verifier ends it after this
FAN_OUT_SECONDS = 29  # timeout of the function that reads `FAN_OUT_QUEUE`
BILLING_SECONDS = 60  # timeout of the function that reads `BILLING_QUEUE`
WEBHOOKS_SECONDS = 29  # timeout of the function that reads `WEBHOOKS_QUEUE`
IMPORT_SECONDS = 180  # timeout of the function that reads `IMPORT_QUEUE`; it downloads and stores a file within it
NOTICE_SECONDS = 29  # timeout of the function that reads `NOTICE_QUEUE`
CALLER_SECONDS = 900  # timeout of the function that reads the stages' queues, where functions do the work
STEP_SECONDS = 870  # timeout of the function that does the work of a step; Lambda's maximum is 900
REMOTE_ENGINE_SECONDS = 150  # timeout of the function that reads `REMOTE_QUEUE`: a picture is made within one call

# The verifier does not extend the visibility of a task. So the timeout covers the whole inspection, and a minute for
# the download of the upload and the upload of the clean file.
VERIFICATION_VISIBILITY_SECONDS = INSPECTION_SECONDS + 60


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and its dead-letter queue `{name}-dlq`, which receives a message after `max_receives` deliveries."""

    name: str
    visibility_seconds: int
    max_receives: int = 5  # then `pipeline/signal` looks at the step, and sends it again or fails it
    has_tasks: bool = True  # `pipeline/signal` reads the dead letters; otherwise only an operator does


QUEUES: tuple[Queue, ...] = (
    # A receiver hides its task for some seconds, and again with each beat. Lambda accepts no shorter timeout than that
    # of a function that reads the queue.
    *(
        Queue(name, visibility_seconds=CALLER_SECONDS)
        for stage in Stage
        for name in (stage.queue, stage.priority_queue)
    ),
    Queue(VERIFICATION_QUEUE, visibility_seconds=VERIFICATION_VISIBILITY_SECONDS),
    # AWS recommends a visibility timeout of six times the function's timeout.
    Queue(REMOTE_QUEUE, visibility_seconds=6 * REMOTE_ENGINE_SECONDS),
    Queue(FAN_OUT_QUEUE, visibility_seconds=6 * FAN_OUT_SECONDS, has_tasks=False),
    Queue(BILLING_QUEUE, visibility_seconds=6 * BILLING_SECONDS, has_tasks=False),
    Queue(WEBHOOKS_QUEUE, visibility_seconds=6 * WEBHOOKS_SECONDS, has_tasks=False),
    Queue(IMPORT_QUEUE, visibility_seconds=6 * IMPORT_SECONDS, has_tasks=False),
    Queue(NOTICE_QUEUE, visibility_seconds=6 * NOTICE_SECONDS, has_tasks=False),
)
