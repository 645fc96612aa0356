"""The function that deletes the data of closed accounts, until no record names them (docs/adr/0044).

Each run first ends the jobs of these accounts and deletes their media, assets and projects, which indexes list. When
nothing of this is left, and no access token of the user is valid any more, a pass over all tables follows. It deletes
or renames each row that names the user. Each step can be repeated, and a later run continues the pass.
"""

import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, partial
from importlib import import_module
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

import shared
from functions.upkeep import passes
from shared.access.principal import LIFE_SECONDS
from shared.assets.record import AssetRecord
from shared.assets.store import assets
from shared.audit.record import AuditEntryRecord
from shared.aws import media, queues
from shared.aws.records import Record
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.core.errors import Conflict, NotFound
from shared.core.slices import Slice
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.erasures.record import ErasureRecord
from shared.erasures.store import erasures
from shared.idempotency.record import IdempotencyRecord
from shared.jobs import executions, settlement
from shared.jobs.keys import job_prefixes
from shared.jobs.record import JobRecord
from shared.jobs.store import jobs
from shared.mail.messages import AccountErased
from shared.observability import logger, observed
from shared.organizations.record import InviteRecord
from shared.presets.record import PresetRecord
from shared.projects.record import ProjectRecord
from shared.projects.store import projects
from shared.shares.store import shares
from shared.slots.record import SlotsRecord
from shared.stages.queues import BILLING_QUEUE, NOTICE_QUEUE
from shared.subscriptions.messages import ACCOUNT_ERASED, StripeEvent
from shared.subscriptions.record import SubscriptionRecord
from shared.subscriptions.store import subscriptions
from shared.switches.record import EngineSwitchRecord
from shared.upkeep.record import PassRecord
from shared.upkeep.store import passes as stored_passes

# Access tokens are valid without a look at the user. After this time nothing new can appear.
TOKENS_END = timedelta(seconds=LIFE_SECONDS) + timedelta(minutes=5)
TRIES = 3  # writes of a row that other functions change at the same time
_ATOM = r"[\w.!#$%&'*+/=?^`{|}~-]"  # a character of the local part of an address


Item = TypeVar("Item")


@observed
def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Continue all erasures. Return their number, and the number of rows that this run has deleted or renamed."""
    return erase(utc_now())


def erase(at: datetime) -> dict[str, Any]:
    found = erasures.all()
    empty = [erasure for erasure in found if _is_emptied(erasure, at)]
    newest = stored_passes.newest("erase")
    done = {"found": 0}
    if any(_is_due(erasure, at) for erasure in empty) or (newest and newest.part is not None):
        parts: dict[str, passes.Page] = {
            "begin": _begin,
            **{name: partial(_rows, record) for name, record in tables().items()},
            "end": _end,
        }
        done = passes.run("erase", parts, at)
    return {"erasures": len(found), "found": done["found"]}


def _is_due(erasure: ErasureRecord, at: datetime) -> bool:
    return bool(at - erasure.requested_at >= TOKENS_END)


# --- what indexes list


def _is_emptied(erasure: ErasureRecord, at: datetime) -> bool:
    """Delete what belongs to the accounts of the erasure. Return whether nothing is left. A later run tries again."""
    try:
        left = [account_id for account_id in erasure.pseudonyms if not _is_empty(account_id, at)]
        return not left
    except Exception:  # noqa: BLE001  # one account must not stop the others
        logger.exception("account not emptied")
        return False


def _is_empty(account_id: str, at: datetime) -> bool:
    for job in jobs.several(list(jobs.newest(account_id=account_id, project_id=None))):
        _delete_job(job, at)
    for asset in _each(partial(assets.page, account_id=account_id)):
        _delete_asset(asset)
    for project in _each(partial(projects.page, account_id=account_id)):
        projects.delete(project.project_id, accounts={account_id})
    record = subscriptions.get(account_id)
    if record and record.stripe_customer_id:  # billing ends the subscription, and deletes this record
        gone = StripeEvent(event_id=account_id, type=ACCOUNT_ERASED, customer_id=record.stripe_customer_id)
        queues.send(BILLING_QUEUE, gone, group=record.stripe_customer_id)
        return False
    return True


def _each(page: Callable[..., Slice[Item]]) -> Iterator[Item]:
    """Yield all items of a list. The index can still show items that are deleted, and a page of them is empty."""
    after, more = None, True
    while more:
        found = page(limit=100, after=after)
        yield from found.items
        after, more = found.position, found.position is not None


def _delete_job(job: JobRecord, at: datetime) -> None:
    """End and delete the job, its media and its results. Its hold stays, like its entry in the ledger."""
    if not job.ended:
        job = settlement.cancel(job, at=at)
        with suppress(BotoCoreError, ClientError):  # dispatch refuses its next step
            executions.stop(job.job_id)
    for prefix in job_prefixes(job.job_id):
        media.delete_below(prefix)
    jobs.delete_results(job.job_id)
    shares.delete_of(job.job_id)
    with transaction() as tx:
        jobs.delete(job, tx=tx)
        projects.remove_job(job.project_id, tx=tx)


def _delete_asset(asset: AssetRecord) -> None:
    assets.withdraw(asset)
    media.delete_below(asset.prefix)
    media.delete_below(asset.quarantine_key)
    assets.delete(asset)


# --- the pass over all tables


def _begin(_after: Any, at: datetime) -> tuple[int, Any]:
    for erasure in erasures.all():
        erasures.enter_pass(erasure, entered=_is_due(erasure, at) and _is_emptied(erasure, at))
    return 0, None


def _end(_after: Any, _at: datetime) -> tuple[int, Any]:
    """End the erasures of the pass. The receipt is queued first: if the run stops here, it is queued again."""
    for erasure in [one for one in erasures.all() if one.in_pass]:
        erasure_id = erasure.pseudonyms[erasure.user_id]
        queues.send(NOTICE_QUEUE, AccountErased(erasure_id=erasure_id, address=erasure.email), group=erasure_id)
        erasures.end(erasure)
        logger.info("account erased", erasure_id=erasure_id)
    return 0, None


def _rows(record: Any, after: Any, _at: datetime) -> tuple[int, Any]:
    """Apply the table's rule to the rows of a page that name an erased account."""
    rows, following = record.scan_page(after, passes.ROWS)
    current = [one for one in erasures.all() if one.in_pass]
    ids = {id_: name for one in current for id_, name in one.pseudonyms.items()}
    addresses = {one.email: one.pseudonyms[one.user_id] for one in current}
    rule = RULES.get(record, _deleted)
    return sum(rule(row, ids, addresses) for row in rows), following


Names = Mapping[str, str]  # by identifier: its pseudonym


def _replaced(text: str, names: Names, addresses: Names = {}) -> str:  # noqa: B006  # never changed
    forms = [*map(re.escape, names), *(rf"(?<!{_ATOM}){re.escape(one)}(?![\w.-])" for one in addresses)]
    known = {**names, **addresses}
    return re.sub("|".join(forms), lambda found: known[found[0]], text) if forms else text


def _text(row: Any) -> str:
    return json.dumps(row.serialize(), ensure_ascii=False)


def _deleted(row: Any, ids: Names, _addresses: Names) -> bool:
    """Delete a row that names the account."""
    if _replaced(_text(row), ids) == _text(row):
        return False
    row.delete()
    return True


def _invite(row: InviteRecord, ids: Names, addresses: Names) -> bool:
    """Delete an invite from the user or to the user's address. A later owner of the address gets a new one."""
    if row.email in addresses:
        row.delete()
        return True
    return _deleted(row, ids, addresses)


def _own(row: Any, ids: Names, addresses: Names) -> bool:
    """Delete a row whose key names the account, and rename the account in other rows."""
    keys = [str(getattr(row, name)) for name in (row._hash_keyname, row._range_keyname) if name]
    if any(_replaced(key, ids) != key for key in keys):
        row.delete()
        return True
    return _renamed(row, ids, addresses)


def _content(row: Any, ids: Names, addresses: Names) -> bool:
    """Delete what belongs to the account and was not in an index, and rename the creator of what others have."""
    if row.account_id not in ids:
        return _renamed(row, ids, addresses)
    with suppress(NotFound):  # another run has deleted it
        if isinstance(row, JobRecord):
            _delete_job(jobs.get(row.job_id), utc_now())
        elif isinstance(row, AssetRecord):
            _delete_asset(assets.get(row.asset_id))
        else:
            row.delete()
    return True


def _slots(row: SlotsRecord, ids: Names, addresses: Names) -> bool:
    """Delete the slots of the account. A shard of the deployment belongs to nobody, and its jobs have ended."""
    return row.owner in ids and _deleted(row, ids, addresses)


def _renamed(row: Any, ids: Names, addresses: Names) -> bool:
    """Write the pseudonym in the place of the account, also in the key. Raise Conflict if the row always changes."""
    for _ in range(TRIES):
        before = row.serialize()
        after = json.loads(_replaced(_text(row), ids, addresses))
        if isinstance(row, AuditEntryRecord) and row.user_id in ids:
            after["source"] = {"S": "-"}
        if after == before:
            return False
        new = type(row).from_raw_data(after)
        changed = [
            name for name, one in row.get_attributes().items() if before.get(one.attr_name) != after.get(one.attr_name)
        ]
        with suppress(_RowChanged):
            _write(row, new, changed)
            return True
        row.refresh(consistent_read=True)
    raise Conflict("The row changes all the time.")


class _RowChanged(Exception):
    """Another function has changed the row since it was read."""


def _write(row: Any, new: Any, changed: list[str]) -> None:
    kind, attributes = type(row), row.get_attributes()
    with transaction() as tx:
        if {row._hash_keyname, row._range_keyname} & set(changed):
            tx.put(new, getattr(kind, row._hash_keyname).does_not_exist(), otherwise=_RowChanged())
            tx.delete(row, otherwise=_RowChanged())
            return
        unchanged: Any = getattr(kind, row._hash_keyname).exists()
        for name in changed:
            unchanged &= getattr(kind, name) == getattr(row, name)
        actions = [getattr(kind, name).set(getattr(new, name)) for name in changed if name in attributes]
        tx.update(row, actions, unchanged, otherwise=_RowChanged())


Rule = Callable[[Any, Names, Names], bool]


def _untouched(_row: Any, _ids: Names, _addresses: Names) -> bool:
    return False


# The rules of tables. In a table without a rule, a row that names the account is deleted. Ledger, accounts and holds
# stay because the law requires records of payments; the audit log and what belongs to organizations, for these.
RULES: Mapping[Any, Rule] = {
    **dict.fromkeys((JobRecord, AssetRecord, ProjectRecord, PresetRecord), _content),
    **dict.fromkeys((AccountRecord, LedgerRecord, HoldRecord, AuditEntryRecord, EngineSwitchRecord), _renamed),
    **dict.fromkeys((IdempotencyRecord, SubscriptionRecord), _own),
    InviteRecord: _invite,
    SlotsRecord: _slots,
    **dict.fromkeys((ErasureRecord, PassRecord), _untouched),  # of the deletion itself
}


@cache
def tables() -> Mapping[str, Any]:
    """Return the records of all tables by name. The bundle of this function contains all record modules of nouns."""
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        if module.name.endswith(".record"):
            import_module(module.name)
    found = [record for record in _below(Record) if record.__module__.startswith("shared.")]
    return {record.__name__: record for record in sorted(found, key=lambda one: one.__name__)}


def _below(base: Any) -> Iterator[Any]:
    for record in base.__subclasses__():
        yield record
        yield from _below(record)
