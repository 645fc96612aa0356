"""The requests of jobs that start from the outputs of an older job: retry, continue, final and extend.

A new job receives copies of these outputs below its own prefixes. So the older job can be deleted at any time, and the
new job is like one that has made them itself. The copies are stored before the transaction: if it fails, the sweep
deletes them.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic.alias_generators import to_camel
from ulid import ULID

from functions.jobs.schemas import JobContinue, JobCreate, JobExtend
from functions.jobs.service import Prepared, Reused, begin, prepared
from shared.assets.store import assets
from shared.aws import media
from shared.aws.transactions import Transaction
from shared.core.clock import utc_now
from shared.core.errors import AppError, Conflict, Invalid
from shared.core.ids import new_id
from shared.credits.store import credits
from shared.jobs.keys import GIVEN, WORK_LIFE, given_key, output_key
from shared.jobs.record import JobRecord
from shared.jobs.spec import JobInput, JobSettings, JobSpec
from shared.jobs.store import ReusedStep, StepOutput, StepResult, jobs
from shared.jobs.views import JobView
from shared.members.actor import Actor
from shared.stages.engines import ALL_ENGINES
from shared.stages.stages import FILM, Role, Stage

# Settings that decide a painted picture, and those of the last frame of a film.
_OF_STILLS = frozenset({"aspect_ratio", "resolution", "seed", "style", "allow_unrelated_picture"})
_OF_FRAMES = frozenset({"aspect_ratio", "style", "allow_unrelated_picture"})


class JobNotEnded(Conflict):
    code = "job_not_ended"

    def __init__(self) -> None:
        super().__init__("This job has not ended. Cancel it, or wait for its end.")


class NoStill(Conflict):
    code = "no_still"

    def __init__(self) -> None:
        super().__init__("This job is not a completed still.")


class NoDraft(Conflict):
    code = "no_draft"

    def __init__(self) -> None:
        super().__init__("This job is not a completed draft.")


class NoFilm(Conflict):
    code = "no_film"


class OutputsExpired(AppError):
    """The outputs of the older job that the new one needs are deleted."""

    code, status = "outputs_expired", 410

    def __init__(self) -> None:
        super().__init__("The outputs of this job were deleted after 7 days. Submit the job anew.")


class Origin(NamedTuple):
    """An older job from which a new one starts."""

    job: JobRecord
    spec: JobSpec
    results: Mapping[Stage, StepResult]

    def body(self, settings: JobSettings, *, inputs: tuple[JobInput, ...], preset_id: str | None = None) -> JobCreate:
        """Return the body of a submit of the same film, with these settings and inputs."""
        return JobCreate(
            project_id=self.job.project_id,
            prompt=self.spec.prompt,
            preset_id=preset_id or self.spec.preset_id,
            settings=settings,
            inputs=inputs,
        )


def retry(job_id: str, caller: Actor, tx: Transaction) -> JobView:
    """Add the same job, which starts from the finished steps of the ended one, and charges those that are not paid."""
    origin, at, new_job = _origin(job_id, caller), utc_now(), new_id("job")
    if not origin.job.ended:
        raise JobNotEnded
    one = _same(origin, origin.spec.settings, new_job, caller, at)
    *before_last, _last = one.planned.steps
    done = [stage for stage in before_last if stage in origin.results]
    return _begin(origin, one, new_job, done, caller, at, tx)


def proceed(job_id: str, body: JobContinue, caller: Actor, tx: Transaction) -> JobView:
    """Add the film of a completed still. Its picture is the still's, and is paid."""
    origin, at = _origin(job_id, caller, body.inputs), utc_now()
    if not (origin.job.captured and origin.spec.until):
        raise NoStill
    whole = origin.body(_changed(origin.spec, body, _OF_STILLS), inputs=_no_picture(body), preset_id=body.preset_id)
    return _begin(origin, prepared(whole, caller, at), new_id("job"), [Stage.IMAGE_GENERATION], caller, at, tx)


def final(job_id: str, caller: Actor, tx: Transaction) -> JobView:
    """Add the whole film of a completed draft, with its seed and its picture."""
    origin, at, new_job = _origin(job_id, caller), utc_now(), new_id("job")
    settings = origin.spec.settings
    if not (origin.job.captured and settings.draft) or origin.spec.until:
        raise NoDraft
    one = _same(origin, settings.model_copy(update={"draft": None}), new_job, caller, at)
    painted = [stage for stage in origin.results if stage is Stage.IMAGE_GENERATION]
    return _begin(origin, one, new_job, painted, caller, at, tx)


def extend(job_id: str, body: JobExtend, caller: Actor, tx: Transaction) -> JobView:
    """Add a film that begins with the last frame of a completed one."""
    origin, at, new_job = _origin(job_id, caller, body.inputs), utc_now(), new_id("job")
    film = origin.results.get(FILM)
    if film is None or not origin.job.captured or origin.spec.settings.draft:
        raise NoFilm("This job has no finished film. Make the film of a still or a draft first.")
    if (frame := film.key(Role.PICTURE)) is None:
        raise NoFilm("An earlier release made this film, without a frame to start from. Retry it first.")
    settings = _changed(origin.spec, body, _OF_FRAMES).model_copy(
        update={"style": None, "allow_unrelated_picture": None, "seed": body.settings and body.settings.seed}
    )
    whole = origin.body(settings, inputs=_no_picture(body), preset_id=body.preset_id)
    whole = whole.model_copy(update={"prompt": body.prompt or whole.prompt})
    key = given_key(new_job, frame.rpartition("/")[2])
    one = prepared(whole, caller, at, picture_key=key)
    _copy(frame, key, "image/png")
    spec = one.spec.model_copy(update={"origin_id": job_id, "picture_by": _painter(origin)})
    return begin(one, {new_job: spec}, caller, at, tx)


def _origin(job_id: str, caller: Actor, inputs: Collection[JobInput] = ()) -> Origin:
    """Return the job. Raise JobNotFound or AssetNotFound for what is not the caller's."""
    job = jobs.get(job_id, accounts=caller)
    for given in inputs:
        assets.get(given.asset_id, accounts={job.account_id})
    return Origin(job, jobs.spec(job_id), jobs.results(job))


def _same(origin: Origin, settings: JobSettings, new_job: str, caller: Actor, at: datetime) -> Prepared:
    """Return the same film with these settings. If the older job had a given picture, copy it."""
    spec, given = origin.spec, origin.spec.input_keys.get(Role.PICTURE, "")
    key = given_key(new_job, given.rpartition("/")[2]) if f"/{GIVEN}/" in given else None
    body = origin.body(settings, inputs=spec.inputs).model_copy(update={"until": spec.until})
    one = prepared(body, caller, at, filmed=spec.move, picture_key=key)
    if key is not None:
        _copy(given, key, "image/png")
    return one


def _no_picture(body: JobContinue) -> tuple[JobInput, ...]:
    if any(given.role is Role.PICTURE for given in body.inputs):
        raise Invalid("The older job gives the picture of this film. Leave out inputs with the role picture.")
    return body.inputs


def _changed(spec: JobSpec, body: JobContinue, fixed: Collection[str]) -> JobSettings:
    """Return the older job's settings with the changes of the body. Raise Invalid for a change of the picture.

    The duration fits the preset, as after a submit without a duration.
    """
    before, new = dict(spec.settings), body.settings
    changes = {name: getattr(new, name) for name in new.model_fields_set} if new else {}
    if refused := sorted(name for name in fixed & changes.keys() if changes[name] != before[name]):
        raise Invalid(f"The picture exists. Leave out: {', '.join(map(to_camel, refused))}.")
    return JobSettings.model_construct(
        _fields_set=set(before if body.preset_id is None else changes), **before | changes
    )


def _begin(
    origin: Origin,
    one: Prepared,
    new_job: str,
    stages: Collection[Stage],
    caller: Actor,
    at: datetime,
    tx: Transaction,
) -> JobView:
    """Add the job, with copies of the older job's results of these stages."""
    job, made_in = origin.job, {stage: (origin.spec.made_in or {}).get(stage, origin.job.job_id) for stage in stages}
    for stage in stages:
        completed_at = job.step(stage).completed_at
        if stage is not job.last_stage and (completed_at is None or at >= completed_at + WORK_LIFE):
            raise OutputsExpired
    prices = {maker: credits.charge_steps(maker, to=new_job, tx=tx) for maker in set(made_in.values())}

    def price(stage: Stage) -> int:
        known = prices[made_in[stage]]
        return 0 if known is None else known.get(stage.value, one.planned.steps[stage].credits)

    reused = {
        stage: Reused(
            _copied(origin.results[stage], new_job, stage), job.step(stage).engine, price(stage), made_in[stage]
        )
        for stage in stages
    }
    spec = one.spec.model_copy(
        update={
            "seed": origin.spec.seed,
            "origin_id": job.job_id,
            "made_in": made_in or None,
            "picture_by": origin.spec.picture_by,
        }
    )
    return begin(one, {new_job: spec}, caller, at, tx, reused=reused)


def _copied(result: StepResult, new_job: str, stage: Stage) -> ReusedStep:
    """Copy the files of the result for the new job, and return its step. Raise OutputsExpired if one is missing."""
    attempt, outputs = str(ULID()), list[StepOutput]()
    for output in result.outputs:
        key = output_key(new_job, stage, attempt, output.role, output.key.rpartition("/")[2])
        _copy(output.key, key, output.media_type)
        outputs.append(StepOutput(output.role, key, output.media_type))
    return ReusedStep(attempt, StepResult(tuple(outputs), result.metrics))


def _copy(key: str, to: str, media_type: str) -> None:
    try:
        media.copy(key, to, media_type, kind="work")
    except media.Missing:
        raise OutputsExpired from None


def _painter(origin: Origin) -> str | None:
    """Return the engine that the manifest of the next film names for its picture. A trained one goes before others.

    None: the pixels come from the picture of a creator.
    """
    spec, job = origin.spec, origin.job
    names = [spec.picture_by, *(step.engine for stage, step in job.planned() if stage is not FILM)]
    trained = [name for name in names if any(entry.trained and entry.name == name for entry in ALL_ENGINES)]
    uploaded = Role.PICTURE in spec.input_keys and spec.picture_by is None
    return trained[0] if trained else None if uploaded else names[-1]
