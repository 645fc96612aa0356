"""The function that checks the invariants of everything that is stored. `findings` is the same audit as a library."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from functions.upkeep import passes
from functions.upkeep.checks import (
    Facts,
    Finding,
    Moment,
    account_findings,
    hold_findings,
    job_findings,
    organization_findings,
    slot_findings,
)
from functions.upkeep.orphans import PREFIXES, ROWS_OF_JOBS, find_jobs, unnamed_objects, unnamed_rows
from shared.assets.record import AssetRecord, AssetStatus
from shared.aws import media
from shared.aws.clients import sqs
from shared.aws.queues import queue_url
from shared.core.clock import utc_now
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.idempotency.record import IdempotencyRecord
from shared.jobs.keys import WORK_LIFE, job_prefixes
from shared.jobs.record import JobRecord, JobSpecRecord, JobStatus, StepTokenRecord
from shared.jobs.store import jobs
from shared.members.store import members
from shared.observability import Metric, logger, measure, observed
from shared.organizations.record import OrganizationRecord, SlugClaimRecord
from shared.slots.record import SlotsRecord, WaitingRecord
from shared.slots.store import slots
from shared.stages.queues import QUEUES
from shared.stages.stages import Stage
from shared.users.record import EmailClaimRecord, UserRecord

# The sweep deletes 24 hours after the write, in a pass that begins once a day. A pass takes less than another day.
SWEPT_WITHIN = timedelta(hours=72)
MOVING = 5  # maximum readings of an account whose balance changes meanwhile

# Yield the findings of the page after a position (None: the first page), and return the next position.
Check = Callable[[Any, Moment], tuple[list[Finding], Any]]


@observed
def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Continue the current audit, or begin one if it is due. Return the number of pages and of findings."""
    return passes.run("audit", {name: partial(_reported, check) for name, check in CHECKS.items()}, utc_now())


def findings(at: datetime, *, at_rest: bool = False) -> Iterator[Finding]:
    """Yield all findings of one whole audit, and store no position.

    `at_rest` also reports each live job, open hold, message, and object or row without a record, whatever its age.
    """
    now = Moment(at, at_rest)
    for check in (*CHECKS.values(), *((_queues,) if at_rest else ())):
        position, more = None, True
        while more:
            found, position = check(position, now)
            yield from found
            more = position is not None


def _reported(check: Check, position: Any, at: datetime) -> tuple[int, Any]:
    found, following = check(position, Moment(at))
    for finding in found:
        logger.error("invariant broken", invariant=finding.invariant, subject=finding.subject, finding=finding.sentence)
    measure(Metric.AUDIT_FINDINGS, len(found))
    return len(found), following


def _table(record: Any, examine: Callable[[Sequence[Any], Moment], Iterator[Finding]]) -> Check:
    """Return the check of a table. A finding counts if a second, consistent reading of its row confirms it.

    The records of a subject are read one after the other, so a change between two reads can look like a fault.
    """

    def check(position: Any, now: Moment) -> tuple[list[Finding], Any]:
        rows, following = record.scan_page(position, passes.ROWS)
        found = sorted(set(examine(rows, now)))
        if found:
            again = set(examine(record.read_again(rows), now))
            found = [finding for finding in found if finding in again]
        return found, following

    return check


def _read(record: Any, keys: Iterable[tuple[str, ...]]) -> list[Any]:
    """Return those of the rows that exist, read consistently."""
    wanted = [key if len(key) > 1 else key[0] for key in keys]
    return list(record.batch_get(wanted, consistent_read=True))


# --- what is examined


def _holds(rows: Sequence[HoldRecord], now: Moment) -> Iterator[Finding]:
    found = find_jobs({hold.job_id for hold in rows})
    names = {hold.job_id: (hold.account_id, f"capture#{hold.job_id}") for hold in rows}
    entries = {entry.operation_id: entry for entry in _read(LedgerRecord, names.values())}
    for hold in rows:
        if hold.job_id in found:
            yield from hold_findings(hold, found[hold.job_id], entries.get(names[hold.job_id][1]), now)


def _jobs(rows: Sequence[JobRecord], now: Moment) -> Iterator[Finding]:
    ids = [(job.job_id,) for job in rows]
    holds = {hold.job_id: hold for hold in _read(HoldRecord, ids)}
    specs = {spec.job_id for spec in _read(JobSpecRecord, ids)}
    results = jobs.results_of(rows)
    tokens = _read(StepTokenRecord, ((job.job_id, stage.value) for job in rows for stage, _ in job.planned()))
    queued = {row.job_id for row in _read(WaitingRecord, ((job.account_id, job.job_id) for job in rows if job.waits))}
    held = {slot.job_id for slot in slots.held()}
    for job in rows:
        complete = any(step.status == JobStatus.COMPLETED for _, step in job.planned())
        facts = Facts(
            job=job,
            hold=holds.get(job.job_id),
            has_spec=job.job_id in specs,
            results=results[job.job_id],
            stored=_stored(job, now) if complete else (),
            has_token={Stage(token.stage) for token in tokens if token.job_id == job.job_id},
            is_in_queue=job.job_id in queued,
            has_slot=job.job_id in held,
        )
        yield from job_findings(facts, now)


def _stored(job: JobRecord, now: Moment) -> set[str]:
    """Return the keys of the job's objects. The files between stages of an old job have expired, and are not listed."""
    delivered, work = job_prefixes(job.job_id)
    prefixes = (delivered, work) if now.at < job.updated_at + WORK_LIFE else (delivered,)
    return {key for prefix in prefixes for key in media.keys(prefix)}


def _accounts(rows: Sequence[AccountRecord], now: Moment) -> Iterator[Finding]:
    for row in rows:
        account = AccountRecord.get(row.account_id, consistent_read=True)
        for _ in range(MOVING):
            entries = LedgerRecord.query(account.account_id, consistent_read=True)
            total, before = sum(int(entry.credits) for entry in entries), account
            account = AccountRecord.get(row.account_id, consistent_read=True)
            if (account.available, account.held) == (before.available, before.held):
                yield from account_findings(account, total, now)
                break


def _slots(rows: Sequence[SlotsRecord], now: Moment) -> Iterator[Finding]:
    for row in (row for row in rows if row.lane is not None):  # the deployment has no lane
        waiting, before = WaitingRecord.count(row.owner, consistent_read=True), row.waiting
        row.refresh(consistent_read=True)
        if row.waiting != before:  # it changes: the number is not of the same moment
            waiting = int(row.waiting or 0)
        own = {slot.job_id for slot in slots.held_by(row.owner)}
        yield from slot_findings(row, own, waiting, find_jobs(own | (row.running or set())), now)


def _users(rows: Sequence[UserRecord], _now: Moment) -> Iterator[Finding]:
    claims = {(claim.email, claim.user_id) for claim in _read(EmailClaimRecord, ((user.email,) for user in rows))}
    for user in rows:
        if (user.email, user.user_id) not in claims:
            yield Finding("I13", user.user_id, "the user has no claim on the user's address")


def _claims(rows: Sequence[EmailClaimRecord], _now: Moment) -> Iterator[Finding]:
    users = {(user.email, user.user_id) for user in _read(UserRecord, {(claim.user_id,) for claim in rows})}
    for claim in rows:
        if (claim.email, claim.user_id) not in users:
            yield Finding("I13", claim.user_id, "a claim on an address names this user, who does not have the address")


def _organizations(rows: Sequence[OrganizationRecord], _now: Moment) -> Iterator[Finding]:
    claims = {(claim.slug, claim.organization_id) for claim in _read(SlugClaimRecord, ((row.slug,) for row in rows))}
    for row in rows:
        yield from organization_findings(row, [member.role for member in members.of_organization(row.organization_id)])
        if (row.slug, row.organization_id) not in claims:
            yield Finding("I13", row.organization_id, "the organization has no claim on its slug")


def _slugs(rows: Sequence[SlugClaimRecord], _now: Moment) -> Iterator[Finding]:
    found = _read(OrganizationRecord, {(claim.organization_id,) for claim in rows})
    slugs = {(row.slug, row.organization_id) for row in found}
    for claim in rows:
        if (claim.slug, claim.organization_id) not in slugs:
            yield Finding("I13", claim.organization_id, "a claim on a slug names this organization, which has another")


def _answers(rows: Sequence[IdempotencyRecord], _now: Moment) -> Iterator[Finding]:
    """Yield answers about jobs that were never created. A deleted job still has its hold."""
    named = {str(json.loads(row.response).get("id", "")) for row in rows}
    job_ids = {job_id for job_id in named if job_id.startswith("job_")}
    known = {hold.job_id for hold in _read(HoldRecord, ((job_id,) for job_id in job_ids))}
    for job_id in sorted(job_ids - known):
        yield Finding("I7", job_id, "an answer to an Idempotency-Key names this job, which was never created")


def _assets(rows: Sequence[AssetRecord], _now: Moment) -> Iterator[Finding]:
    for asset in rows:
        if asset.status == AssetStatus.READY and (asset.key is None or not media.exists(asset.key)):
            yield Finding("I4", asset.asset_id, "the asset is READY, and its file does not exist")


def _rows_of_jobs(rows: Sequence[Any], now: Moment) -> Iterator[Finding]:
    for row in unnamed_rows(rows, _before(now)):
        yield Finding("I12", row.job_id, f"a row of {type(row).__name__} stays that the job does not name")


def _objects(prefix: str, after: Any, now: Moment) -> tuple[list[Finding], Any]:
    found, more = media.versions_page(prefix, after)
    unnamed = (version.key for version in unnamed_objects(found, _before(now)))
    owners = [(owner, len(list(keys))) for owner, keys in groupby(unnamed, key=lambda key: key.split("/")[1])]
    return [
        Finding("I12", owner, f"{number} objects in {prefix} stay that no record names") for owner, number in owners
    ], (found[-1].key, found[-1].version_id) if more else None


def _before(now: Moment) -> datetime:
    """Return the time before which an object or a row without a record is a finding."""
    return now.at if now.at_rest else now.at - SWEPT_WITHIN


def _queues(_after: Any, _now: Moment) -> tuple[list[Finding], Any]:
    states = ("", "NotVisible", "Delayed")
    found = []
    for name in (name for queue in QUEUES for name in (queue.name, f"{queue.name}-dlq")):
        names: Any = [f"ApproximateNumberOfMessages{state}" for state in states]
        numbers = sqs().get_queue_attributes(QueueUrl=queue_url(name), AttributeNames=names)["Attributes"]
        if waiting := sum(map(int, numbers.values())):
            found.append(Finding("I3", name, f"the queue has {waiting} messages at rest"))
    return found, None


CHECKS: dict[str, Check] = {
    "jobs": _table(JobRecord, _jobs),
    "holds": _table(HoldRecord, _holds),
    "accounts": _table(AccountRecord, _accounts),
    "slots": _table(SlotsRecord, _slots),
    "users": _table(UserRecord, _users),
    "claims": _table(EmailClaimRecord, _claims),
    "organizations": _table(OrganizationRecord, _organizations),
    "slugs": _table(SlugClaimRecord, _slugs),
    "answers": _table(IdempotencyRecord, _answers),
    "assets": _table(AssetRecord, _assets),
    **{record.__name__: _table(record, _rows_of_jobs) for record in ROWS_OF_JOBS},
    **{prefix: partial(_objects, prefix) for prefix in PREFIXES},
}
