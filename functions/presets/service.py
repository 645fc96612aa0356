"""The requests of presets: create, duplicate and change them."""

from functions.presets.schemas import (
    OwnPresetCreate,
    OwnPresetUpdate,
    PresetCreate,
    PresetDuplicate,
    PresetUpdate,
    PresetView,
)
from shared.aws.transactions import Transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.core.versions import IfMatch
from shared.members.actor import Actor
from shared.presets.presets import Preset
from shared.presets.record import STUDIO
from shared.presets.store import stored_presets


def create_for_studio(body: PresetCreate, tx: Transaction) -> PresetView:
    return _create(STUDIO, None, body, tx)


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


def change(preset: Preset, body: PresetUpdate | OwnPresetUpdate, expected: IfMatch) -> Preset:
    return stored_presets.change(preset, body.changes(), at=utc_now(), expected=expected)


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
