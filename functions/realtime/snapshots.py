"""The snapshot of a job, which a client receives at subscribe and instead of events that it did not receive."""

from datetime import datetime

from shared.jobs import admission
from shared.jobs.events import JobSnapshot
from shared.jobs.record import JobRecord
from shared.jobs.store import jobs
from shared.jobs.views import job_view


def snapshot(job: JobRecord, at: datetime) -> JobSnapshot:
    view = admission.with_place(job_view(job, jobs.spec(job.job_id), jobs.results(job), at), job, at)
    return JobSnapshot(job_id=job.job_id, seq=view.seq, job=view)
