from datetime import UTC, datetime

from clients.python.kinora.models import AssetUpload
from clients.python.kinora.wire import to_wire


def test_names_become_camel_case_and_data_stays() -> None:
    sent = {
        "preset_id": "crash-zoom-in",
        "settings": {"aspect_ratio": "16:9", "engines": {"VIDEO_SYNTHESIS": "wan_2_2"}},
        "inputs": ({"asset_id": "ast_1"},),
        "expires_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    assert to_wire(sent) == {
        "presetId": "crash-zoom-in",
        "settings": {"aspectRatio": "16:9", "engines": {"VIDEO_SYNTHESIS": "wan_2_2"}},
        "inputs": [{"assetId": "ast_1"}],
        "expiresAt": "2026-01-01T00:00:00+00:00",
    }


def test_an_answer_of_an_older_api_has_none_for_its_missing_fields() -> None:
    found = AssetUpload.model_validate({"asset": {"id": "ast_1"}, "added": 1})
    assert found.model_dump(include={"asset": {"id", "user_id"}, "upload": True}) == {
        "asset": {"id": "ast_1", "user_id": None},
        "upload": None,
    }
