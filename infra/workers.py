"""Grants of each worker by the name of its service; every worker also reads its own queues."""

from dataclasses import replace

from infra.grants import ANSWER, Grants
from infra.secrets import PROVENANCE_SECRETS
from shared.assets.record import ASSETS, QUARANTINE, AssetRecord
from shared.jobs.keys import JOBS
from shared.jobs.record import JobRecord, StepResultRecord, StepTokenRecord
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage

_STEPS = Grants(
    reads=(JobRecord, StepTokenRecord),
    writes=(JobRecord, StepResultRecord),
    media_reads=(JOBS, ASSETS),
    media_writes=(JOBS,),
    media_deletes=(JOBS,),  # a stopped attempt deletes what it uploaded
    executions=ANSWER,
)


def _of(stage: Stage) -> Grants:
    return replace(_STEPS, sends=(stage.queue, stage.priority_queue))  # a worker that stops hands its task back


WORKERS: dict[str, Grants] = {
    **{stage.queue: _of(stage) for stage in Stage},
    Stage.POST_PROCESSING.queue: replace(_of(Stage.POST_PROCESSING), secrets=PROVENANCE_SECRETS),  # signs the film
    VERIFICATION_QUEUE: Grants(  # decodes untrusted uploads, so it has no access to jobs
        reads=(AssetRecord,),
        writes=(AssetRecord,),
        media_reads=(QUARANTINE,),
        media_writes=(ASSETS,),
        media_deletes=(QUARANTINE, ASSETS),  # assets/ too, for an asset that is deleted during its verification
    ),
}
