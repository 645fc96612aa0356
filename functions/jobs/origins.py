"""The requests of jobs that start from the outputs of an older job: retry, continue, final and extend.

A new job receives copies of these outputs below its own prefixes. So the older job can be deleted at any time, and the
new job is like one that has made them itself. The copies are stored before the commit. If it fails, the sweep deletes
them, so a request that is sure to be refused makes none.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic.alias_generators import to_camel
from ulid import ULID

from functions.jobs.schemas import JobAgain, JobContinue, JobCreate, JobExtend
from functions.jobs.service import Prepared, Reused, begin, prepared
from shared.assets.store import assets
from shared.aws import media
from shared.aws.transactions import Transaction
from shared.core.errors import AppError, Conflict, Invalid
from shared.core.ids import new_id, time_of
from shared.credits.store import credits
from shared.jobs import admission
from shared.jobs.keys import GIVEN, WORK_LIFE, given_key, output_key
from shared.jobs.record import JobRecord
from shared.jobs.spec import JobInput, JobSettings, JobSpec
from shared.jobs.store import ReusedStep, StepOutput, StepResult, jobs
from shared.jobs.views import JobView
from shared.members.actor import Actor
from shared.presets.store import stored_presets
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
        super().__init__("The outputs of this job were deleted after 7 days. Submit a new job.")


class Origin(NamedTuple):
    """An older job from which a new one starts."""

    job: JobRecord
    spec: JobSpec
    results: Mapping[Stage, StepResult]

    @property
    def chosen(self) -> Collection[str]:
        """The engines of providers that were chosen for the older job. The new job gets no others by itself."""
        return (self.spec.chosen or {}).values()

    def body(self, settings: JobSettings, *, inputs: tuple[JobInput, ...], preset_id: str | None = None) -> JobCreate:
        """Return the body of a submit of the same film, with these settings and inputs."""
        return JobCreate(
            project_id=self.job.project_id,
            prompt=self.spec.prompt,
            preset_id=preset_id or self.spec.preset_id,
            settings=settings,
            inputs=inputs,
        )


def retry(job_id: str, body: JobAgain, caller: Actor, tx: Transaction) -> JobView:
    """Add the same job, which starts from the finished steps of the ended one, and charges those that are not paid."""
    origin, new_job, at = _origin(job_id, caller), *_new_job()
    if not origin.job.ended:
        raise JobNotEnded
    one = _same(origin, origin.spec.settings, new_job, caller, at)
    *before_last, _last = one.planned.steps
    done = [stage for stage in before_last if stage in origin.results]
    return _begin(origin, one, new_job, done, caller, at, tx, body)


def proceed(job_id: str, body: JobContinue, caller: Actor, tx: Transaction) -> JobView:
    """Add the film of a completed still. Its picture is the still's, and is paid."""
    origin, new_job, at = _origin(job_id, caller, body), *_new_job()
    if not (origin.job.captured and origin.spec.until):
        raise NoStill
    whole = origin.body(_changed(origin.spec, body, _OF_STILLS), inputs=_no_picture(body), preset_id=body.preset_id)
    one = prepared(whole, caller, at, default=origin.chosen)
    return _begin(origin, one, new_job, [Stage.IMAGE_GENERATION], caller, at, tx, body)


def final(job_id: str, body: JobAgain, caller: Actor, tx: Transaction) -> JobView:
    """Add the whole film of a completed draft, with its seed and its picture."""
    origin, new_job, at = _origin(job_id, caller), *_new_job()
    settings = origin.spec.settings
    if not (origin.job.captured and settings.draft) or origin.spec.until:
        raise NoDraft
    one = _same(origin, settings.model_copy(update={"draft": None}), new_job, caller, at)
    painted = [stage for stage in origin.results if stage is Stage.IMAGE_GENERATION]
    return _begin(origin, one, new_job, painted, caller, at, tx, body)


def extend(job_id: str, body: JobExtend, caller: Actor, tx: Transaction) -> JobView:
    """Add a film that begins with the last frame of a completed one."""
    origin, new_job, at = _origin(job_id, caller, body), *_new_job()
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
    one = prepared(whole, caller, at, picture_key=key, default=origin.chosen)
    spec = one.spec.model_copy(update={"origin_id": job_id, "picture_by": _painter(origin)})
    made = begin(one, {new_job: spec}, caller, at, tx, max_credits=body.max_credits)
    _copy(one, made, [(frame, key, "image/png")])
    return made


def _new_job() -> tuple[str, datetime]:
    """Return the id of a new job, and the time of its submit."""
    job_id = new_id("job")
    return job_id, time_of(job_id)


def _origin(job_id: str, caller: Actor, changes: JobContinue | None = None) -> Origin:
    """Return the job. Raise JobNotFound, AssetNotFound or PresetNotFound for what is not the caller's."""
    job = jobs.get(job_id, accounts=caller)
    for given in changes.inputs if changes else ():
        assets.get(given.asset_id, accounts={job.account_id})
    if changes and changes.preset_id:
        stored_presets.move(changes.preset_id, accounts={job.account_id})
    return Origin(job, jobs.spec(job_id), jobs.results(job))


def _same(origin: Origin, settings: JobSettings, new_job: str, caller: Actor, at: datetime) -> Prepared:
    """Return the same film with these settings. A picture that the older job was given is given to this one, too."""
    spec, given = origin.spec, _given_picture(origin.spec)
    key = given_key(new_job, given.rpartition("/")[2]) if given else None
    body = origin.body(settings, inputs=spec.inputs).model_copy(update={"until": spec.until})
    return prepared(body, caller, at, filmed=spec.move, picture_key=key, default=origin.chosen)


def _given_picture(spec: JobSpec) -> str | None:
    """Return the key of the picture that the job received from an older one."""
    key = spec.input_keys.get(Role.PICTURE, "")
    return key if f"/{GIVEN}/" in key else None


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
    body: JobAgain | JobContinue,
) -> JobView:
    """Add the job, with copies of the older job's results of these stages."""
    job, made_in = origin.job, {stage: (origin.spec.made_in or {}).get(stage, origin.job.job_id) for stage in stages}
    for stage in stages:
        completed_at = job.step(stage).completed_at
        if stage is not job.last_stage and (completed_at is None or at >= completed_at + WORK_LIFE):
            raise OutputsExpired
    unpaid = {maker: credits.charge_steps(maker, to=new_job, tx=tx) for maker in set(made_in.values())}

    def price(stage: Stage) -> int:
        hold = unpaid[made_in[stage]]
        known = None if hold is None else hold.price(stage.value, job.step(stage).engine)
        return 0 if hold is None else one.planned.steps[stage].credits if known is None else known

    reused = {
        stage: Reused(_moved(origin.results[stage], new_job, stage), job.step(stage).engine, price(stage))
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
    made = begin(one, {new_job: spec}, caller, at, tx, max_credits=body.max_credits, reused=reused)
    copies = [
        (before.key, after.key, before.media_type)
        for stage, step in reused.items()
        for before, after in zip(origin.results[stage].outputs, step.copy.result.outputs, strict=True)
    ]
    if given := _given_picture(origin.spec):
        copies.append((given, spec.input_keys[Role.PICTURE], "image/png"))
    _copy(one, made, copies)
    return made


def _moved(result: StepResult, new_job: str, stage: Stage) -> ReusedStep:
    """Return the result as a step of the new job, with keys below the prefixes of that job."""
    attempt = str(ULID())
    outputs = (
        StepOutput(
            output.role,
            output_key(new_job, stage, attempt, output.role, output.key.rpartition("/")[2]),
            output.media_type,
        )
        for output in result.outputs
    )
    return ReusedStep(attempt, StepResult(tuple(outputs), result.metrics))


def _copy(one: Prepared, made: JobView, copies: Iterable[tuple[str, str, str]]) -> None:
    """Copy the files (key, new key, media type) if the account can pay for the job and has room for it.

    Raise OutputsExpired if a file is missing.
    """
    credits.check_available(one.account_id, made.credits)
    admission.check_room(one.account_id, one.subscribed)
    try:
        for key, to, media_type in copies:
            media.copy_tagged(key, to, media_type, kind="work")
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
