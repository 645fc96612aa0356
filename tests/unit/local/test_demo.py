"""The output and the errors of the demo, without a cloud."""

import io
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from local import demo, terminal
from local.environment import ROOT
from local.studio import StudioClient, StudioError, media_type_of


def test_text_of_creators_is_not_parsed_as_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=printed, width=100))
    terminal.title("a [red]fox[/red] [/]", "x")
    terminal.failure("[bold]no[/bold] [/]")
    assert "a [red]fox[/red] [/]" in printed.getvalue()
    assert "[bold]no[/bold] [/]" in printed.getvalue()


def test_the_words_of_a_prompt_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=printed, width=200))
    terminal.words({"understood": ["dusk"], "notUnderstood": ["[red]dog"], "readAs": {"mansion": "house"}})
    assert "reads: dusk, house (for mansion)" in printed.getvalue()
    assert "Not understood: [red]dog" in printed.getvalue()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--image", "missing.jpg"], "There is no file"),
        (["--image", "empty.jpg"], "is empty"),
        (["--image", "notes.txt"], "neither a picture nor a video"),
        (["--image", "clip.mp4"], "is not a picture"),
        (["--image", "photo.heic"], "is not a picture in JPEG, PNG"),
        (["--image", "huge.jpg"], "is larger than 200 MB"),
        (["--motion", "photo.jpg"], "is not a video"),
        (["--out", "clip.mov"], "should end in .mp4"),
        (["--out", "folder.mp4"], "is a folder"),
    ],
)
def test_a_wrong_file_is_refused_with_one_sentence_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("notes.txt", "clip.mp4", "photo.jpg", "photo.heic"):
        Path(name).write_bytes(b"x")
    with Path("huge.jpg").open("wb") as huge:
        huge.truncate(201 * 2**20)
    Path("empty.jpg").touch()
    Path("folder.mp4").mkdir()
    printed = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=printed, width=200))
    ran = CliRunner().invoke(demo.app, arguments)
    assert ran.exit_code == 1
    assert sentence in printed.getvalue()
    assert len(printed.getvalue().strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prompt", ""], "prompt"),
        (["--prompt", "x" * 2001], "prompt"),
        (["--preset", "crash-zom-in"], "Did you mean crash-zoom-in"),
        (["--stack", "nothing-at-all"], "There is no such preset."),
        (["--aspect", "16:10"], "settings.aspectRatio"),
        (["--resolution", "8k"], "settings.resolution"),
        (["--duration", "31"], "settings.duration"),
        (["--duration", "29"], "takes"),
        (["--style", "nonsense"], "does not know this style"),
        (["--operations", "explode"], "no operation"),
        (["--image", "photo.jpg", "--style", "oil"], "painted picture"),
        (["--plan", "GOLD"], "no plan called GOLD"),
        (["--prompt", "perfume bottle"], "knows no word of this prompt"),
    ],
)
def test_a_wrong_option_is_refused_with_one_sentence_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(b"x")
    printed = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=printed, width=400))
    monkeypatch.setattr(demo, "laptop_cloud", None)
    ran = CliRunner().invoke(demo.app, arguments)
    assert (ran.exit_code, type(ran.exception)) == (1, SystemExit)
    assert sentence in printed.getvalue()
    assert len(printed.getvalue().strip().splitlines()) == 1


def test_a_job_that_the_api_accepts_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, Any]] = []
    monkeypatch.setattr(demo, "_run", lambda job, *_: started.append(job))
    for arguments in (
        [],
        ["--preset", "dolly-in", "--stack", "roll-left"],
        ["--style", "oil", "--operations", "grain"],
        ["--prompt", "perfume bottle", "--anyway"],
    ):
        assert CliRunner().invoke(demo.app, arguments).exit_code == 0, arguments
    assert "aspectRatio" not in started[0]["settings"]


PROMPT = """a "quoted" 'lamp' for $5, $HOME $(shell touch ran) `touch ran` ${x} \\ # 50 %"""


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_make_passes_a_prompt_unchanged(tmp_path: Path, by: str) -> None:
    (tmp_path / "python").write_text('#!/bin/sh\nfor each in "$@"; do printf "%s\\n" "$each"; done\n')
    (tmp_path / "python").chmod(0o755)
    command = ["make", "demo", "--old-file", ".venv/.ready", f"BIN={tmp_path}"]
    given = {"PROMPT": PROMPT} if by == "environment" else {}
    ran = subprocess.run(  # noqa: S603  # our own Makefile
        command + ([f"PROMPT={PROMPT}"] if by == "argument" else []),
        cwd=ROOT, env={"PATH": os.environ["PATH"], **given}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.splitlines() == ["-m", "local.demo", "--prompt", PROMPT]
    assert not (ROOT / "ran").exists()


def test_the_media_type_follows_from_the_name_of_a_file() -> None:
    assert media_type_of(Path("a.PNG")) == "image/png"
    assert media_type_of(Path("a.mov")) == "video/quicktime"
    with pytest.raises(StudioError):
        media_type_of(Path("a"))


def _studio(answer: httpx.Response) -> StudioClient:
    return StudioClient("http://studio.test", "ws://studio.test/ws", transport=httpx.MockTransport(lambda _: answer))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (httpx.Response(402, json={"detail": "You need 6 credits and have 2."}), "You need 6 credits"),
        (httpx.Response(502, text="<html>"), "The studio answered 502"),
        (httpx.Response(500, json=["odd"]), "The studio answered 500"),
    ],
)
def test_an_error_shows_the_detail_of_its_problem(answer: httpx.Response, sentence: str) -> None:
    with pytest.raises(StudioError, match=sentence):
        _studio(answer).job("job_1")


def test_a_download_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="403"):
        _studio(httpx.Response(403)).download("http://studio.test/media/x", tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []
