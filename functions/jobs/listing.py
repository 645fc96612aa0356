"""Lists of jobs: by project and time, which indexes answer, and by status and text, for which jobs are searched."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from shared.core.clock import utc_now
from shared.core.ids import id_from
from shared.core.slices import Slice
from shared.jobs import admission, batches
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.spec import JobSpec
from shared.jobs.store import jobs
from shared.jobs.views import JobView, job_view
from shared.members.actor import Actor
from shared.projects.store import projects
from shared.slots.store import slots

MOST_SEARCHED = 2000  # newest jobs in which a search looks
_BATCH = 100  # jobs that a search reads at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The jobs that a caller wants. Without `project_id`: those of the organization, or of the caller's account."""

    project_id: str | None = None
    batch_id: str | None = None
    organization_id: str | None = None
    status: JobStatus | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def searches(self) -> bool:
        """Return whether the jobs must be read to know which of them are wanted."""
        return self.status is not None or self.text is not None

    @property
    def since_id(self) -> str:
        return _id_at(self.since) if self.since else ""

    def before_id(self, after: str | None) -> str | None:
        """Return the id before which the wanted jobs after the position `after` are."""
        bounds = [bound for bound in (after, _id_at(self.until) if self.until else None) if bound]
        return min(bounds, default=None)

    def wants(self, job: JobRecord) -> bool:
        return self.status in {None, job.status} and self.project_id in {None, job.project_id}

    def has_words(self, spec: JobSpec) -> bool:
        """Return whether the prompt contains each word of the text."""
        prompt = spec.prompt.casefold()
        return all(word in prompt for word in (self.text or "").casefold().split())


@dataclass(frozen=True, slots=True)
class Listed:
    """Some jobs. `searched` and `complete` are those of `JobPage`."""

    jobs: Slice[JobView]
    searched: int | None = None
    complete: bool | None = None


def page(caller: Actor, filters: Filters, *, limit: int, after: str | None) -> Listed:
    """Return some jobs, newest first. Lists show jobs without their results.

    A project must be of a named organization.
    """
    account_id = caller.account(filters.organization_id)
    allowed = caller if filters.organization_id is None else {account_id}
    if filters.project_id is not None:
        account_id = projects.get(filters.project_id, accounts=allowed).account_id
    if filters.batch_id is not None:
        return _search(batches.job_ids(filters.batch_id, accounts=allowed), filters, limit, after)
    if filters.searches:
        return _search(account_id, filters, limit, after)
    found = jobs.page(
        account_id=account_id,
        project_id=filters.project_id,
        limit=limit,
        since_id=filters.since_id,
        before_id=filters.before_id(after),
    )
    return Listed(Slice(_views(found.items), found.position))


def _search(within: str | Sequence[str], filters: Filters, limit: int, after: str | None) -> Listed:
    """Look at jobs of an account, or at the given ones, newest first, until the page is full.

    A position has the number of jobs up to it.
    """
    last, _, before = (after or "").partition(" ")
    searched, found = int(before or 0), list[tuple[JobRecord, JobSpec, int]]()
    candidates = _candidates(within, filters, last or None)
    while len(found) <= limit and (ids := list(islice(candidates, min(_BATCH, MOST_SEARCHED - searched)))):
        found += [(job, spec, searched + ids.index(job.job_id) + 1) for job, spec in _matching(ids, filters)]
        searched += len(ids)
    shown = _views((job, spec) for job, spec, _ in found[:limit])
    if len(found) > limit:
        job, _, number = found[limit - 1]
        return Listed(Slice(shown, f"{job.job_id} {number}"), number, complete=False)
    return Listed(Slice(shown, None), searched, complete=next(candidates, None) is None)


def _candidates(within: str | Sequence[str], filters: Filters, after: str | None) -> Iterator[str]:
    """Yield the ids of the jobs to look at, newest first. A job that has not ended waits, or has a slot."""
    since_id, before_id = filters.since_id, filters.before_id(after)
    if isinstance(within, str) and (filters.status is None or filters.status.ended):
        yield from jobs.newest(account_id=within, project_id=filters.project_id, since_id=since_id, before_id=before_id)
        return
    for job_id in sorted(slots.live(within) if isinstance(within, str) else within, reverse=True):
        if since_id <= job_id and (before_id is None or job_id < before_id):
            yield job_id


def _matching(ids: Sequence[str], filters: Filters) -> list[tuple[JobRecord, JobSpec]]:
    """Return those of the jobs that are wanted, in this order. Jobs and specs are read only where they decide."""
    specs = dict[str, JobSpec]()
    if filters.text is not None:
        specs = {job_id: spec for job_id, spec in jobs.specs(ids).items() if filters.has_words(spec)}
        ids = [job_id for job_id in ids if job_id in specs]
    records = {job.job_id: job for job in jobs.several(ids, consistent=False) if filters.wants(job)}
    if filters.text is None:
        specs = jobs.specs(records)
    return [(records[job_id], specs[job_id]) for job_id in ids if job_id in records and job_id in specs]


def _views(found: Iterable[tuple[JobRecord, JobSpec]]) -> list[JobView]:
    at = utc_now()
    return admission.with_places([(job_view(job, spec, {}, at), job) for job, spec in found], at)


def _id_at(at: datetime) -> str:
    return id_from("job", max(0.0, at.timestamp()))
