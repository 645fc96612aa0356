"""The bodies and views of `/api/webhooks`."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from shared.core.ids import organization_of
from shared.core.wire import Change, Id, View, Wire
from shared.egress.addresses import UnsafeUrl, checked_url, open_hosts
from shared.webhooks.record import (
    DeliveryStatus,
    DisabledBecause,
    WebhookDeliveryRecord,
    WebhookEventType,
    WebhookRecord,
)

_URL = "https://example.com/kinora"
_EVENTS: list[JsonValue] = ["job.completed", "job.failed"]


def _reachable(url: str) -> str:
    try:
        return checked_url(url, open_to=open_hosts())
    except UnsafeUrl as refused:
        raise ValueError(refused.detail) from None


EndpointUrl = Annotated[
    str,
    Field(max_length=2000),
    AfterValidator(_reachable),
    WithJsonSchema(
        {
            "type": "string",
            "format": "uri",
            "maxLength": 2000,
            "examples": [_URL],
            "description": "A URL with https:// on the public Internet.",
        }
    ),
]
Events = Annotated[
    list[WebhookEventType],
    Field(min_length=1, max_length=len(WebhookEventType), examples=[_EVENTS], description="The events to receive."),
]


class WebhookCreate(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"url": _URL, "events": _EVENTS}]})

    url: EndpointUrl
    events: Events
    organization_id: Id | None = Field(
        default=None, description="An organization. Without it: the caller's own account."
    )


class WebhookUpdate(Wire):
    """A change. A field that is absent stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": _EVENTS, "enabled": True}]})

    url: Change[EndpointUrl] = None
    events: Change[Events] = None
    enabled: Change[StrictBool] = Field(default=None, description="true also enables a webhook that Kinora disabled.")

    @field_validator("url", "events", "enabled", mode="before")
    @classmethod
    def _not_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out")
        return value

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name a field to change")
        return self


class WebhookView(View):
    """An endpoint that receives events."""

    id: str
    organization_id: str | None
    url: str
    events: list[WebhookEventType]
    enabled: bool
    disabled_at: datetime | None
    disabled_because: DisabledBecause | None = Field(
        description="REQUEST: a user disabled it. FAILURES: no delivery succeeded for five days. GONE: it answered 410."
    )
    failing_since: datetime | None = Field(description="The first failed try after the last successful one.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: WebhookRecord, **more: str) -> Self:
        return cls(
            id=row.webhook_id,
            organization_id=organization_of(row.account_id),
            url=row.url,
            events=[WebhookEventType(event) for event in row.events],
            enabled=row.disabled_at is None,
            disabled_at=row.disabled_at,
            disabled_because=DisabledBecause(row.disabled_because) if row.disabled_because else None,
            failing_since=row.failing_since,
            created_at=row.created_at,
            updated_at=row.updated_at,
            **more,
        )


class NewWebhookView(WebhookView):
    secret: str = Field(description="The secret that signs the deliveries. It is shown here only.")


class DeliveryView(View):
    """An event for one webhook, with the outcome of its newest try."""

    id: str = Field(description="The header `webhook-id` of each try.")
    type: str = Field(examples=["job.completed"])
    status: DeliveryStatus
    attempts: int = Field(description="The number of tries since the begin, or since the last replay.")
    next_at: datetime | None = Field(description="The time of the next try.")
    answer_status: int | None = Field(description="The HTTP status of the last answer.")
    answer_text: str | None = Field(description="The first 1024 bytes of the last answer, or why there was none.")
    body: str = Field(description="The body of each try, as it is sent.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: WebhookDeliveryRecord) -> "DeliveryView":
        return cls(
            id=row.event_id,
            type=row.event_type,
            status=DeliveryStatus(row.status),
            attempts=int(row.attempts),
            next_at=row.next_at,
            answer_status=None if row.answer_status is None else int(row.answer_status),
            answer_text=row.answer_text,
            body=row.body,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
