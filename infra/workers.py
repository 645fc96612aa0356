"""Grants of each worker by the name of its service; every worker also reads its own queues.

A worker decodes files of strangers, so its role opens no media: it asks `pipeline-grant` for the media of its task.
"""

from dataclasses import replace

from infra.grants import ANSWER, Grants, Updates
from infra.secrets import PROVENANCE_SECRETS
from shared.assets.record import AssetRecord
from shared.jobs.record import JobRecord, StepResultRecord, StepTokenRecord
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage

GRANT = "pipeline-grant"
STEPS, VERIFICATION = "isolated-steps", "isolated-verification"  # functions without a network, if there are no services
# Neither the job's owner nor its end, which is `completed_at`. `status` is among them because conditions name it.
STEP_UPDATES = Updates(JobRecord, ("job_id", "status", "progress", "current_step", "seq", "updated_at", "steps"))
VERDICT = Updates(
    AssetRecord,
    (
        *("asset_id", "status", "key", "media_type", "size", "width", "height", "duration", "captions"),
        *("thumbnail_key", "depth_key", "matte_key", "error", "error_code"),
    ),
)

_STEPS = Grants(
    gets=(JobRecord, StepTokenRecord),
    puts=(StepResultRecord,),
    updates=(STEP_UPDATES,),
    calls=(GRANT,),
    executions=ANSWER,
)


def _of(stage: Stage) -> Grants:
    return replace(_STEPS, sends=(stage.queue, stage.priority_queue))  # a worker that stops hands its task back


# Functions decode files of strangers with fewer rights than workers: their callers claim, report and ask for media.
ISOLATED: dict[str, Grants] = {
    STEPS: Grants(gets=(JobRecord,), puts=(StepResultRecord,), updates=(STEP_UPDATES,)),
    VERIFICATION: Grants(gets=(AssetRecord,), updates=(VERDICT,)),
}

WORKERS: dict[str, Grants] = {
    **{stage.queue: _of(stage) for stage in Stage},
    Stage.POST_PROCESSING.queue: replace(_of(Stage.POST_PROCESSING), secrets=PROVENANCE_SECRETS),  # signs the film
    VERIFICATION_QUEUE: Grants(  # decodes untrusted uploads, so it has no access to jobs
        gets=(AssetRecord,),
        updates=(VERDICT,),
        calls=(GRANT,),
        sends=(VERIFICATION_QUEUE,),  # a worker that stops hands its task back
    ),
}
