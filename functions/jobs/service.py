"""The requests of jobs: submit, read, cancel and delete."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from functions.jobs.defaults import with_defaults
from functions.jobs.plan import Plan, fitted, plan
from functions.jobs.reading import read
from functions.jobs.schemas import INPUT_TYPES, JobCreate
from shared.assets.record import AssetRecord, AssetStatus
from shared.assets.store import AssetNotReady, assets
from shared.aws import media
from shared.aws.secrets import has_value
from shared.aws.transactions import Transaction, transaction
from shared.camera.move import CameraMove
from shared.core.clock import utc_now
from shared.core.errors import Conflict, Forbidden, Invalid, Unauthorized
from shared.core.ids import new_id, organization_of, time_of
from shared.credits.store import Spender, credits
from shared.jobs import admission, batches, executions, settlement
from shared.jobs.keys import job_prefixes
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.spec import JobSettings, JobSpec
from shared.jobs.store import JobEnded, JobRunning, ReusedStep, StepResult, jobs
from shared.jobs.views import JobLinks, JobView, job_view
from shared.keys.store import api_keys
from shared.members.actor import Actor
from shared.observability import JOB_ACCEPTED, Metric, about, logger, measure
from shared.presets.store import stored_presets
from shared.projects.store import projects
from shared.providers.store import states
from shared.shares.store import shares
from shared.stages.choice import configured
from shared.stages.engines import ENGINES, TEST_ENGINE, Engine
from shared.stages.failures import StageFailure
from shared.stages.requests import MAX_PICTURES, check_driving_seconds
from shared.stages.stages import FILM, Role, Stage
from shared.subscriptions.record import PlanType
from shared.subscriptions.store import subscriptions
from shared.switches.store import switches

MANY_USERS = 20  # number of jobs of an asset from which those that have ended are removed from its record


class MaxCreditsExceeded(Conflict):
    """The price is higher than `maxCredits` of the request."""

    code = "max_credits_exceeded"

    def __init__(self, price: int, most: int) -> None:
        super().__init__(
            f"This costs {price} credits now, and the request allows {most}.", creditsNeeded=price, maxCredits=most
        )


def submit(body: JobCreate, caller: Actor, tx: Transaction) -> JobView:
    """Add a job and the hold on its credits to the transaction; admit the job after the commit if it is its turn.

    The project's account has the job, pays for it, and has the assets that it uses.
    If the admission fails, or the process ends before it, `reconcile` admits the job.
    """
    body, filled = with_defaults(body, caller)
    batch_id, job_ids = (None, [new_id("job")]) if body.count == 1 else batches.begin(body.count)
    at = time_of(job_ids[0])  # lists select jobs of a time by their ids
    one = prepared(body, caller, at)
    seeds = [(one.spec.seed + number) % 2**32 for number in range(body.count)]
    specs = [one.spec.model_copy(update={"seed": seed, "batch_id": batch_id}) for seed in seeds]
    made = begin(one, dict(zip(job_ids, specs, strict=True)), caller, at, tx, max_credits=body.max_credits)
    return made.model_copy(update={"from_settings": filled, "batch": tuple(job_ids) if batch_id else None})


def begin(
    one: "Prepared",
    specs: Mapping[str, JobSpec],
    caller: Actor,
    at: datetime,
    tx: Transaction,
    *,
    max_credits: int | None,
    reused: Mapping[Stage, "Reused"] | None = None,
) -> JobView:
    """Add the jobs with these ids and specs to the transaction, and return the first. All have the same steps.

    Raise MaxCreditsExceeded if all together cost more than `max_credits`.
    """
    reused, account_id, (job_id, *more_ids) = reused or {}, one.account_id, specs
    prices = {stage.value: step.credits for stage, step in one.planned.steps.items()}
    prices |= {stage.value: step.credits for stage, step in reused.items()}
    engines = {**one.planned.engines, **{stage: step.engine for stage, step in reused.items()}}
    lower = {stage.value: each for stage, each in one.planned.lower_prices.items() if stage not in reused}
    key = spending_key(caller, at)
    if key is not None and key.test:
        lower = {}
        if reused:
            raise Forbidden("This key is for tests. It submits new jobs only.")
        engines, prices = dict.fromkeys(engines, TEST_ENGINE), dict.fromkeys(prices, 0)
        specs = {each: spec.model_copy(update={"test": True}) for each, spec in specs.items()}
    price = sum(prices.values())
    if max_credits is not None and len(specs) * price > max_credits:
        raise MaxCreditsExceeded(len(specs) * price, max_credits)
    for asset in one.used:
        _forget_ended_jobs(asset)
    caller.stays_member(account_id, tx=tx)
    projects.add_jobs(one.project_id, len(specs), account_id=account_id, tx=tx)
    made = [
        jobs.create(
            each,
            spec,
            engines=engines,
            credits=price,
            project_id=one.project_id,
            account_id=account_id,
            owner_id=caller.user_id,
            at=at,
            deadline_at=at + admission.WAIT,
            tx=tx,
            reused={stage: step.copy for stage, step in reused.items()},
        )
        for each, spec in specs.items()
    ]
    for asset_id in {given.asset_id for given in one.spec.inputs}:
        assets.use(asset_id, *specs, tx=tx)
    credits.hold(
        job_id, account_id=account_id, credits=price, paid=one.spec.paid, at=at, tx=tx,
        spender=spender(caller, account_id), key=key, prices=prices, lower_prices=lower, more_ids=more_ids,
    )  # fmt: skip
    admission.wait(made[0], one.subscribed, at=at, tx=tx, more_ids=more_ids)
    tx.after_commit(lambda: _accepted(made, one))
    return job_view(made[0], specs[job_id], {}, at)


def spender(caller: Actor, account_id: str) -> Spender | None:
    """Return the member who spends an organization's credits, or None for the caller's own account."""
    if organization_of(account_id) is None:
        return None
    cap = caller.member(account_id).monthly_cap
    return Spender(caller.user_id, None if cap is None else int(cap))


def spending_key(caller: Actor, at: datetime) -> Spender | None:
    """Return the key that submits the job, or None for a caller without a key. Raise Unauthorized if it is revoked."""
    if caller.key_id is None:
        return None
    if (key := api_keys.find(caller.key_id, at=at)) is None:
        raise Unauthorized("The key is revoked or expired.")
    return Spender(caller.key_id, None if key.monthly_cap is None else int(key.monthly_cap), test=bool(key.test))


def _accepted(made: Sequence[JobRecord], one: "Prepared") -> None:
    # The business dashboard counts these fields. A metric for each preset would cost more than all others.
    engines = {stage.folder: step.engine for stage, step in made[0].planned()}
    for job in made:
        about(job_id=job.job_id)
        logger.info(JOB_ACCEPTED, preset_id=one.spec.preset_id, plan=one.subscribed.value, engines=engines)
        measure(Metric.JOBS_CREATED)
        measure(Metric.CREDITS_HELD, int(job.credits))
    admitted = {one.job_id for one in admission.admit(utc_now(), account_id=made[0].account_id)}
    for job in made:
        if job.job_id not in admitted:
            jobs.hold_back(job.job_id, at=utc_now())


class Prepared(NamedTuple):
    """A job before its submit: the paying account with its plan, the spec, the plan of steps, and the used assets."""

    project_id: str
    account_id: str
    subscribed: PlanType
    spec: JobSpec
    planned: Plan
    used: Sequence[AssetRecord]


class Reused(NamedTuple):
    """A step of an older job, for the new job: the copy of its result, its engine and its price."""

    copy: ReusedStep
    engine: str
    credits: int


def prepared(
    body: JobCreate,
    caller: Actor,
    at: datetime,
    *,
    filmed: CameraMove | None = None,
    picture_key: str | None = None,
    default: Collection[str] | None = None,
) -> Prepared:
    """Return what a submit writes, and write nothing. Raise an AppError if the job is impossible.

    `filmed` is the final move of an older job, and `picture_key` the picture that it gives to this one. `default` are
    the engines of providers that the job may get without naming them; None: those that the operator allows.
    """
    account_id = projects.get(body.project_id, accounts=caller).account_id
    subscribed = subscriptions.plan(account_id)
    move = filmed or _move(body, account_id)
    given = _given(body, account_id)
    if picture_key is not None:
        given.keys[Role.PICTURE] = picture_key
    settings = fitted(body.settings, move, given.picture_size)
    offered, default = _offered(settings, at, configured() if default is None else frozenset(default))
    planned = plan(
        settings,
        move,
        frozenset(given.keys),
        offered,
        prompt=body.prompt,
        at=at,
        more_pictures=len(given.more_pictures),
        driving_seconds=given.driving_seconds,
        until=body.until or FILM,
        default=default,
    )
    spec = JobSpec(
        prompt=body.prompt,
        preset_id=body.preset_id,
        move=filmed or move.model_copy(update={"strength": move.strength * settings.strength}),
        settings=settings,
        seed=secrets.randbits(32) if settings.seed is None else settings.seed,
        inputs=body.inputs,
        input_keys=given.keys,
        more_pictures=given.more_pictures,
        paid=subscribed.paid,
        until=body.until,
        fallbacks=planned.fallbacks or None,
        chosen=planned.chosen or None,
        cameras=planned.cameras or None,
    )
    return Prepared(body.project_id, account_id, subscribed, spec, planned, given.assets)


def _offered(settings: JobSettings, at: datetime, default: frozenset[str]) -> tuple[list[Engine], frozenset[str]]:
    """Return the engines of this deployment, and engines past their sunset, which only lead to their fallbacks.

    A remote engine needs its provider's API key. The key is read only if the engine may be chosen. Also return the
    engines of `default` whose provider takes requests now. A step that names its engine gets no other one.
    """
    free = [entry for entry in ENGINES if entry.name in default and entry.stage not in settings.engines]
    wanted = {*settings.engines.values(), *(entry.name for entry in free)}
    while fallbacks := {entry.fallback for entry in ENGINES if entry.name in wanted and entry.fallback} - wanted:
        wanted |= fallbacks
    # A disabled engine is treated like one that is past its sunset: its fallback replaces it.
    disabled = switches.disabled(at=at)
    entries = [replace(entry, sunset_at=at.date()) if entry.name in disabled else entry for entry in ENGINES]
    offered = [
        entry
        for entry in entries
        if entry.key is None or entry.is_past(at) or (entry.name in wanted and has_value(entry.key))
    ]
    names = {entry.name for entry in offered}
    return offered, frozenset(
        entry.name
        for entry in free
        if entry.name in names and not states.is_out(entry.name, entry.charge_cents(settings.duration), at=at)
    )


def view(job_id: str, caller: Actor) -> JobView:
    """Return the job with all its results."""
    (job, spec, results, slots), at = read(job_id, caller), utc_now()
    shown = admission.with_place(job_view(job, spec, results, at), job, at, slots)
    film, signed = results.get(FILM), JobLinks(job, results, at).delivery(FILM)
    if film is None or signed is None:
        return shown
    texts = {
        "hls_playlist": _signed_text(film, Role.PLAYLIST, Role.STREAM, signed.playlist),
        "scrubbing_track": _signed_text(film, Role.SCRUBBING, Role.SPRITES, signed.track),
    }
    return shown.model_copy(update=texts)


def _signed_text(film: StepResult, text: Role, named: Role, sign: Callable[[str, str], str]) -> str | None:
    """Return the stored text with signed URLs of the object that it names, or None while a request deletes the job."""
    text_key, named_key = film.key(text), film.key(named)
    stored = media.read_text(text_key) if text_key else None
    return None if stored is None or named_key is None else sign(stored, named_key)


def cancel(job_id: str, caller: Actor) -> JobView:
    """Stop the job, release its credits and return it. Raise JobEnded if it has completed or failed.

    A job that is already cancelled is returned unchanged.
    """
    job = jobs.get(job_id, accounts=caller)
    job = settlement.cancel(job, at=utc_now())
    if job.status != JobStatus.CANCELLED:
        raise JobEnded
    try:
        executions.stop(job_id)
    except (BotoCoreError, ClientError):  # the job is cancelled: dispatch refuses its next step, and its worker stops
        logger.exception("execution not stopped")
    return view(job_id, caller)


def delete(job_id: str, caller: Actor) -> None:
    """Delete an ended job. Raise JobRunning if it has not ended.

    The media are deleted first. If the request stops halfway, the job still exists and the caller can delete it again.
    """
    job = jobs.get(job_id, accounts=caller)
    if not job.ended:
        raise JobRunning
    delivered, _ = job_prefixes(job_id)
    projects.hide_film(job.project_id, prefix=delivered)
    for prefix in job_prefixes(job_id):
        media.delete_below(prefix)
    jobs.delete_results(job_id)
    shares.delete_of(job_id)
    try:
        with transaction() as tx:
            jobs.delete(job, tx=tx)
            projects.remove_job(job.project_id, tx=tx)
    except JobRunning:
        jobs.get(job_id, accounts=caller)  # raises JobNotFound if another request has deleted it
        raise


def _move(body: JobCreate, account_id: str) -> CameraMove:
    """Return the preset's move, combined with the stacked preset's move if the settings have one.

    A preset is the studio's or the account's. The job's spec keeps the move.
    """
    move, second = stored_presets.move(body.preset_id, accounts={account_id}), body.settings.stack
    if second is None:
        return move
    try:
        return move.with_stacked(stored_presets.move(second.preset_id, accounts={account_id}), second.weight)
    except ValueError as error:
        raise Invalid("These two presets cannot be stacked: no duration fits both.") from error


def _forget_ended_jobs(asset: AssetRecord) -> None:
    """Keep the list of the asset's users short."""
    users = asset.used_by or set()
    live = {job.job_id for job in jobs.several(users) if not job.ended} if len(users) >= MANY_USERS else users
    if ended := users - live:
        assets.forget_jobs(asset, ended)


class _Given(NamedTuple):
    """The inputs of a job: the media key of each one by role, and the keys of the pictures after the first, in order.

    `picture_size` is width and height of the first picture in pixels, or None without a picture.
    """

    keys: dict[Role, str]
    more_pictures: tuple[str, ...]
    picture_size: tuple[float, float] | None
    driving_seconds: float | None
    assets: list[AssetRecord]


def _given(body: JobCreate, account_id: str) -> _Given:
    """Return the inputs. Raise an AppError if an asset is not the account's, not READY, or of the wrong type."""
    keys: dict[Role, str] = {}
    more_pictures: list[str] = []
    picture_size, driving_seconds, used = None, None, list[AssetRecord]()
    for given in body.inputs:
        asset = assets.get(given.asset_id, accounts={account_id})
        if asset.type != INPUT_TYPES[given.role]:
            raise Invalid(f"The {given.role} must be {INPUT_TYPES[given.role].value.lower()} media.")
        if asset.status != AssetStatus.READY or asset.key is None:
            raise AssetNotReady(f"The asset {asset.asset_id} is {asset.status}, not READY.")
        used.append(asset)
        if given.role is Role.DRIVING and asset.duration is not None:
            driving_seconds = float(asset.duration)
            try:
                check_driving_seconds(driving_seconds)
            except StageFailure as failure:
                raise Invalid(failure.public_message) from failure
        if given.role is Role.PICTURE and Role.PICTURE not in keys and asset.width and asset.height:
            picture_size = float(asset.width), float(asset.height)
        if given.role not in keys:
            keys[given.role] = asset.key
        elif given.role is Role.PICTURE:
            more_pictures.append(asset.key)
        else:
            raise Invalid(f"There are two inputs with the role {given.role}.")
    if len(more_pictures) >= MAX_PICTURES:
        raise Invalid(f"A film has at most {MAX_PICTURES} pictures.")
    if more_pictures and Role.DRIVING in keys:
        raise Invalid("A driving clip works with one picture. Leave out the other pictures or the driving clip.")
    if body.settings.loop and Role.DRIVING in keys:
        raise Invalid("The path of a driving clip is not closed. Leave out loop, or use the operation “loop”.")
    return _Given(keys, tuple(more_pictures), picture_size, driving_seconds, used)
