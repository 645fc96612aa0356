"""The creator's own defaults of a job: preset and aspect ratio (`/api/settings`)."""

from functions.jobs.schemas import JobCreate
from shared.members.actor import Actor
from shared.presets.presets import presets
from shared.presets.store import stored_presets
from shared.projects.store import projects
from shared.stages.stages import Role
from shared.users.store import UserNotFound, users


def with_defaults(body: JobCreate, caller: Actor) -> tuple[JobCreate, tuple[str, ...] | None]:
    """Return the request with the creator's defaults in place of absent fields, and the names of these fields.

    A picture has a ratio of its own. A default preset that the account of the project cannot use, or that is deleted,
    is left out. The names are None if the creator has chosen nothing for the absent fields.
    """
    no_preset = "preset_id" not in body.model_fields_set
    no_ratio = "aspect_ratio" not in body.settings.model_fields_set and all(
        given.role is not Role.PICTURE for given in body.inputs
    )
    if not (no_preset or no_ratio):
        return body, None
    try:
        user = users.get(caller.user_id)
    except UserNotFound:  # it is being deleted, and its token has not expired
        return body, None
    filled: list[str] = []
    changes: dict[str, object] = {}
    preset_id = user.default_preset_id if no_preset else None
    if preset_id and _can_use(preset_id, body.project_id, caller):
        changes["preset_id"] = preset_id
        filled.append("presetId")
    if no_ratio and user.default_aspect_ratio:
        ratio = {"aspect_ratio": user.default_aspect_ratio}
        changes["settings"] = body.settings.model_copy(update=ratio)
        filled.append("settings.aspectRatio")
    return body.model_copy(update=changes), tuple(filled) or None


def _can_use(preset_id: str, project_id: str, caller: Actor) -> bool:
    """Return whether the account of the project can use the preset. A built-in preset needs no read."""
    if preset_id in presets():
        return True
    return stored_presets.can_use(preset_id, accounts={projects.get(project_id, accounts=caller).account_id})
