"""The requests of platform admins. Each change is one transaction with its entry in the log of the deployment."""

from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from functions.admin.schemas import CreditsGrant, EngineSwitchView, GrantedView
from shared.audit.store import DEPLOYMENT, AuditAction, audit_log
from shared.aws import queues
from shared.aws.transactions import Transaction, transaction
from shared.connections.messages import AccountOver
from shared.core.clock import utc_now
from shared.core.errors import Invalid, NotFound
from shared.core.ids import new_id
from shared.core.slices import Slice
from shared.credentials.store import credentials, generation_of
from shared.credits.balance import Movement
from shared.credits.store import balance_of, credits
from shared.jobs import executions, settlement
from shared.jobs.store import jobs
from shared.observability import Metric, logger, measure
from shared.quotas.store import quotas
from shared.slots.store import slots
from shared.stages.engines import ENGINES
from shared.stages.queues import FAN_OUT_QUEUE
from shared.switches.store import switches
from shared.users.record import UserRecord
from shared.users.store import users


class EngineNotFound(NotFound):
    code = "engine_not_found"

    def __init__(self) -> None:
        super().__init__("This deployment has no such engine.")


@dataclass(frozen=True, slots=True)
class Admin:
    """A platform admin, and the address from which the request came."""

    user_id: str
    source: str

    def note(
        self, action: AuditAction, at: datetime, tx: Transaction, *, subject: str, **details: object
    ) -> None:  # fmt: skip
        audit_log.add(
            DEPLOYMENT, action, user_id=self.user_id, source=self.source, at=at, tx=tx, subject=subject, **details
        )


# --- users


def user_page(address: str, *, limit: int, after: str | None) -> Slice[UserRecord]:
    """Return users whose address contains the text. A whole address is found with one read."""
    text = address.lower()
    if after is None and (user_id := users.id_by_email(text) if text else None):
        return Slice([users.get(user_id)], None)
    return users.page(text, limit=limit, after=after)


def suspend(user_id: str, reason: str, admin: Admin) -> UserRecord:
    """Refuse the user's requests, end sessions, close sockets and cancel the open jobs of the own account.

    The requests are refused first. So nothing that the user does meanwhile escapes the later steps. A repeated request
    does all of them again.
    """
    user, at = users.get(user_id), utc_now()
    with transaction() as tx:
        users.suspend(user.user_id, reason, by=admin.user_id, at=at, tx=tx)
        admin.note(AuditAction.USER_SUSPENDED, at, tx, subject=user_id, reason=reason)
    quotas.suspend(user_id)
    if stored := credentials.password(user_id):
        with transaction() as tx:
            credentials.end_sessions(user_id, generation=generation_of(stored), tx=tx)
    queues.send(FAN_OUT_QUEUE, AccountOver(account_id=user_id), group=user_id)
    for job_id in slots.open_jobs(user_id):
        settlement.cancel(jobs.get(job_id, accounts={user_id}), at=utc_now())
        try:
            executions.stop(job_id)
        except (BotoCoreError, ClientError):  # the job is cancelled: dispatch refuses its next step
            logger.exception("execution not stopped")
    return users.get(user_id)


def resume(user_id: str, admin: Admin) -> UserRecord:
    """Accept the user's requests again. The user signs in again; keys work again."""
    at = utc_now()
    with transaction() as tx:
        users.suspend(user_id, None, by=admin.user_id, at=at, tx=tx)
        admin.note(AuditAction.USER_RESUMED, at, tx, subject=user_id)
    quotas.resume(user_id)
    return users.get(user_id)


# --- credits


def grant(account_id: str, body: CreditsGrant, admin: Admin, tx: Transaction) -> GrantedView:
    """Add the credits and their entry in the ledger to the transaction. A job is refunded once."""
    at, operation_id = utc_now(), f"admin#{body.refunds or new_id('grt')}"
    reason = f"granted: {body.reason}"
    if body.refunds is not None:
        if credits.paid(body.refunds, account_id=account_id) < body.credits:
            raise Invalid("The account did not pay that many credits for this job.")
        reason = f"refund of {body.refunds}: {body.reason}"
    movement = Movement(operation_id=operation_id, at=at, credits=body.credits, reason=reason, lasting=True)
    after, _ = balance_of(credits.account(account_id)).after(movement)
    credits.book(account_id, [movement], at=at, tx=tx)
    admin.note(
        AuditAction.CREDITS_GRANTED, at, tx, subject=account_id, credits=body.credits, reason=body.reason,
        **({"refunds": body.refunds} if body.refunds else {}),
    )  # fmt: skip
    tx.after_commit(lambda: measure(Metric.CREDITS_GRANTED, body.credits))
    return GrantedView(available=after.available, held=after.held, operation_id=operation_id)


# --- engines


def engines() -> list[EngineSwitchView]:
    disabled = {row.engine: row for row in switches.rows()}
    return [
        EngineSwitchView(
            name=entry.name,
            stage=entry.stage,
            enabled=entry.name not in disabled,
            disabled_because=row.because if (row := disabled.get(entry.name)) else None,
            disabled_by=row.disabled_by if row else None,
            disabled_at=row.disabled_at if row else None,
        )
        for entry in ENGINES
    ]


def switch(name: str, reason: str | None, admin: Admin) -> EngineSwitchView:
    """Disable the engine for the reason, or enable it without one. Jobs that were submitted before go on."""
    if name not in {entry.name for entry in ENGINES}:
        raise EngineNotFound
    at = utc_now()
    with transaction() as tx:
        if reason is None:
            switches.enable(name, tx=tx)
            admin.note(AuditAction.ENGINE_ENABLED, at, tx, subject=name)
        else:
            switches.disable(name, reason, user_id=admin.user_id, at=at, tx=tx)
            admin.note(AuditAction.ENGINE_DISABLED, at, tx, subject=name, reason=reason)
    [shown] = [one for one in engines() if one.name == name]
    return shown
