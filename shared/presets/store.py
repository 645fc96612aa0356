"""Reads and writes of presets.

The studio's presets are the built-in ones, and those of platform admins. All accounts can use them. A preset of an
account is private. A built-in preset is part of the code: its id, move and category stay, and a record changes its
labels only (docs/adr/0047).
"""

from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.camera.move import CameraMove
from shared.core.errors import Conflict
from shared.core.versions import ANY_VERSION, IfMatch, PreconditionFailed
from shared.presets.presets import Preset, PresetNotFound, presets
from shared.presets.record import STUDIO, PresetRecord

MOST_PRESETS = 100  # maximum number of an account's own presets, and of the stored ones of the studio


class TooManyPresets(Conflict):
    code = "too_many_presets"

    def __init__(self) -> None:
        super().__init__(f"There are {MOST_PRESETS} presets already. Delete one first.")


class PresetBuiltIn(Conflict):
    """A built-in preset keeps its move and its category."""

    code = "preset_built_in"

    def __init__(self) -> None:
        super().__init__("The move and the category of a built-in preset do not change. Duplicate it, and change that.")


class _PresetChanged(Exception):
    """Another request has deleted or changed the preset."""


class PresetStore:
    def of_studio(self) -> Sequence[Preset]:
        """Return the studio's presets that are listed: the built-in ones, then those of platform admins, oldest first.

        Eventually consistent, with one Query.
        """
        stored = {record.preset_id: record for record in PresetRecord.by_account.query(STUDIO)}
        labels = (_labelled(preset, stored.pop(preset.preset_id, None)) for preset in presets().values())
        return [preset for preset in (*labels, *map(_preset, stored.values())) if preset.is_public]

    def of_account(self, account_id: str) -> Sequence[Preset]:
        """Return the account's own presets, newest first. Eventually consistent."""
        return [_preset(record) for record in PresetRecord.by_account.query(account_id, scan_index_forward=False)]

    def find(self, preset_id: str, *, accounts: Container[str]) -> Preset:
        """Return a preset of the studio, listed or not, or of one of the accounts. Raise PresetNotFound."""
        built_in = presets().get(preset_id)
        record = _read(preset_id)
        if built_in is not None:
            return _labelled(built_in, record)
        if record is None or (record.account_id != STUDIO and record.account_id not in accounts):
            raise PresetNotFound(preset_id)
        return _preset(record)

    def own(self, preset_id: str, *, accounts: Container[str]) -> Preset:
        """Return a preset of one of the accounts. Raise PresetNotFound."""
        record = _read(preset_id)
        if record is None or record.account_id == STUDIO or record.account_id not in accounts:
            raise PresetNotFound(preset_id)
        return _preset(record)

    def move(self, preset_id: str, *, accounts: Container[str]) -> CameraMove:
        """Return the move of a preset that one of the accounts can use. A built-in preset needs no read."""
        built_in = presets().get(preset_id)
        return (built_in or self.find(preset_id, accounts=accounts)).config

    def create(
        self,
        preset_id: str,
        *,
        account_id: str,
        owner_id: str | None,
        name: str,
        description: str | None,
        category: str,
        config: CameraMove,
        at: datetime,
        tx: Transaction,
    ) -> Preset:
        """Add a preset to the transaction. Raise TooManyPresets."""
        if PresetRecord.by_account.count(account_id, limit=MOST_PRESETS) >= MOST_PRESETS:
            raise TooManyPresets
        record = PresetRecord(
            preset_id,
            account_id=account_id,
            owner_id=owner_id,
            name=name,
            description=description,
            category=category,
            config=_stored(config),
            is_public=account_id == STUDIO,
            created_at=at,
            updated_at=at,
        )
        exists = Conflict("This preset already exists.")
        tx.put(record, PresetRecord.preset_id.does_not_exist(), otherwise=exists)
        return _preset(record)

    def change(
        self, preset: Preset, changes: dict[str, Any], *, at: datetime, expected: IfMatch = ANY_VERSION
    ) -> Preset:
        """Set these fields of the preset, and return it. Raise PreconditionFailed, PresetBuiltIn or PresetNotFound."""
        expected.check(preset.etag)
        if preset.is_default and changes.keys() & {"config", "category"}:
            raise PresetBuiltIn
        account_id, record = preset.account_id or STUDIO, PresetRecord
        if "config" in changes:
            changes = changes | {"config": _stored(changes["config"])}
        known = record.updated_at == preset.updated_at
        condition = record.account_id == account_id
        if preset.is_default:  # its first labels make the record
            changes = changes | {"account_id": STUDIO, "created_at": preset.created_at}
            condition, known = condition | record.preset_id.does_not_exist(), known | record.preset_id.does_not_exist()
        if expected.given:
            condition &= known
        fields = {**changes, "updated_at": at}
        written = PresetRecord(preset.preset_id)
        actions = [
            getattr(record, name).remove() if value is None else getattr(record, name).set(value)
            for name, value in fields.items()
        ]
        try:
            with on_refusal(_PresetChanged()):
                written.update(actions, condition, done=lambda stored: stored.updated_at == at)
        except _PresetChanged:
            raise PreconditionFailed(self.find(preset.preset_id, accounts={account_id}).etag) from None
        return _labelled(presets()[preset.preset_id], written) if preset.is_default else _preset(written)

    def delete(self, preset: Preset) -> None:
        with on_refusal(PresetNotFound(preset.preset_id)):
            PresetRecord(preset.preset_id).delete(PresetRecord.account_id == preset.account_id)


def _read(preset_id: str) -> PresetRecord | None:
    try:
        return PresetRecord.get(preset_id, consistent_read=True)
    except PresetRecord.DoesNotExist:
        return None


def _stored(config: CameraMove) -> dict[str, Any]:
    return config.model_dump(mode="json", by_alias=True, exclude_none=True)


def _labelled(preset: Preset, labels: PresetRecord | None) -> Preset:
    """Return the built-in preset with its changed labels."""
    if labels is None:
        return preset
    return replace(
        preset,
        name=labels.name or preset.name,
        description=labels.description or preset.description,
        is_public=preset.is_public if labels.is_public is None else bool(labels.is_public),
        updated_at=labels.updated_at,
    )


def _preset(record: PresetRecord) -> Preset:
    return Preset(
        record.preset_id,
        str(record.name),
        record.description,
        str(record.category),
        CameraMove.model_validate(record.config),
        is_default=False,
        is_public=bool(record.is_public),
        account_id=None if record.account_id == STUDIO else record.account_id,
        user_id=record.owner_id,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


stored_presets = PresetStore()
