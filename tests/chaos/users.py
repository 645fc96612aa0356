"""The users of a storm: they submit jobs over HTTP, follow them over sockets, cancel and delete them."""

import asyncio
import json
import os
from asyncio import sleep, timeout
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import boto3
import httpx

from local.cloud import PLANS
from local.environment import MEDIA_BUCKET
from local.studio import newest_token
from shared.assets.record import AssetRecord, AssetStatus, AssetType
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.credits.record import AccountRecord, LedgerRecord
from shared.stages.stages import Role, Stage
from shared.subscriptions.record import SubscriptionRecord
from tests.chaos.plan import StormPlan

Json = dict[str, Any]
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}
GRANT = 100_000
REQUEST_SECONDS = 40
MAX_PAUSE_SECONDS = 5.0
ASSETS = {Role.PICTURE: AssetType.IMAGE, Role.DRIVING: AssetType.VIDEO, Role.AUDIO: AssetType.AUDIO}
STEPS = ("", *Stage)
REMOTE = {"settings": {"engines": {Stage.VIDEO_SYNTHESIS.value: "fal-kling"}}}


@dataclass
class Story:
    """All that a user did with one job and saw of it."""

    body: Json
    key: str = field(default_factory=lambda: uuid4().hex)
    job_ids: set[str] = field(default_factory=set)  # one, however often the request was repeated
    events: list[Json] = field(default_factory=list)  # those with a higher `seq` than all before
    last: Json = field(default_factory=dict)  # the job after its end, unless it was deleted
    waited: bool = False  # for a slot
    cancelled: bool = False  # the API answered that the job is cancelled
    deleted: bool = False
    faults: list[str] = field(default_factory=list)  # violations that the user saw

    @property
    def job_id(self) -> str:
        return next(iter(self.job_ids), "")

    @property
    def step(self) -> str:
        """The step that the user saw last, or an empty string."""
        seen = (event.get("currentStep") or event.get("job", {}).get("currentStep") for event in reversed(self.events))
        return next(filter(None, seen), "")

    @property
    def remote(self) -> bool:
        return "settings" in self.body


class User:
    """One signed-in user. Each request is repeated until it is answered without a server error."""

    def __init__(self, session: aiohttp.ClientSession, plan: StormPlan) -> None:
        self.account_id = self._token = self._project = ""
        self._session, self._plan = session, plan
        self._login = {"email": f"{uuid4().hex}@example.com", "password": uuid4().hex}
        self._assets: dict[Role, str] = {}
        self._signing_in = asyncio.Lock()

    async def sign_up(self) -> None:
        """Register, with credits for all jobs, one file of each kind, and perhaps a paid plan."""
        await self.call("POST", "/api/auth/register", self._login)
        token = await asyncio.to_thread(self._mailed)
        await self.call("POST", "/api/auth/verify-email", {"token": token})
        await self._sign_in()
        _, me = await self.call("GET", "/api/auth/me")
        self.account_id = me["id"]  # each user owns the account with the same id
        await asyncio.to_thread(self._provide, me["id"], PLANS[self._plan.random.randrange(2)])
        _, project = await self.call("POST", "/api/projects", {"name": "storm"}, key=uuid4().hex)
        self._project = project["id"]

    def _mailed(self) -> str | None:
        outbox = httpx.get(f"{os.environ['AWS_ENDPOINT_URL']}/outbox", trust_env=False).json()
        return newest_token(outbox, self._login["email"])

    def _provide(self, user_id: str, plan: str) -> None:
        at = utc_now()
        with transaction() as tx:
            account = AccountRecord(self.account_id)
            given = [AccountRecord.available.add(GRANT)]
            tx.update(account, given, AccountRecord.available.exists(), otherwise=LookupError())
            tx.put(
                LedgerRecord(self.account_id, "storm", credits=GRANT, reason="storm", at=at), otherwise=LookupError()
            )
        SubscriptionRecord(self.account_id, plan=plan, status="ACTIVE", updated_at=at).save()
        for role, kind in ASSETS.items():
            asset_id = new_id("ast")
            key = f"assets/{asset_id}/file"
            boto3.client("s3").put_object(Bucket=MEDIA_BUCKET, Key=key, Body=f"{role} of {user_id}".encode())
            AssetRecord(
                asset_id,
                account_id=self.account_id,
                owner_id=user_id,
                name=role,
                type=kind,
                status=AssetStatus.READY,
                media_type="application/octet-stream",
                size=10,
                duration=5 if role is Role.DRIVING else None,
                key=key,
                created_at=at,
            ).save()
            self._assets[role] = asset_id

    async def _sign_in(self, refused: str = "") -> None:
        """Get a new token, unless another request has replaced the refused one."""
        async with self._signing_in:
            if self._token == refused:
                _, answer = await self.call("POST", "/api/auth/login", self._login, anonymous=True)
                self._token = answer["accessToken"]

    async def call(
        self, method: str, path: str, body: Json | None = None, *, key: str = "", anonymous: bool = False
    ) -> tuple[int, Json]:
        """Send a request until it is answered without a server error, and return status and body."""
        pause = 0.1
        while True:
            token = "" if anonymous else self._token
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            headers |= {"Idempotency-Key": key} if key else {}
            lost = self._plan.choose(["user: answer lost"], f"{method} {path.split('/')[2]}") if key else None
            seconds = self._plan.random.uniform(0.005, 0.1) if lost else REQUEST_SECONDS
            try:
                async with (
                    timeout(seconds),
                    self._session.request(method, path, json=body, headers=headers) as answer,
                ):
                    found = await answer.json(content_type=None) if answer.status != 204 else {}
                    if answer.status == 401 and token:
                        await self._sign_in(token)
                    elif answer.status < 500 and answer.status != 429:
                        return answer.status, found or {}
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                pass
            await sleep(pause)
            pause = min(MAX_PAUSE_SECONDS, 2 * pause)

    def story(self) -> Story:
        """Return a new job: with a painted picture or an own one, a driving clip, sound, or a remote engine."""
        chosen: dict[Role, str] = {
            role: asset for role, asset in self._assets.items() if self._plan.random.random() < 0.3
        }
        body: Json = {"projectId": self._project, "prompt": f"storm {uuid4().hex}"}
        if self._plan.random.random() < 0.15:
            return Story(body | REMOTE)
        return Story(body | {"inputs": [{"role": role.value, "assetId": asset} for role, asset in chosen.items()]})

    async def live(self, story: Story) -> None:
        """Submit the job, follow it to its end, and perhaps cancel or delete it meanwhile or afterwards."""
        status, job = await self.call("POST", "/api/jobs", story.body, key=story.key)
        if status != 202:
            story.faults.append(f"submit was answered with {status} {job.get('code')}")
            return
        story.job_ids.add(job["id"])
        if self._plan.random.random() < 0.2:  # a client that does not trust the first answer
            story.job_ids.add((await self.call("POST", "/api/jobs", story.body, key=story.key))[1]["id"])
        following = asyncio.create_task(self._follow(story))
        try:
            if self._plan.due("user: cancels") and self._plan.random.random() < 0.25:
                await self._wait_for_step(story, self._plan.random.choice(STEPS))
                if self._plan.due("user: cancels"):  # others have cancelled meanwhile
                    await self._cancel(story)
            await following
        finally:
            following.cancel()
        await self._check_end(story)
        if not story.deleted and self._plan.due("user: deletes") and self._plan.random.random() < 0.1:
            await self._delete(story)

    async def _wait_for_step(self, story: Story, step: str) -> None:
        """Wait until the user sees this step or a later one, or the end, and then for up to a second."""
        while STEPS.index(story.step) < STEPS.index(step) and not _terminal(story.events):
            await sleep(0.1)
        await sleep(self._plan.random.random())

    async def _cancel(self, story: Story) -> None:
        place = story.step or "no step"
        status, _ = await self.call("POST", f"/api/jobs/{story.job_id}/cancel")
        if status == 409:  # it has completed or failed
            return
        self._plan.note("user: cancels", place, story.job_id)
        if status != 200:
            story.faults.append(f"cancel was answered with {status}")
        story.cancelled = True
        if self._plan.due("user: deletes") and self._plan.random.random() < 0.5:
            await self._delete(story)

    async def _delete(self, story: Story) -> None:
        story.deleted = True
        status, job = await self.call("DELETE", f"/api/jobs/{story.job_id}")
        if status not in {204, 404}:  # 404 if the answer of the first try was lost
            story.faults.append(f"delete was answered with {status} {job.get('code')}")
        self._plan.note("user: deletes", "a cancelled job" if story.cancelled else "an ended job", story.job_id)

    async def _follow(self, story: Story) -> None:
        """Receive events until the job has ended. Connect again after each lost connection."""
        while not _terminal(story.events):
            try:
                await self._connected(story)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                await sleep(0.3)
            if not _terminal(story.events):
                status, job = await self.call("GET", f"/api/jobs/{story.job_id}")
                if status == 404 and story.deleted:
                    return
                if status == 200:
                    _see(story, {"type": "job.snapshot", "seq": job["seq"], "job": job})

    async def _connected(self, story: Story) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._session.ws_connect("/ws", headers=headers, timeout=aiohttp.ClientWSTimeout(ws_close=1)) as ws:
            await ws.send_json({"type": "subscribe", "channel": f"job:{story.job_id}"})
            early: list[Json] | None = []
            quiet = 20.0
            while True:
                message = await ws.receive(quiet)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                event = json.loads(message.data)
                if "seq" not in event:
                    continue
                if event["type"] == "job.snapshot":
                    for one in (event, *(early or ())):
                        _see(story, one)
                    early = None
                elif early is not None:
                    early.append(event)
                else:
                    _see(story, event)
                if _terminal(story.events):
                    quiet = 1.0  # no event may follow
                elif self._plan.choose(["user: socket dropped"], str(event["type"]), job_id=story.job_id):
                    return

    async def _check_end(self, story: Story) -> None:
        """Compare the last event with the stored job."""
        if story.deleted:
            return
        status, job = await self.call("GET", f"/api/jobs/{story.job_id}")
        if status != 200:
            story.faults.append(f"the ended job was answered with {status}")
            return
        story.last = job
        last = story.events[-1]
        if (last["seq"], _status(last)) != (job["seq"], job["status"]):
            story.faults.append(
                f"the last event is {last['seq']} {_status(last)}, the job {job['seq']} {job['status']}"
            )
        if story.cancelled and job["status"] != "CANCELLED":
            story.faults.append(f"the job was cancelled, and is {job['status']}")


def _see(story: Story, event: Json) -> None:
    """Store an event, unless its `seq` is not above the last one. No event may follow the terminal one."""
    if story.events and event["seq"] <= story.events[-1]["seq"]:
        return
    story.waited |= event.get("job", {}).get("queuePosition") is not None
    if _terminal(story.events):
        story.faults.append(f"{event['type']} {event['seq']} followed the terminal event")
    story.events.append(event)


def _status(event: Json) -> str:
    names = {"job.completed": "COMPLETED", "job.failed": "FAILED"}
    return names.get(event["type"]) or event.get("job", event).get("status") or ""


def _terminal(events: list[Json]) -> bool:
    return any(_status(event) in ENDED for event in events[-1:])
