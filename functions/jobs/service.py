"""How a job begins, is stopped and is forgotten."""

import secrets
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from functions.jobs.plan import Plan, fitted, plan
from functions.jobs.schemas import INPUT_TYPES, JobCreate
from shared.access.principal import Principal
from shared.assets.record import AssetStatus
from shared.assets.store import AssetNotReady, assets
from shared.aws import media
from shared.aws.secrets import has_value
from shared.aws.transactions import Transaction, transaction
from shared.camera.move import CameraMove
from shared.core.clock import utc_now
from shared.core.errors import Invalid
from shared.core.ids import new_id
from shared.credits.store import credits
from shared.jobs import executions, settlement
from shared.jobs.keys import job_prefix
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.spec import JobSettings, JobSpec
from shared.jobs.store import JobEnded, JobRunning, jobs
from shared.jobs.views import JobView, access, job_view
from shared.observability import Metric, about, logger, measure
from shared.presets.presets import get_preset
from shared.projects.store import projects
from shared.stages.engines import ENGINES, Engine
from shared.stages.failures import StageFailure
from shared.stages.requests import MAX_PICTURES, check_driving_seconds
from shared.stages.stages import Role, Stage
from shared.subscriptions.store import subscriptions

DEADLINE = timedelta(hours=2)


def submit(body: JobCreate, caller: Principal, tx: Transaction) -> JobView:
    """Add a job and the hold on its credits to the transaction; start the job after the commit.

    If the start fails, or this process dies before it, `reconcile` starts the job.
    """
    job_id, at = new_id("job"), utc_now()
    spec, planned = _planned(body, caller, at)
    projects.add_job(body.project_id, account_id=caller.account_id, tx=tx)
    job = jobs.create(
        job_id,
        spec,
        engines=planned.engines,
        credits=planned.credits,
        project_id=body.project_id,
        account_id=caller.account_id,
        owner_id=caller.user_id,
        at=at,
        deadline_at=at + DEADLINE,
        tx=tx,
    )
    credits.hold(job_id, account_id=caller.account_id, credits=planned.credits, paid=spec.paid, at=at, tx=tx)
    tx.after_commit(lambda: _start(job))
    return job_view(job, spec, {}, at)


def _start(job: JobRecord) -> None:
    about(job_id=job.job_id)
    logger.info("job accepted")
    measure(Metric.JOBS_CREATED)
    measure(Metric.CREDITS_HELD, int(job.credits))
    try:
        executions.start(job.job_id, [stage for stage, _ in job.planned()])
    except (ClientError, BotoCoreError) as error:
        logger.warning("job accepted but not started; reconcile will", error=str(error))


def _planned(body: JobCreate, caller: Principal, at: datetime) -> tuple[JobSpec, Plan]:
    """Return what the job will do, and its engines and price. Raises what makes such a job impossible."""
    move = _move(body)
    keys, more_pictures = _input_keys(body, caller)
    settings = fitted(body.settings, move)
    planned = plan(settings, move, frozenset(keys), _offered(settings, at), at=at, more_pictures=len(more_pictures))
    spec = JobSpec(
        prompt=body.prompt,
        preset_id=body.preset_id,
        move=move.model_copy(update={"strength": move.strength * settings.strength}),
        settings=settings,
        seed=secrets.randbits(32) if settings.seed is None else settings.seed,
        inputs=body.inputs,
        input_keys=keys,
        more_pictures=more_pictures,
        paid=subscriptions.plan(caller.account_id).paid,
    )
    return spec, planned


def _offered(settings: JobSettings, at: datetime) -> list[Engine]:
    """Return the engines of this deployment, and those past their date, which only lead to their fallbacks.

    A remote engine needs the key with which its provider is paid. The key is read only if the engine may be chosen.
    """
    wanted = set(settings.engines.values())
    while fallbacks := {entry.fallback for entry in ENGINES if entry.name in wanted and entry.fallback} - wanted:
        wanted |= fallbacks
    return [
        entry
        for entry in ENGINES
        if entry.key is None or entry.is_past(at) or (entry.name in wanted and has_value(entry.key))
    ]


def view(job_id: str, caller: Principal) -> JobView:
    """The job with all it made."""
    job = jobs.get(job_id, account_id=caller.account_id)
    results, at = jobs.results(job), utc_now()
    shown = job_view(job, jobs.spec(job_id), results, at)
    film = results.get(Stage.POST_PROCESSING)
    if film is None:
        return shown
    playlist, stream = film.key(Role.PLAYLIST), film.key(Role.STREAM)
    text = media.read_text(playlist) if playlist else None  # None too while the job is being deleted
    if text is None or stream is None:
        return shown
    return shown.model_copy(update={"hls_playlist": access(job_id, at).playlist(text, stream)})


def page(caller: Principal, *, project_id: str | None, limit: int, after: str | None) -> list[JobView]:
    """Jobs as lists show them: without results, which the job itself has."""
    if project_id is not None:
        projects.get(project_id, account_id=caller.account_id)
    found = jobs.page(account_id=caller.account_id, project_id=project_id, limit=limit, after=after)
    specs, at = jobs.specs(job.job_id for job in found), utc_now()
    return [job_view(job, specs[job.job_id], {}, at) for job in found if job.job_id in specs]


def cancel(job_id: str, caller: Principal) -> JobView:
    """Stop the job and release its credits; a job already cancelled stays so."""
    job = jobs.get(job_id, account_id=caller.account_id)
    job = settlement.cancel(job, at=utc_now())
    if job.status != JobStatus.CANCELLED:
        raise JobEnded
    executions.stop(job_id)
    return view(job_id, caller)


def delete(job_id: str, caller: Principal) -> None:
    """Delete an ended job, its media first: if this stops halfway the job is still there to be deleted again."""
    job = jobs.get(job_id, account_id=caller.account_id)
    if not JobStatus(job.status).ended:
        raise JobRunning
    media.delete_below(job_prefix(job_id))
    jobs.delete_results(job_id)
    try:
        with transaction() as tx:
            jobs.delete(job, tx=tx)
            projects.remove_job(job.project_id, tx=tx)
    except JobRunning:
        jobs.get(job_id, account_id=caller.account_id)  # JobNotFound, where another request has just deleted it
        raise


def _move(body: JobCreate) -> CameraMove:
    """The preset's move, with the stacked one on top where there is one."""
    move, second = get_preset(body.preset_id).config, body.settings.stack
    if second is None:
        return move
    try:
        return move.with_stacked(get_preset(second.preset_id).config, second.weight)
    except ValueError as error:
        raise Invalid("These two presets do not stack: no duration suits both.") from error


def _input_keys(body: JobCreate, caller: Principal) -> tuple[dict[Role, str], tuple[str, ...]]:
    """Where the inputs' verified media are, and those of the pictures after the first, in order.

    Every asset must be the caller's, READY, and of the right type.
    """
    keys: dict[Role, str] = {}
    more_pictures: list[str] = []
    for given in body.inputs:
        asset = assets.get(given.asset_id, account_id=caller.account_id)
        if asset.type != INPUT_TYPES[given.role]:
            raise Invalid(f"The {given.role} must be {INPUT_TYPES[given.role].value.lower()} media.")
        if asset.status != AssetStatus.READY or asset.key is None:
            raise AssetNotReady(f"The asset {asset.asset_id} is {asset.status}, not READY.")
        if given.role is Role.DRIVING and asset.duration is not None:
            try:
                check_driving_seconds(float(asset.duration))
            except StageFailure as failure:
                raise Invalid(failure.public_message) from failure
        if given.role not in keys:
            keys[given.role] = asset.key
        elif given.role is Role.PICTURE:
            more_pictures.append(asset.key)
        else:
            raise Invalid(f"There are two inputs with the role {given.role}.")
    if len(more_pictures) >= MAX_PICTURES:
        raise Invalid(f"A film leads over at most {MAX_PICTURES} pictures.")
    if more_pictures and Role.DRIVING in keys:
        raise Invalid("The camera of a driving clip is copied over one picture: bring one, or no driving clip.")
    if body.settings.loop and Role.DRIVING in keys:
        raise Invalid("The path of a driving clip is not closed: leave out loop, or ask for the operation “loop”.")
    return keys, tuple(more_pictures)
