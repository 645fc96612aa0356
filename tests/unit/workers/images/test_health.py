"""The health check after which ECS replaces a worker."""

import pytest

from workers.images.health import FREE_BYTES, faults


@pytest.mark.parametrize("state", "RSDI")
def test_a_running_or_waiting_worker_is_healthy(state: str) -> None:
    assert faults(f"1 (python) {state} 0 1 1", FREE_BYTES) == []


@pytest.mark.parametrize("state", "TtZX")
def test_a_stopped_worker_is_unhealthy(state: str) -> None:
    assert faults(f"1 (odd) R name) {state} 0 1 1", FREE_BYTES) == [f"the worker is in state {state}"]


def test_a_worker_without_scratch_space_is_unhealthy() -> None:
    assert faults("1 (python) S 0 1 1", FREE_BYTES - 1) == [f"{FREE_BYTES - 1} bytes of scratch space are left"]
