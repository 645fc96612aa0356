"""`/api/settings`."""

from typing import Annotated

from fastapi import APIRouter

from functions.settings import service
from functions.settings.schemas import SettingsUpdate, SettingsView
from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.assets.store import AssetNotFound, AssetNotReady
from shared.core.versions import PreconditionFailed
from shared.guesses.store import TooManyGuesses
from shared.mail.mail import MailUnavailable
from shared.presets.presets import PresetNotFound
from shared.proofs.proof import WrongPassword
from shared.rest.caller import may
from shared.rest.etags import Change, Tag
from shared.rest.inline import Inline
from shared.rest.problem import problems
from shared.users.store import UserNotFound, users

router = APIRouter(prefix="/api/settings", tags=["settings"], route_class=Inline)

Read = Annotated[Principal, may(Permission.ACCOUNT_READ)]
Write = Annotated[Principal, may(Permission.ACCOUNT_WRITE)]


@router.get("", operation_id="getSettings", responses=problems(UserNotFound))
def get_settings(caller: Read, tag: Tag) -> SettingsView:
    """Read the caller's settings."""
    user = users.get(caller.user_id)
    return tag.on(user.etag, service.view(user))


@router.patch(
    "",
    operation_id="updateSettings",
    responses=problems(
        WrongPassword,
        TooManyGuesses,
        UserNotFound,
        AssetNotFound,
        AssetNotReady,
        PresetNotFound,
        MailUnavailable,
        PreconditionFailed,
    ),
)
def update_settings(body: SettingsUpdate, caller: Write, change: Change) -> SettingsView:
    """Change the caller's settings. A field that is absent stays as it is, and null restores its default.

    A new `email` needs `currentPassword`. It gets a link (`verifyEmail`), and is the account's address from then on.
    The old address gets a notice. `email: null` withdraws a new address that is not confirmed. The response is the same
    for each address.
    """
    user = service.update(caller.user_id, body, change.expected)
    return change.on(user.etag, service.view(user))
