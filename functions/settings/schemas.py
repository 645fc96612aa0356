"""The body and the view of `/api/settings`."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, EmailStr, Field, SecretStr, StrictBool, model_validator

from shared.core.wire import Id, Name, View, Wire
from shared.mail.marks import Refusal
from shared.stages.frames import AspectRatio


class Locale(StrEnum):
    """The language of the studio: the languages of prompts."""

    GERMAN = "de"
    ENGLISH = "en"
    SPANISH = "es"
    FRENCH = "fr"
    JAPANESE = "ja"
    CHINESE = "zh"


class Theme(StrEnum):
    SYSTEM = "SYSTEM"  # that of the device
    LIGHT = "LIGHT"
    DARK = "DARK"


class NotificationsUpdate(Wire):
    """The emails to switch on or off. The default of each one is off."""

    film_completed: StrictBool | None = Field(default=None, description="A film of yours is ready.")
    film_failed: StrictBool | None = Field(default=None, description="A film of yours could not be made.")
    low_credits: StrictBool | None = Field(
        default=None, description="A film of yours has left few credits on your own account; once in 30 days at most."
    )


class SettingsUpdate(Wire):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Ada",
                    "notifications": {"filmCompleted": True},
                    "defaultPresetId": "orbit-left",
                    "defaultAspectRatio": "9:16",
                    "theme": "DARK",
                }
            ],
            "minProperties": 1,
        }
    )

    name: Name | None = Field(default=None, min_length=1, max_length=120)
    avatar: Id | None = Field(
        default=None, examples=[None], description="The id of a READY picture asset of the caller's own account."
    )
    email: Annotated[EmailStr, Field(max_length=254), AfterValidator(str.lower)] | None = Field(
        default=None, examples=["ada@new.example.com"]
    )
    current_password: Annotated[SecretStr, Field(max_length=200)] | None = Field(
        default=None, examples=["correct horse battery"], description="Needed for a new address."
    )
    notifications: NotificationsUpdate | None = None
    default_preset_id: Id | None = Field(
        default=None,
        examples=["crash-zoom-in"],
        description="The preset of jobs that name none: one of the studio, or an own one.",
    )
    default_aspect_ratio: AspectRatio | None = Field(
        default=None,
        description="The ratio of jobs that name none. A job with a picture takes the ratio closest to its picture.",
    )
    locale: Locale | None = None
    theme: Theme | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> "SettingsUpdate":
        if not self.model_fields_set:
            raise ValueError("name a setting")
        if self.email and not self.current_password:
            raise ValueError("a new email needs currentPassword")
        return self


class NotificationsView(View):
    film_completed: bool
    film_failed: bool
    low_credits: bool


class SettingsView(View):
    name: str | None
    email: str
    new_email: str | None = Field(description="An address that is the account's once it is confirmed with its link.")
    email_refusal: Refusal | None = Field(
        description="Why the address gets no email. BOUNCED: the mailbox did not exist. COMPLAINED: its owner reported "
        "a message as spam. Another address gets email."
    )
    avatar: str | None = Field(description="The id of the asset.")
    avatar_url: str | None
    notifications: NotificationsView
    default_preset_id: str | None = Field(description="null also if the preset has been deleted.")
    default_aspect_ratio: AspectRatio | None
    locale: Locale | None
    theme: Theme
    updated_at: datetime
