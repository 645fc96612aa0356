"""Uploads that a function without a network decodes."""

import pytest
from botocore.exceptions import EndpointConnectionError

from shared.assets.record import AssetStatus
from shared.assets.store import assets
from shared.aws import media
from tests.integration.test_assets import picture, register, uploaded
from tests.support.isolated import crash, receive, run_here
from tests.support.studio import Creator, Studio
from workers.runtime.received import OUTAGE_PAUSE_SECONDS, Crashed
from workers.verification import caller
from workers.verification.confinement import Unconfined

QUEUE = "asset-verification"


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_ISOLATED_FUNCTION", "kinora-test-isolated-verification:live")


def begun(studio: Studio, ada: Creator, patch: pytest.MonkeyPatch, content: bytes) -> str:
    """Upload and register a file, and run the isolated function in this process. Return the asset's id."""
    run_here(studio, patch)
    patch.setenv("KINORA_ISOLATED_FUNCTION", "kinora-test-isolated-verification:live")
    asset_id = uploaded(ada, content)
    register(ada, asset_id)
    return asset_id


def test_a_picture_is_decoded_and_stored(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each test, the calls of both functions are compared with their rights."""
    asset_id = begun(studio, ada, monkeypatch, picture())
    assert receive(studio, QUEUE, caller.handler)
    asset = assets.get(asset_id)
    assert (asset.status, asset.width, asset.height) == (AssetStatus.READY, 96, 80)
    assert list(media.keys("quarantine/")) == []
    assert asset.key in list(media.keys(f"assets/{asset_id}/"))


def test_a_file_that_is_no_picture_is_rejected(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id = begun(studio, ada, monkeypatch, b"no picture at all")
    assert receive(studio, QUEUE, caller.handler)
    asset = assets.get(asset_id)
    assert (asset.status, asset.error_code) == (AssetStatus.REJECTED, "not_a_picture")


def test_an_asset_that_is_deleted_needs_no_work(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id = begun(studio, ada, monkeypatch, picture())
    assert ada.delete(f"/api/assets/{asset_id}").status == 204
    assert receive(studio, QUEUE, caller.handler)


def test_an_outage_of_s3_hands_the_upload_back(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id = begun(studio, ada, monkeypatch, picture())
    studio.cloud.broken["PutObject"] = EndpointConnectionError(endpoint_url="https://s3")
    assert receive(studio, QUEUE, caller.handler)
    assert [delay for _, delay in studio.queued(QUEUE)] == [OUTAGE_PAUSE_SECONDS]
    assert assets.get(asset_id).status == AssetStatus.VERIFYING


def test_a_function_that_dies_leaves_the_message(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQS delivers it again, and moves it to the dead letters at last."""
    asset_id = begun(studio, ada, monkeypatch, picture())
    studio.cloud.isolated = crash("Runtime.ExitError", "signal: killed")
    with pytest.raises(Crashed):
        receive(studio, QUEUE, caller.handler)
    assert assets.get(asset_id).status == AssetStatus.VERIFYING
    assert len(studio.in_flight(QUEUE)) == 1


def test_a_kernel_that_refuses_the_limits_rejects_nothing(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = begun(studio, ada, monkeypatch, picture())
    monkeypatch.setattr("workers.verification.inspect._CHILD", "tests.support.refusing_kernel")
    with pytest.raises(Unconfined):
        receive(studio, QUEUE, caller.handler)
    assert assets.get(asset_id).status == AssetStatus.VERIFYING
