"""The requests of presets: create, duplicate and change them."""

from functions.presets.schemas import (
    OwnPresetCreate,
    OwnPresetUpdate,
    PresetCreate,
    PresetDuplicate,
    PresetUpdate,
    PresetView,
)
from shared.audit.admin import Admin
from shared.audit.store import AuditAction
from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.core.versions import IfMatch
from shared.members.actor import Actor
from shared.presets.presets import Preset
from shared.presets.record import STUDIO
from shared.presets.store import stored_presets


def create_for_studio(body: PresetCreate, admin: Admin, tx: Transaction) -> PresetView:
    made = _create(STUDIO, None, body, tx)
    admin.note(AuditAction.PRESET_CREATED, utc_now(), tx, subject=made.preset_id, name=made.name)
    return made


def create(body: OwnPresetCreate, caller: Actor, tx: Transaction) -> PresetView:
    """Add a private preset to the transaction. Raise TooManyPresets."""
    account_id = caller.account(body.organization_id)
    caller.stays_member(account_id, tx=tx)
    return _create(account_id, caller.user_id, body, tx)


def duplicate(preset_id: str, body: PresetDuplicate, caller: Actor, tx: Transaction) -> PresetView:
    """Add a private copy to the transaction. Raise PresetNotFound or TooManyPresets."""
    preset = stored_presets.find(preset_id, accounts=caller)
    copied = OwnPresetCreate.model_validate(
        {
            "name": body.name or preset.name,
            "description": preset.description,
            "category": preset.category,
            "config": preset.config,
            "organization_id": body.organization_id,
        }
    )
    return create(copied, caller, tx)


def change(
    preset: Preset, body: PresetUpdate | OwnPresetUpdate, expected: IfMatch, admin: Admin | None = None
) -> Preset:
    """Change the preset, and return it. `admin` changes a preset of the studio."""
    at = utc_now()
    with transaction() as tx:
        stored_presets.change(preset, body.changes(), at=at, expected=expected, tx=tx)
        if admin:
            fields = sorted(body.model_fields_set)
            admin.note(AuditAction.PRESET_CHANGED, at, tx, subject=preset.preset_id, fields=fields)
    return stored_presets.find(preset.preset_id, accounts={preset.account_id or STUDIO})


def _create(account_id: str, owner_id: str | None, body: PresetCreate, tx: Transaction) -> PresetView:
    preset = stored_presets.create(
        new_id("pre"),
        account_id=account_id,
        owner_id=owner_id,
        name=body.name,
        description=body.description,
        category=body.category,
        config=body.config,
        at=utc_now(),
        tx=tx,
    )
    return PresetView.of(preset)
