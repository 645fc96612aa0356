"""The demo beside a running laptop cloud."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import demo
from local.addresses import announced
from local.cloud import Cloud
from workers.media.boxes import boxes


@pytest.mark.slow
def test_each_demo_uses_the_running_cloud(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "FOLDER", tmp_path)
    monkeypatch.setattr(demo, "laptop_cloud", None)
    with announced(cloud, tmp_path):
        for number in range(2):
            out = tmp_path / f"clip-{number}.mp4"
            arguments = ["--duration", "1", "--resolution", "480p", "--plan", "PRO", "--out", str(out)]
            ran = CliRunner().invoke(demo.app, arguments)
            assert ran.exit_code == 0, ran.exception
            assert "moov" in {box.kind for box in boxes(out)}
