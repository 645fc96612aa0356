"""Presets through the real handlers."""

import pytest

from shared.camera.catalogue import default_moves
from tests.support.studio import Creator, Studio


@pytest.mark.endpoint("GET /api/presets")
def test_all_presets_are_listed_with_the_contracts_fields(ada: Creator) -> None:
    listed = ada.list("/api/presets")
    assert [preset["id"] for preset in listed] == list(default_moves())
    assert len(listed) >= 12
    fields = {"id", "name", "description", "category", "thumbnail", "preview", "config", "isDefault", "isPublic"}
    assert all(set(preset) == fields and preset["isDefault"] and preset["isPublic"] for preset in listed)


def test_a_category_lists_its_presets(ada: Creator) -> None:
    everything = ada.list("/api/presets")
    for category in {preset["category"] for preset in everything}:
        assert ada.list("/api/presets", category=category) == [p for p in everything if p["category"] == category]
    assert ada.list("/api/presets", category="unheard-of") == []


@pytest.mark.endpoint("GET /api/presets/{preset_id}")
def test_a_preset_is_read_by_its_id(ada: Creator) -> None:
    assert ada.get("/api/presets/crash-zoom-in").body["config"]["keyframes"]


def test_the_error_of_an_unknown_preset_names_the_nearest(studio: Studio, ada: Creator) -> None:
    for answer in (
        ada.get("/api/presets/crash-zoom"),
        ada.post("/api/jobs", {"projectId": ada.project(), "prompt": "a lighthouse", "presetId": "crash-zoom"}),
    ):
        assert (answer.status, answer.body["code"]) == (404, "preset_not_found")
        assert "crash-zoom-in" in answer.body["suggestions"]
        assert "crash-zoom-in" in answer.body["detail"]
    assert ada.get("/api/presets/qqqqqqqq").body["suggestions"] == []


def test_presets_require_a_token(studio: Studio) -> None:
    assert studio.call("GET", "/api/presets").status == 401
