"""The quote of a job: its price and its parts, before it is submitted. A quote writes nothing."""

from datetime import datetime

from functions.jobs.defaults import with_defaults
from functions.jobs.plan import PlannedStep
from functions.jobs.schemas import JobCreate, PriceLineView, QuotedMissView, QuotedStepView, QuoteView
from functions.jobs.service import prepared, spender, spending_key
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.jobs.pace import StepPace, pace
from shared.jobs.spec import JobSettings
from shared.members.actor import Actor
from shared.stages.choice import row_of
from shared.stages.stages import Stage


def quote(body: JobCreate, caller: Actor) -> QuoteView:
    """Return what the job would cost now. Raise what a submit raises, except for a shortfall and a full queue."""
    at = utc_now()
    body, filled = with_defaults(body, caller)
    job = prepared(body, caller, at)
    planned, settings, known = job.planned, job.spec.settings, pace.at(at)
    total = body.count * planned.credits
    steps = [_step(stage, step, settings, known) for stage, step in planned.steps.items()]
    seconds = [step.seconds for step in steps if step.seconds is not None]
    balance = int(credits.account(job.account_id).available)
    return QuoteView(
        credits=total,
        balance=balance,
        sufficient=total <= _spendable(balance, caller, job.account_id, at),
        seconds=round(sum(seconds), 1) if len(seconds) == len(steps) else None,
        steps=steps,
        settings=settings,
        from_settings=filled,
        dropped_axes=tuple(sorted(planned.dropped_axes)),
        understood=planned.words and planned.words.understood,
        not_understood=planned.words and planned.words.not_understood,
        read_as=planned.words and dict(planned.words.read_as),
    )


def _step(stage: Stage, step: PlannedStep, settings: JobSettings, known: StepPace) -> QuotedStepView:
    return QuotedStepView(
        step_type=stage,
        engine=step.engine.name,
        runs=step.engine.runs,
        chosen_by="creator" if step.is_named else "table",
        row=row_of(step.engine),
        motion_score=step.engine.motion_score,
        missed_move=_missed_move(step, settings),
        credits=step.credits,
        seconds=known.seconds(stage, step.engine.name, settings),
        price=[PriceLineView.model_validate(line) for line in step.lines],
    )


def _missed_move(step: PlannedStep, settings: JobSettings) -> QuotedMissView | None:
    if step.camera is None:
        return None
    return QuotedMissView(
        motion_promise=step.engine.motion_promise,
        then=settings.on_missed_move or "camera",
        engine=step.camera.name,
        credits=step.lower_credits[step.camera.name],
    )


def _spendable(balance: int, caller: Actor, account_id: str, at: datetime) -> int:
    """Return the credits of the account that the caller may spend now: caps of the member and of the key are less."""
    most, key = [balance], spending_key(caller, at)
    for owner, capped in ((account_id, spender(caller, account_id)), (key.user_id if key else "", key)):
        if capped is not None and capped.monthly_cap is not None:
            most.append(capped.monthly_cap - credits.spent(owner, [capped.user_id], at=at)[capped.user_id])
    return min(most)
