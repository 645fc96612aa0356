"""An update of a deployment with jobs in flight, and the judgement of what became of them."""

import signal
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from functions.upkeep.audit import findings
from functions.upkeep.sweep import sweep
from local.processes import Lifeline, Process, stop_all
from local.studio import StudioClient
from shared.assets.record import AssetStatus
from shared.assets.store import assets
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.clips import driving_clip, picture
from tools.cross_check.deployment import (
    SOCKET_VARIABLE,
    addresses,
    deploy,
    headers_of_cloudfront,
    set_variable,
    worker_processes,
)
from tools.cross_check.emulator import Emulator
from tools.cross_check.films import FILM, decoded
from tools.upgrade_check.release import Release

IMAGE, VIDEO, MOTION, POST = Stage
START_SECONDS, STOP_SECONDS, STEP_SECONDS, END_SECONDS = 60, 30, 90, 240
REST_SECONDS = 60  # maximum time until the queues are empty after the end of the last job
KILLED = "claimed by a worker that was killed"
FOLLOWED = "waits for image generation"  # the subscriber receives the events of this job
REFUSED = "message not handled"  # the line of a worker that leaves a message to SQS


class ReleaseWorkers:
    """The workers of one release, by name."""

    def __init__(self, release: Release, cloud: Emulator, folder: Path, lifeline: Lifeline) -> None:
        self._made = worker_processes(release.assembly, cloud, folder, lifeline, release.root)

    def __getitem__(self, name: str) -> Process:
        return self._made[name]

    def start(self, *names: str) -> None:
        for name in names:
            self._made[name].start()
        for name in names:
            self._made[name].wait_ready(START_SECONDS)

    def stop(self, name: str) -> None:
        """Send SIGTERM and wait until the worker ends by itself."""
        self._made[name].send_signal(signal.SIGTERM)
        if not self._made[name].ended(STOP_SECONDS):
            raise TimeoutError(f"the worker {name} did not end {STOP_SECONDS} s after SIGTERM")

    def stop_all(self) -> None:
        running = [process for process in self._made.values() if process.alive]
        for process in running:
            process.send_signal(signal.SIGCONT)
        stop_all(running)


class Crossing:
    """The jobs of two creators, by the point at which the update meets them."""

    def __init__(self, rest: str, socket: str, folder: Path) -> None:
        self.free, self.paid = (StudioClient(rest, socket) for _ in range(2))
        self._folder = folder
        self._projects: dict[StudioClient, str] = {}
        self.jobs: dict[str, str] = {}  # point: job id
        self.events: list[dict[str, Any]] = []
        self.late_asset = ""

    def add_headers(self, headers: dict[str, str]) -> None:
        for studio in (self.free, self.paid):
            studio.add_headers(headers)

    def arrive(self) -> None:
        for studio in (self.free, self.paid):
            studio.sign_up(f"{uuid4().hex}@example.com", uuid4().hex)
            self._projects[studio] = studio.create_project("Upgrade")
        subscriptions.put(self.paid.me()["id"], PlanType.PRO, SubscriptionStatus.ACTIVE, at=utc_now())

    def submit(self, point: str, studio: StudioClient, *inputs: dict[str, str], **more: Any) -> str:
        """Submit a job, and return its id."""
        body = {**FILM, "projectId": self._projects[studio], "inputs": list(inputs), **more}
        self.jobs[point] = str(studio.submit(body)["id"])
        return self.jobs[point]

    def prepare(self, workers: ReleaseWorkers) -> None:
        """Bring a job to each point with the workers of the first release, and stop them.

        The plan of the free creator allows two jobs at once. The jobs of the paid creator use the priority queues.
        """
        workers.start(VERIFICATION_QUEUE, VIDEO.queue)
        photo, clip = picture(self._folder / "photo.jpg"), driving_clip(self._folder / "clip.mp4", seconds=3)
        uploads = [
            studio.begin_upload(path) for studio, path in ((self.free, photo), (self.paid, photo), (self.paid, clip))
        ]
        wait("verification", lambda: all(assets.get(one).status == AssetStatus.READY for one in uploads))
        workers.stop(VERIFICATION_QUEUE)
        self.late_asset = self.free.begin_upload(photo)
        free, paid = ({"role": "picture", "assetId": one} for one in uploads[:2])
        driving = {"role": "driving", "assetId": uploads[2]}
        films = [self.submit(f"film {number}", self.paid, paid) for number in (1, 2)]
        driven = self.submit("waits for motion transfer", self.paid, paid, driving, presetId="static")
        wait("clips", lambda: all(status(one, VIDEO) == JobStatus.COMPLETED for one in (*films, driven)))
        killed = self.submit(KILLED, self.paid, paid)
        wait("claim", lambda: status(killed, VIDEO) == JobStatus.RUNNING)
        workers[VIDEO.queue].kill()
        self.submit("waits for video synthesis", self.free, free)
        self.submit(FOLLOWED, self.free)
        self.submit("waits in a priority queue", self.paid)
        workers.start(POST.queue)
        wait("claim of a film", lambda: any(status(one, POST) == JobStatus.RUNNING for one in films))
        workers[POST.queue].send_signal(signal.SIGSTOP)

    def follow(self) -> Thread:
        """Receive the events of a job in a thread, which alone uses the free creator's client meanwhile."""

        def receive() -> None:
            self.events.extend(self.free.events(self.jobs[FOLLOWED]))

        thread = Thread(target=receive, daemon=True)
        thread.start()
        wait("subscription", lambda: bool(self.events))
        return thread


def cross(first: Release, second: Release, cloud: Emulator, folder: Path) -> list[str]:
    """Deploy the first release, update it to the second one with jobs in flight, and return all faults."""
    for _ in deploy(first.assembly, cloud, cloud.variables | first.variables):
        pass
    rest, socket = addresses(cloud, first.assembly)
    set_variable(cloud, SOCKET_VARIABLE, socket)
    lifeline = Lifeline()
    old, new = (ReleaseWorkers(one, cloud, folder / one.name.replace(" ", "-"), lifeline) for one in (first, second))
    crossing = Crossing(rest, socket.replace("http", "ws", 1), folder)
    try:
        with closing(crossing.free), closing(crossing.paid):
            crossing.add_headers(headers_of_cloudfront(cloud))
            crossing.arrive()
            crossing.prepare(old)
            following = crossing.follow()
            report("in flight", crossing)
            began = monotonic()
            for name, resources, seconds in deploy(
                second.assembly, cloud, cloud.variables | second.variables | {SOCKET_VARIABLE: socket}, update=True
            ):
                print(f"  {name}: {resources} resources updated in {seconds:.1f} s", flush=True)
            crossing.add_headers(headers_of_cloudfront(cloud))
            print(f"  updated after {monotonic() - began:.0f} s", flush=True)
            together(crossing, old, new)
            with suppress(TimeoutError):  # then the faults name the jobs
                wait("the ends of all jobs", lambda: all(map(jobs.is_over, crossing.jobs.values())), END_SECONDS)
            following.join(STEP_SECONDS)
            report("at the end", crossing)
            return list(faults(crossing, cloud, folder))
    finally:
        old.stop_all()
        new.stop_all()
        lifeline.cut()


def together(crossing: Crossing, old: ReleaseWorkers, new: ReleaseWorkers) -> None:
    """Let workers of both releases read the same queues, with messages of both. Then stop those of the first one."""
    crossing.submit("submitted after the update", crossing.paid)
    old[POST.queue].send_signal(signal.SIGCONT)
    new.start(VERIFICATION_QUEUE, *(stage.queue for stage in (IMAGE, VIDEO, MOTION)))
    fresh = crossing.jobs[KILLED]
    log = old[POST.queue].log

    def received() -> bool:
        """Return whether the worker of the first release has received a message of the second one."""
        return REFUSED in log.read_text() or status(fresh, POST) in {JobStatus.RUNNING, JobStatus.COMPLETED}

    with suppress(TimeoutError):  # a release whose steps do not get so far has faults
        wait("a new message for an old worker", received)
    print(f"  the old worker refused {log.read_text().count(REFUSED)} messages", flush=True)
    new.start(POST.queue)
    old.stop(POST.queue)


def faults(crossing: Crossing, cloud: Emulator, folder: Path) -> Iterator[str]:
    owners = {studio.me()["id"]: studio for studio in (crossing.free, crossing.paid)}
    for point, job_id in crossing.jobs.items():
        job = owners[jobs.get(job_id).account_id].job(job_id)
        if job["status"] != JobStatus.COMPLETED:
            yield f"{point}: {job['status']}, {job['error']}"
        elif decoded(job, cloud, folder / "film.mp4") != 24:
            yield f"{point}: the film has another length"
    for account in map(credits.account, owners):
        own = (job for job in map(jobs.get, crossing.jobs.values()) if job.account_id == account.account_id)
        charged = sum(int(job.credits) for job in own)
        if (account.available, account.held) != (100 - charged, 0):
            yield f"{account.available} credits are left and {account.held} held of 100, after {charged} for jobs"
    if (asset := assets.get(crossing.late_asset)).status != AssetStatus.READY:
        yield f"the asset under verification is {asset.status}"
    if not crossing.events or crossing.events[-1]["type"] != "job.completed":
        yield f"the subscriber received {[event['type'] for event in crossing.events][-3:]}"
    at, until = utc_now() + timedelta(hours=25), monotonic() + REST_SECONDS
    with redirect_stdout(StringIO()):  # its metrics
        while not sweep(at)["complete"]:  # it deletes what becomes unnamed in the life of each job
            pass
    while (found := list(findings(at, at_rest=True))) and monotonic() < until:
        sleep(2)
    yield from (f"{one.invariant} {one.subject}: {one.sentence}" for one in found)


def report(moment: str, crossing: Crossing) -> None:
    for point, job_id in crossing.jobs.items():
        job = jobs.get(job_id)
        steps = ", ".join(f"{stage} {step.status} ({step.attempts})" for stage, step in job.planned())
        print(f"  {moment}: {point}: {job.status}: {steps}", flush=True)


def status(job_id: str, stage: Stage) -> str:
    return jobs.get(job_id).step(stage).status


def wait(what: str, done: Callable[[], bool], seconds: float = STEP_SECONDS) -> None:
    """Wait until it is done. Raise TimeoutError."""
    until = monotonic() + seconds
    while not done():
        if monotonic() > until:
            raise TimeoutError(f"{what}: not after {seconds} s")
        sleep(0.2)
