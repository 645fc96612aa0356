"""One job's whole life, with a fault at each AWS call: nothing is lost or charged twice (I2, I3, I4, I6)."""

from collections.abc import Callable, Iterator

import pytest

from shared.aws import clients, media, secrets
from shared.credits.record import HoldRecord, LedgerRecord
from shared.credits.store import credits
from shared.jobs.keys import job_prefix
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import jobs
from shared.stages.stages import Stage
from tests.support.cloud import AtCall, lose_answer, nothing
from tests.support.life import Life, tokens_honoured
from tests.support.studio import Creator, Studio

IMAGE, VIDEO, POST = Stage.IMAGE_GENERATION, Stage.VIDEO_SYNTHESIS, Stage.POST_PROCESSING
REMOTE = {"engines": {"VIDEO_SYNTHESIS": "fal-kling"}, "duration": 5}
Fault = Callable[[str], None]


@pytest.fixture(autouse=True)
def _expired_leases(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leases that expire at once, no beats, polls without a pause, and transactions that DynamoDB recognizes."""
    for name in ("LEASE_SECONDS", "REMOTE_LEASE_SECONDS", "REMOTE_POLL_MOST_SECONDS"):
        monkeypatch.setenv(f"KINORA_{name}", "0")
    for name in ("BEAT_SECONDS", "PROGRESS_SECONDS"):
        monkeypatch.setenv(f"KINORA_{name}", "60")
    clients.secretsmanager().create_secret(Name="kinora/test/fal-key", SecretString="x")  # not a secret
    with tokens_honoured():
        yield
    clients.secretsmanager().delete_secret(SecretId="kinora/test/fal-key", ForceDeleteWithoutRecovery=True)
    secrets.secret.cache_clear()


def each_call(studio: Studio, live: Callable[[Fault], str | None], fault: Fault, *, at_least: int) -> None:
    """Call `live` with a hook that causes the fault at the first call, then at the second, until there are no more.

    `live` installs the hook and returns what is wrong with the job afterwards. Fail the test with all that is wrong.
    """
    wrong: dict[str, str] = {}
    number, hook = 0, None
    while hook is None or hook.operation:
        number += 1
        hook = AtCall(studio.cloud, number, fault)
        try:
            outcome = live(hook)
        except AssertionError as stuck:
            outcome = repr(stuck)
        studio.cloud.afterwards = nothing
        if outcome:
            wrong[f"{number} {hook.operation}"] = outcome
    assert number > at_least, "there are fewer calls than expected"
    assert wrong == {}


def wrong_with(life: Life, creator: Creator, status: JobStatus) -> str | None:
    """Return what is wrong with the ended job, or None."""
    job, hold = jobs.get(life.job_id), HoldRecord.get(life.job_id)
    captured = status is JobStatus.COMPLETED
    objects = set(media.keys(job_prefix(life.job_id)))
    named = {output.key for result in jobs.results(job).values() for output in result.outputs}
    changes = [
        record["dynamodb"]["NewImage"]
        for record in creator.studio.job_changes()
        if record["dynamodb"]["Keys"]["job_id"]["S"] == life.job_id
    ]
    numbers = [int(image["seq"]["N"]) for image in changes]
    ended = [JobStatus(image["status"]["S"]).ended for image in changes]
    account = credits.account(creator.user_id)
    entries = list(LedgerRecord.query(creator.user_id))
    checks = {
        f"status {job.status}, {job.error}": job.status == status,
        f"hold {hold.state}": hold.state == ("CAPTURED" if captured else "RELEASED"),
        "captured once": [e.credits for e in entries if life.job_id in e.operation_id] == [-hold.credits] * captured,
        "books": (account.held, account.available) == (0, sum(entry.credits for entry in entries)),
        f"lost {named - objects}": named <= objects,
        "results": not captured or set(jobs.results(job)) == {stage for stage, _ in job.planned()},
        "seq rises": numbers == sorted(set(numbers)),
        "one end, last": ended == [False] * (len(ended) - 1) + [True],
        "submissions": len(life.provider.submitted) <= 1,
    }
    failed = [name for name, holds in checks.items() if not holds]
    return f"{failed} {life.errors}" if failed else None


def rich(studio: Studio) -> tuple[Creator, str]:
    ada = studio.arrive("ada@example.com", credits=100_000)
    return ada, ada.project()


def tried_again(job: JobRecord) -> str | None:
    again = [stage for stage, step in job.planned() if step.attempts != 1]
    return f"more than one attempt of {again}" if again else None


def test_an_answer_lost_at_any_call_loses_nothing(studio: Studio) -> None:
    ada, project = rich(studio)

    def live(hook: Fault) -> str | None:
        studio.cloud.afterwards = hook
        life = Life(ada, project, {})
        life.submit()
        life.run(IMAGE, VIDEO, POST)
        life.settle()
        studio.cloud.afterwards = nothing
        return wrong_with(life, ada, JobStatus.COMPLETED) or tried_again(jobs.get(life.job_id))

    each_call(studio, live, lose_answer, at_least=45)


def test_a_process_that_dies_after_any_call_loses_nothing(studio: Studio) -> None:
    ada, project = rich(studio)

    def live(hook: Fault) -> str | None:
        studio.cloud.afterwards = hook
        life = Life(ada, project, {})
        life.submit()
        life.run(IMAGE, VIDEO, POST)
        life.settle()
        studio.cloud.afterwards = nothing
        return wrong_with(life, ada, JobStatus.COMPLETED)

    each_call(studio, live, lambda _: studio.cloud.die(), at_least=45)


def remote_life(ada: Creator, project: str, hook: Fault) -> Life:
    """Run a job whose clip a provider makes, with the hook during that stage only."""
    life = Life(ada, project, REMOTE)
    life.submit()
    life.run(IMAGE)
    ada.studio.cloud.afterwards = hook
    life.run(VIDEO)
    ada.studio.cloud.afterwards = nothing
    life.run(POST)
    life.settle()
    return life


def test_an_answer_lost_at_any_call_for_a_provider_loses_nothing(studio: Studio) -> None:
    ada, project = rich(studio)

    def live(hook: Fault) -> str | None:
        life = remote_life(ada, project, hook)
        return wrong_with(life, ada, JobStatus.COMPLETED) or tried_again(jobs.get(life.job_id))

    each_call(studio, live, lose_answer, at_least=20)


def test_a_process_that_dies_after_any_call_for_a_provider_pays_once_or_fails_uncharged(studio: Studio) -> None:
    """A process that dies between the intent and the ticket leaves a submission that nobody can confirm."""
    ada, project = rich(studio)
    failed: list[str] = []

    def live(hook: Fault) -> str | None:
        life = remote_life(ada, project, hook)
        error = jobs.get(life.job_id).error
        if error and "did not confirm" in error:
            failed.append(error)
            return wrong_with(life, ada, JobStatus.FAILED)
        return wrong_with(life, ada, JobStatus.COMPLETED)

    each_call(studio, live, lambda _: studio.cloud.die(), at_least=20)
    assert len(failed) == 1
