"""When ECS replaces a worker."""

import pytest

from workers.images.health import FREE_BYTES, faults


@pytest.mark.parametrize("state", "RSDI")
def test_a_worker_that_runs_or_waits_is_well(state: str) -> None:
    assert faults(f"1 (python) {state} 0 1 1", FREE_BYTES) == []


@pytest.mark.parametrize("state", "TtZX")
def test_a_worker_that_was_stopped_is_not(state: str) -> None:
    assert faults(f"1 (odd) R name) {state} 0 1 1", FREE_BYTES) == [f"the worker is in state {state}"]


def test_a_worker_without_scratch_space_is_not() -> None:
    assert faults("1 (python) S 0 1 1", FREE_BYTES - 1) == [f"{FREE_BYTES - 1} bytes of scratch space are left"]
