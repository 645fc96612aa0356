"""The creator's own defaults of a job: preset and aspect ratio (`/api/settings`)."""

from functions.jobs.schemas import JobCreate
from shared.stages.stages import Role
from shared.users.store import UserNotFound, users


def with_defaults(body: JobCreate, user_id: str) -> tuple[JobCreate, tuple[str, ...] | None]:
    """Return the request with the creator's defaults in place of absent fields, and the names of these fields.

    A picture has a ratio of its own. The names are None if the creator has chosen nothing for the absent fields.
    """
    no_preset = "preset_id" not in body.model_fields_set
    no_ratio = "aspect_ratio" not in body.settings.model_fields_set and all(
        given.role is not Role.PICTURE for given in body.inputs
    )
    if not (no_preset or no_ratio):
        return body, None
    try:
        user = users.get(user_id)
    except UserNotFound:  # it is being deleted, and its token has not expired
        return body, None
    filled: list[str] = []
    changes: dict[str, object] = {}
    if no_preset and user.default_preset_id:
        changes["preset_id"] = user.default_preset_id
        filled.append("presetId")
    if no_ratio and user.default_aspect_ratio:
        ratio = {"aspect_ratio": user.default_aspect_ratio}
        changes["settings"] = body.settings.model_copy(update=ratio)
        filled.append("settings.aspectRatio")
    return body.model_copy(update=changes), tuple(filled) or None
