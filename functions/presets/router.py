"""`/api/presets`: the presets of the studio are public, and those of accounts are private.

`/api/presets/own` are the presets of one account.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from functions.presets import service
from functions.presets.schemas import (
    OwnPresetCreate,
    OwnPresetUpdate,
    PresetCreate,
    PresetDuplicate,
    PresetUpdate,
    PresetView,
)
from shared.access.permissions import Permission
from shared.audit.admin import Admin
from shared.core.versions import PreconditionFailed
from shared.core.wire import Id
from shared.idempotency.store import KeyReused
from shared.members.actor import Actor, OrganizationNotFound
from shared.presets.presets import PresetNotFound
from shared.presets.store import PresetBuiltIn, TooManyPresets, stored_presets
from shared.quotas.classes import RouteClass
from shared.rest.actor import OrganizationId, acting
from shared.rest.admin import administering
from shared.rest.etags import Change, Tag, cacheable
from shared.rest.inline import Inline
from shared.rest.once import Once
from shared.rest.pagination import Page, whole
from shared.rest.problem import Responses, problems
from shared.rest.quota import counted

router = APIRouter(prefix="/api/presets", tags=["presets"], route_class=Inline)

Read = Annotated[Actor, acting(Permission.PRESETS_READ)]
Write = Annotated[Actor, acting(Permission.PRESETS_WRITE)]
AsAdmin = Annotated[Admin, administering(Permission.PRESETS_ADMIN)]

Text = Annotated[str | None, Query(max_length=100, description="Words that the name or the description contains.")]
InCategory = Annotated[str | None, Query(max_length=40)]

CACHED_SECONDS = 60  # maximum time until a change of the studio's presets is seen
_UNCHANGED: Responses = {304: {"description": "The caller has this version."}}


@router.get(
    "",
    operation_id="listPresets",
    response_model=Page[PresetView],
    responses=_UNCHANGED,
    dependencies=[counted(RouteClass.READ)],
)
def list_presets(request: Request, text: Text = None, category: InCategory = None) -> Response:
    """List the presets of the studio, all or those with these words and this category. Anybody may cache the list."""
    found = stored_presets.of_studio()
    views = (PresetView.of(preset) for preset in found if preset.fits(text, category))
    return cacheable(request, whole(views), seconds=CACHED_SECONDS)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=PresetView,
    operation_id="createPreset",
    responses=problems(TooManyPresets, KeyReused),
)
def create_preset(body: PresetCreate, admin: AsAdmin, once: Once) -> Response:
    """Add a preset to the studio's. Only platform admins can do this."""
    return once.respond(lambda tx: service.create_for_studio(body, admin, tx), status=status.HTTP_201_CREATED)


@router.get("/own", operation_id="listOwnPresets", responses=problems(OrganizationNotFound))
def list_own_presets(
    caller: Read, text: Text = None, category: InCategory = None, organization_id: OrganizationId = None
) -> Page[PresetView]:
    """List the private presets of an organization, or of the caller's own account, newest first."""
    found = stored_presets.of_account(caller.account(organization_id))
    return whole(PresetView.of(preset) for preset in found if preset.fits(text, category))


@router.post(
    "/own",
    status_code=status.HTTP_201_CREATED,
    response_model=PresetView,
    operation_id="createOwnPreset",
    responses=problems(OrganizationNotFound, TooManyPresets, KeyReused),
)
def create_own_preset(body: OwnPresetCreate, caller: Write, once: Once) -> Response:
    """Create a private preset of an organization, or of the caller's own account."""
    return once.respond(lambda tx: service.create(body, caller, tx), status=status.HTTP_201_CREATED)


@router.get("/own/{preset_id}", operation_id="getOwnPreset", responses=problems(PresetNotFound))
def get_own_preset(preset_id: Id, caller: Read, tag: Tag) -> PresetView:
    """Read one private preset."""
    preset = stored_presets.own(preset_id, accounts=caller)
    return tag.on(preset.etag, PresetView.of(preset))


@router.patch(
    "/own/{preset_id}", operation_id="updateOwnPreset", responses=problems(PresetNotFound, PreconditionFailed)
)
def update_own_preset(preset_id: Id, body: OwnPresetUpdate, caller: Write, change: Change) -> PresetView:
    """Change a private preset. Jobs that were submitted with it keep its former move."""
    preset = service.change(stored_presets.own(preset_id, accounts=caller), body, change.expected)
    return change.on(preset.etag, PresetView.of(preset))


@router.delete(
    "/own/{preset_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="deleteOwnPreset",
    responses=problems(PresetNotFound),
)
def delete_own_preset(preset_id: Id, caller: Write) -> None:
    """Delete a private preset. Jobs that were submitted with it keep its move."""
    stored_presets.delete(stored_presets.own(preset_id, accounts=caller))


@router.get(
    "/{preset_id}",
    operation_id="getPreset",
    response_model=PresetView,
    responses=_UNCHANGED | problems(PresetNotFound),
    dependencies=[counted(RouteClass.READ)],
)
def read_preset(preset_id: Id, request: Request) -> Response:
    """Read one preset of the studio. Anybody may cache it."""
    preset = stored_presets.find(preset_id, accounts=())
    return cacheable(request, PresetView.of(preset), seconds=CACHED_SECONDS, tag=preset.etag)


@router.patch(
    "/{preset_id}",
    operation_id="updatePreset",
    responses=problems(PresetNotFound, PresetBuiltIn, PreconditionFailed),
)
def update_preset(preset_id: Id, body: PresetUpdate, admin: AsAdmin, change: Change) -> PresetView:
    """Change a preset of the studio. Only platform admins can do this."""
    preset = service.change(stored_presets.find(preset_id, accounts=()), body, change.expected, admin)
    return change.on(preset.etag, PresetView.of(preset))


@router.post(
    "/{preset_id}/duplicate",
    status_code=status.HTTP_201_CREATED,
    response_model=PresetView,
    operation_id="duplicatePreset",
    responses=problems(PresetNotFound, OrganizationNotFound, TooManyPresets, KeyReused),
)
def duplicate_preset(preset_id: Id, body: PresetDuplicate, caller: Write, once: Once) -> Response:
    """Make a private copy of a preset of the studio, or of an account of the caller's."""
    return once.respond(
        lambda tx: service.duplicate(preset_id, body, caller, tx), status=status.HTTP_201_CREATED
    )  # fmt: skip
