"""The requests of settings. They are attributes of the user."""

from datetime import datetime, timedelta

from functions.settings.schemas import Locale, NotificationsView, SettingsUpdate, SettingsView, Theme
from shared.assets.record import AssetStatus, AssetType
from shared.assets.store import AssetNotFound, AssetNotReady, assets
from shared.aws.media import MediaAccess
from shared.core.clock import utc_now
from shared.core.errors import Invalid
from shared.core.versions import IfMatch
from shared.mail import mail
from shared.mail.mail import MailUnavailable
from shared.mail.marks import marks
from shared.presets.presets import get_preset
from shared.proofs.mailing import not_often
from shared.proofs.proof import prove_password
from shared.users.record import UserRecord
from shared.users.registrations import REGISTRATION_LIFE, registrations
from shared.users.store import users

URL_LIFE = timedelta(hours=1)  # validity of the avatar's signed URL


def update(user_id: str, body: SettingsUpdate, expected: IfMatch) -> UserRecord:
    """Write the fields that the request names, after all checks, in one write."""
    user, at = users.get(user_id), utc_now()
    expected.check(user.etag)  # before an email is sent
    values: dict[str, object] = body.model_dump(exclude_unset=True, exclude={"email", "current_password"})
    switches = values.pop("notifications", {})
    values |= switches if isinstance(switches, dict) else dict.fromkeys(NotificationsView.model_fields)
    if body.avatar is not None:
        _check_avatar(body.avatar, user_id)
    if body.default_preset_id is not None:
        get_preset(body.default_preset_id)
    if "email" in body.model_fields_set:
        values |= _new_address(user, body, at)
    return users.change(user, values, at=at, expected=expected)


def _check_avatar(asset_id: str, user_id: str) -> None:
    asset = assets.get(asset_id, accounts={user_id})
    if asset.type != AssetType.IMAGE:
        raise Invalid("An avatar is a picture.")
    if asset.status != AssetStatus.READY:
        raise AssetNotReady(f"The asset {asset_id} is {asset.status}, not READY.")


def _new_address(user: UserRecord, body: SettingsUpdate, at: datetime) -> dict[str, object]:
    """Return the attributes of the new address, and send its link. Only messages differ for a taken address."""
    user_id, old, email = user.user_id, user.email, body.email
    if body.current_password is not None:
        prove_password(user_id, body.current_password.get_secret_value(), at=at)
    if email is None or email == old:
        return {"new_email": None, "new_email_until": None}
    if not mail.sends():
        raise MailUnavailable
    taken, token = users.id_by_email(email), registrations.new_address(email, user_id, at=at)
    not_often(email, lambda: mail.send_address_taken(email) if taken else mail.send_new_address(email, token=token), at)
    not_often(old, lambda: mail.send_address_changes(old, new=email), at)
    return {"new_email": email, "new_email_until": at + REGISTRATION_LIFE}


def view(user: UserRecord) -> SettingsView:
    at = utc_now()
    waits = user.new_email_until is not None and user.new_email_until > at
    return SettingsView(
        name=user.name,
        email=user.email,
        new_email=user.new_email if waits else None,
        email_refusal=marks.refusal(user.email, at=at),
        **_avatar(user, at),
        notifications=NotificationsView(
            film_completed=bool(user.film_completed),
            film_failed=bool(user.film_failed),
            low_credits=bool(user.low_credits),
        ),
        default_preset_id=user.default_preset_id,
        default_aspect_ratio=user.default_aspect_ratio,
        locale=Locale(user.locale) if user.locale else None,
        theme=Theme(user.theme or Theme.SYSTEM),
        updated_at=user.updated_at,
    )


def _avatar(user: UserRecord, at: datetime) -> dict[str, str | None]:
    """Return the id and the signed URL of the avatar, or None for both if its asset is deleted."""
    try:
        asset = assets.get(user.avatar, accounts={user.user_id}) if user.avatar else None
    except AssetNotFound:
        asset = None
    if asset is None or asset.key is None:
        return {"avatar": None, "avatar_url": None}
    return {"avatar": user.avatar, "avatar_url": MediaAccess(asset.prefix, at + URL_LIFE).url(asset.key)}
