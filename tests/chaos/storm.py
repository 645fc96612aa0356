"""A storm: users, faults and outages at once; then calm, until all is at rest; then the judgement."""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import aiohttp

from local.cloud import START_SECONDS
from tests.chaos.cloud import LEASE_SECONDS, StormCloud, storm_cloud
from tests.chaos.judge import KINDS, Judgement, judge, waiting
from tests.chaos.plan import OUTAGES, PAUSED, RARELY_POSSIBLE, RESTARTED, SERVICES, StormPlan
from tests.chaos.proxy import Proxy
from tests.chaos.users import Story, User
from tests.support.fal import Fal, Reply, fal

WORKERS = 12
USERS = 10
JOBS_OF_A_USER = 4  # at once: more than an account of the FREE plan has slots
STUCK_SECONDS = 360  # maximum time from the last submit until all jobs have ended, and queues and stream are read
SHORTEST_OUTAGE_SECONDS = 30
LONGEST_OUTAGE_SECONDS = 120
PAUSE_SECONDS = 8.0  # of moto
REST_SECONDS = 20  # before the judgement: several sweeps, which do what the last processes left


@dataclass(frozen=True)
class Report:
    """The result of a storm."""

    jobs: int
    faults: int
    seed: int
    seconds: float
    cpu_seconds: float  # of all processes of the storm
    load: float  # of the machine, in the last 5 minutes
    plan: StormPlan
    judgement: Judgement

    @property
    def good(self) -> bool:
        return not any(self.judgement.violations.values())

    def markdown(self) -> str:
        """Return the report as Markdown."""
        fired = sum(self.plan.fired.values())
        lines = [
            f"# {self.jobs} jobs, {fired} faults, seed {self.seed}, {self.seconds:.0f} s",
            "",
            f"{self.cpu_seconds:.0f} s of CPU time. Load average {self.load:.1f}, {os.cpu_count()} CPUs.",
            "",
            "| fault | planned | fired | where | jobs that it hit |",
            "|---|---|---|---|---|",
            *(f"| {' | '.join(map(str, row))} |" for row in self.plan.rows(self.judgement.end_of)),
            "",
            f"Fired less often than planned: {', '.join(self.plan.missed()) or 'none'}.",
            "",
            "| end of the jobs | number |",
            "|---|---|",
            *(f"| {end} | {number} |" for end, number in sorted(self.judgement.ends.items())),
            "",
            f"{self.judgement.waited} jobs waited for a slot.",
            "",
            f"The sweep deleted {self.judgement.swept} objects and rows that no record named.",
            "",
            "| violation | number |",
            "|---|---|",
            *(f"| {kind} | {len(self.judgement.violations[kind])} |" for kind in KINDS),
            "",
        ]
        details = [f"- {kind}: {one}" for kind, found in self.judgement.violations.items() for one in found]
        return "\n".join([*lines, *details, ""])


async def storm(jobs: int, faults: int, seed: int, folder: Path, only: str = "") -> Report:
    """Run `jobs` jobs under `faults` faults whose name contains `only`, and judge what is left."""
    plan, began = StormPlan(seed, faults, only), monotonic()
    with provider(plan) as fal_server, storm_cloud(folder, fal_server.url, WORKERS) as cloud:
        proxy = Proxy(cloud.moto_url, plan, LEASE_SECONDS)
        await proxy.start(cloud.proxy)
        cloud.gateway.start()
        cloud.start_workers()
        await asyncio.to_thread(cloud.gateway.wait_ready, START_SECONDS)
        stories = await _run(cloud, proxy, plan, jobs, folder)
        await asyncio.sleep(REST_SECONDS)
        cloud.workers.kill()
        cloud.gateway.kill()
        judgement = await asyncio.to_thread(judge, stories, proxy.doomed, list(fal_server.accepted))
        await proxy.stop()
    used = os.times()
    cpu_seconds = used.user + used.system + used.children_user + used.children_system
    return Report(jobs, faults, seed, monotonic() - began, cpu_seconds, os.getloadavg()[1], plan, judgement)


async def _run(cloud: StormCloud, proxy: Proxy, plan: StormPlan, jobs: int, folder: Path) -> list[Story]:
    """Let the users live and the services fail. Return the stories when all is at rest, or too late for that."""
    stories: list[Story] = []
    ended: list[Story] = []

    async def live(user: User) -> None:
        while len(stories) < jobs:  # a user whose jobs do not wait has more of them
            story = user.story()
            stories.append(story)
            plan.progress += 0.5 / jobs
            await user.live(story)
            ended.append(story)
            plan.progress += 0.5 / jobs

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(cloud.api_url, connector=connector) as session:
        users = [User(session, plan) for _ in range(USERS)]
        await asyncio.gather(*(user.sign_up() for user in users))
        lanes = (*plan.lanes, (PAUSED, RESTARTED))  # of each lane, one fault lasts at a time
        trouble = [asyncio.create_task(_trouble(cloud, proxy, plan, lane)) for lane in lanes]
        lives = [asyncio.create_task(live(user)) for user in users for _ in range(JOBS_OF_A_USER)]
        last = monotonic()
        while (unfinished := [life for life in lives if not life.done()]) and monotonic() < last + STUCK_SECONDS:
            if len(stories) < jobs or proxy.down:
                last = monotonic()
            down = f", no {' and no '.join(proxy.down)}" if proxy.down else ""
            _say(f"{len(ended)} of {len(stories)} jobs ended, {plan.fired.total()} faults{down}")
            await asyncio.wait(unfinished, timeout=10)
        plan.calm = True
        await asyncio.gather(*trouble)
        for life in lives:
            life.cancel()
        for result in await asyncio.gather(*lives, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
    while await asyncio.to_thread(_is_busy, folder) and monotonic() < last + STUCK_SECONDS:
        await asyncio.sleep(2)
    return stories


def _is_busy(folder: Path) -> bool:
    """Return whether a queue has messages, or one reader of the stream is behind the other."""
    positions = {file.read_text() for file in folder.glob("stream-position.*")}
    return len(positions) > 1 or any(waiting().values())


async def _trouble(cloud: StormCloud, proxy: Proxy, plan: StormPlan, lane: Sequence[str]) -> None:
    """Cause these faults one after the other, each as soon as it is due."""
    while plan.progress < 0.9 and not plan.calm:
        await asyncio.sleep(plan.random.uniform(1, 3))
        if not (due := [fault for fault in lane if plan.due(fault)]):
            continue
        fault = plan.random.choice(due)
        if fault == RESTARTED:
            plan.note(fault, "")
            await asyncio.to_thread(cloud.gateway.restart, START_SECONDS + LONGEST_OUTAGE_SECONDS)  # it starts in one
        elif fault == PAUSED:
            plan.note(fault, f"{PAUSE_SECONDS:.0f} s")
            cloud.pause_moto(on=True)
            await asyncio.sleep(PAUSE_SECONDS)
            cloud.pause_moto(on=False)
        else:
            shortest, longest = SHORTEST_OUTAGE_SECONDS, LONGEST_OUTAGE_SECONDS if plan.targets[fault] > 1 else 60
            seconds = round(plan.random.triangular(shortest, longest, shortest))
            service = SERVICES[OUTAGES.index(fault)]
            plan.note(fault, f"{seconds} s")
            proxy.down.add(service)
            await asyncio.sleep(seconds)
            proxy.down.remove(service)


class _Replies(list[Reply]):
    """The scripted answers to one kind of request: empty, except when the plan has a fault for the request."""

    def __init__(self, plan: StormPlan, replies: dict[str, Reply]) -> None:
        super().__init__()
        self._plan, self._replies = plan, replies

    def __bool__(self) -> bool:
        fault = self._plan.choose([*self._replies], "", RARELY_POSSIBLE)
        if fault:
            self.append(self._replies[fault])
        return fault is not None


@contextmanager
def provider(plan: StormPlan) -> Iterator[Fal]:
    """Run a provider that fails as planned."""
    with fal() as server:
        soon = {"Retry-After": "1"}
        submits = {"provider: busy": Reply(429, headers=soon), "provider: submission not confirmed": Reply(drop=True)}
        server.submits = _Replies(plan, submits)
        server.statuses = _Replies(plan, {"provider: poll fails": Reply(503, headers=soon)})
        server.files = _Replies(plan, {"provider: clip not served": Reply(503, headers=soon)})
        yield server


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
