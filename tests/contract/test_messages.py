"""The code reads messages of older versions: golden files are added, and never edited."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from local.environment import ROOT
from shared.connections.messages import AccountOver, CatchUp, FanOut, SessionOver
from shared.core.wire import Wire
from shared.jobs.spec import JobSpec
from shared.mail.messages import AccountErased, FilmEnded
from shared.stages.messages import AssetImportTask, AssetVerificationTask, RemoteTask, StageTask
from shared.stages.queues import (
    BILLING_QUEUE,
    FAN_OUT_QUEUE,
    IMPORT_QUEUE,
    NOTICE_QUEUE,
    REMOTE_QUEUE,
    VERIFICATION_QUEUE,
    WEBHOOKS_QUEUE,
)
from shared.stages.stages import Stage
from shared.subscriptions.messages import StripeEvent
from shared.webhooks.messages import DeliverWebhook
from workers.runtime.isolation import StepOrder, StepOutcome
from workers.verification.isolation import VerificationOrder, VerificationOutcome

GOLDEN = Path(__file__).parents[1] / "golden"


KINDS: dict[str, Any] = {
    VERIFICATION_QUEUE: AssetVerificationTask,
    IMPORT_QUEUE: AssetImportTask,
    REMOTE_QUEUE: RemoteTask,
    FAN_OUT_QUEUE: FanOut | CatchUp | SessionOver | AccountOver,
    BILLING_QUEUE: StripeEvent,
    WEBHOOKS_QUEUE: DeliverWebhook,
    NOTICE_QUEUE: FilmEnded | AccountErased,
    "job-spec": JobSpec,
    "step-order": StepOrder,
    "step-outcome": StepOutcome,
    "verification-order": VerificationOrder,
    "verification-outcome": VerificationOutcome,
}


def decode(name: str, text: str) -> BaseModel:
    decoded: BaseModel = TypeAdapter(KINDS.get(name.partition(".")[0], StageTask)).validate_json(text)
    return decoded


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_message_decodes_and_is_written_the_same(path: Path) -> None:
    """Newer fields have defaults. A message of an older version leaves them unset."""
    text = path.read_text()
    message = decode(path.stem, text)
    assert json.loads(message.model_dump_json(by_alias=True, exclude_unset=True)) == json.loads(text)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_optional_field_that_is_not_used_is_not_sent(path: Path) -> None:
    """The previous release refuses a field that it does not know (docs/adr/0029)."""
    message = decode(path.stem, path.read_text())
    assert isinstance(message, Wire)
    assert "null" not in message.encoded()
    assert decode(path.stem, message.encoded()) == message


def test_there_is_a_golden_message_of_every_kind() -> None:
    kinds = {path.stem.partition(".")[0] for path in GOLDEN.glob("*.json")}
    assert kinds == {stage.queue for stage in Stage} | set(KINDS)


def test_every_field_is_in_a_golden_message() -> None:
    """A new field needs a new golden message, which prevents a later renaming of the field."""
    written: dict[type[BaseModel], set[str]] = defaultdict(set)
    for path in GOLDEN.glob("*.json"):
        for model in models(decode(path.stem, path.read_text())):
            written[type(model)] |= model.model_fields_set
    assert {kind.__name__: kind.model_fields.keys() - fields for kind, fields in written.items()} == {
        kind.__name__: set() for kind in written
    }


def models(value: object) -> Iterator[BaseModel]:
    """Yield the value, if it is a model, and all models within it."""
    if isinstance(value, BaseModel):
        yield value
        value = dict(value)
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        for part in value:
            yield from models(part)


@pytest.mark.parametrize("stage", Stage)
def test_a_message_of_another_version_is_refused(stage: Stage) -> None:
    message = json.loads((GOLDEN / f"{stage.queue}.v1.json").read_text()) | {"version": 2}
    with pytest.raises(ValidationError):
        StageTask.model_validate_json(json.dumps(message))


@pytest.mark.parametrize("stage", Stage)
def test_a_message_belongs_to_its_stage(stage: Stage) -> None:
    """A request of another stage is refused under this stage's name."""
    message = json.loads((GOLDEN / f"{stage.queue}.v1.json").read_text())
    for other in Stage:
        if other is not stage:
            with pytest.raises(ValidationError):
                StageTask.model_validate_json(json.dumps(message | {"stage": other.value}))


def test_a_message_that_is_refused_is_not_repeated_in_the_error() -> None:
    """The error is logged, and the message contains a creator's text."""
    message = json.loads((GOLDEN / "image-generation.v1.json").read_text())
    message["request"] |= {"width": "my secret prompt", "also": "my secret prompt"}
    for text in (json.dumps(message), "my secret prompt", '["my secret prompt"]'):
        with pytest.raises(ValidationError) as refused:
            StageTask.model_validate_json(text)
        assert "secret" not in str(refused.value)


def test_the_names_of_queues_are_written_once() -> None:
    literals = [f'"{name}"' for name in KINDS if name != "job-spec"]
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("shared", "functions", "workers", "local") for path in (ROOT / folder).rglob("*.py")
        if any(literal in path.read_text() for literal in literals)
    }  # fmt: skip
    assert found == {"shared/stages/queues.py"}
