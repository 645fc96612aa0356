"""Messages written yesterday are understood today: the golden files are never edited, only added to."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from shared.jobs.spec import JobSpec
from shared.stages.messages import REMOTE_QUEUE, STAGE_TASK, AssetVerificationTask, RemoteTask
from shared.stages.stages import Stage

GOLDEN = Path(__file__).parents[1] / "golden"


def decode(name: str, text: str) -> BaseModel:
    if name.startswith("asset-verification"):
        return AssetVerificationTask.model_validate_json(text)
    if name.startswith(REMOTE_QUEUE):
        return RemoteTask.model_validate_json(text)
    if name.startswith("job-spec"):
        return JobSpec.model_validate_json(text)
    return STAGE_TASK.validate_json(text)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_message_decodes_and_is_written_the_same(path: Path) -> None:
    """Fields that came later have defaults, which yesterday's message leaves unset."""
    text = path.read_text()
    message = decode(path.stem, text)
    assert json.loads(message.model_dump_json(by_alias=True, exclude_unset=True)) == json.loads(text)


def test_there_is_a_golden_message_of_every_kind() -> None:
    kinds = {path.stem.partition(".")[0] for path in GOLDEN.glob("*.json")}
    assert kinds == {stage.queue for stage in Stage} | {"asset-verification", "job-spec", REMOTE_QUEUE}


@pytest.mark.parametrize("stage", Stage)
def test_a_message_of_another_version_is_refused(stage: Stage) -> None:
    message = json.loads((GOLDEN / f"{stage.queue}.v1.json").read_text()) | {"version": 2}
    with pytest.raises(ValidationError):
        STAGE_TASK.validate_json(json.dumps(message))


@pytest.mark.parametrize("stage", Stage)
def test_a_message_belongs_to_its_stage(stage: Stage) -> None:
    """Another stage's request under this stage's name does not pass for it."""
    message = json.loads((GOLDEN / f"{stage.queue}.v1.json").read_text())
    for other in Stage:
        if other is not stage:
            with pytest.raises(ValidationError):
                STAGE_TASK.validate_json(json.dumps(message | {"stage": other.value}))


def test_a_message_that_is_refused_is_not_repeated_in_the_error() -> None:
    """It is logged, and what stands in it is a creator's."""
    message = json.loads((GOLDEN / "image-generation.v1.json").read_text())
    message["request"] |= {"width": "my secret prompt", "also": "my secret prompt"}
    for text in (json.dumps(message), "my secret prompt", '["my secret prompt"]'):
        with pytest.raises(ValidationError) as refused:
            STAGE_TASK.validate_json(text)
        assert "secret" not in str(refused.value)
