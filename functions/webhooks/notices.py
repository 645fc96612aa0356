"""The events of webhooks, in the form of Standard Webhooks: `type`, `timestamp` and `data`.

An event has ids and states and no signed URLs, because a retry can arrive a day later. `GET /api/jobs/{id}` has the
newest state and URLs.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.core.wire import View
from shared.jobs.record import JobStatus
from shared.stages.stages import Stage


class WebhookJob(View):
    """A job that has ended."""

    id: str
    project_id: str
    organization_id: str | None = Field(description="The organization whose account has the job.")
    status: JobStatus
    error: str | None
    test: bool = Field(description="true: a test key submitted the job. Nothing is charged.")
    credits: int = Field(description="The credits that the job cost. They are charged only if it is COMPLETED.")
    created_at: datetime
    completed_at: datetime | None


class WebhookStep(View):
    """One step of a job that has its result."""

    job_id: str
    project_id: str
    organization_id: str | None
    step_id: str
    step_type: Stage
    engine: str


class WebhookCredits(View):
    """The credits of an account."""

    organization_id: str | None = Field(description="null for a user's own account.")
    available: int = Field(description="Credits that can be spent.")


class WebhookEvent(View):
    """Base of all events."""

    timestamp: datetime


class JobCompletedNotice(WebhookEvent):
    """The film is ready, and its credits are charged."""

    type: Literal["job.completed"] = "job.completed"
    data: WebhookJob


class JobFailedNotice(WebhookEvent):
    """The job failed. Nothing is charged."""

    type: Literal["job.failed"] = "job.failed"
    data: WebhookJob


class JobCancelledNotice(WebhookEvent):
    """A user cancelled the job. Nothing is charged."""

    type: Literal["job.cancelled"] = "job.cancelled"
    data: WebhookJob


class StepCompletedNotice(WebhookEvent):
    """One step of a job has its result."""

    type: Literal["step.completed"] = "step.completed"
    data: WebhookStep


class CreditsLowNotice(WebhookEvent):
    """A job was submitted, and the account has few credits left. An account gets it at most once a day (UTC)."""

    type: Literal["credits.low"] = "credits.low"
    data: WebhookCredits


class TestNotice(WebhookEvent):
    """An event that a user requested with `testWebhook`."""

    type: Literal["webhook.test"] = "webhook.test"
    data: dict[str, str] = Field(description="Nothing.", max_length=0)


JobNotice = JobCompletedNotice | JobFailedNotice | JobCancelledNotice | StepCompletedNotice
Notice = JobNotice | CreditsLowNotice | TestNotice
