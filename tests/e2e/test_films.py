"""Films from prompts, through the real API, the real state machine and real workers."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import av
import c2pa  # type: ignore[import-untyped]  # it ships no types
import pytest

from local.cloud import Cloud
from local.studio import StudioClient, StudioError
from tests.e2e.conftest import signed_up
from tests.support.clips import captions, driving_clip, picture, track
from workers.media.boxes import boxes

SHORT = {"duration": 1, "resolution": "480p", "seed": 7}


def ready(studio: StudioClient, path: Path) -> str:
    """Upload a file, wait until it is READY, and return its id."""
    asset_id, deadline = studio.begin_upload(path), monotonic() + 60
    while (asset := studio.asset(asset_id))["status"] != "READY":
        assert asset["status"] == "VERIFYING", asset
        assert monotonic() < deadline
        sleep(0.2)
    return asset_id


def film(studio: StudioClient, **job: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Submit a job, receive its events until it ends, and return the job and all events."""
    body = {"projectId": studio.create_project("e2e"), "prompt": "a lighthouse at dusk", "settings": SHORT} | job
    submitted = studio.submit(body)
    events = list(studio.events(submitted["id"]))
    return studio.job(submitted["id"]), events


def links_of(value: Any) -> Iterator[str]:
    """Yield every link in an answer as a player finds it: URL fields, and all references in playlists and tracks."""
    match value:
        case dict():
            for inner in value.values():
                yield from links_of(inner)
        case list():
            for inner in value:
                yield from links_of(inner)
        case str() if value.startswith(("#EXTM3U", "WEBVTT")):
            yield from re.findall(r'URI="([^"]*)"', value)
            yield from re.findall(r"^(?!#|WEBVTT)(?!.*-->)(\S+?)(?:#xywh=.*)?$", value, re.MULTILINE)
        case str() if "://" in value:
            yield value


def test_a_prompt_becomes_a_film_and_every_stage_is_reported(creator: StudioClient, tmp_path: Path) -> None:
    job, events = film(creator, presetId="crash-zoom-in")

    assert (job["status"], job["progress"]) == ("COMPLETED", 100), job
    assert [s["stepType"] for s in job["steps"]] == ["IMAGE_GENERATION", "VIDEO_SYNTHESIS", "POST_PROCESSING"]
    assert {s["status"] for s in job["steps"]} == {"COMPLETED"}
    assert events[0]["type"] == "job.snapshot"
    seqs = [e["seq"] for e in events]
    assert seqs == sorted(set(seqs))
    completed = [e["stepType"] for e in events if e["type"] == "step.completed"]
    seen_before = [s["stepType"] for s in events[0]["job"]["steps"] if s["status"] == "COMPLETED"]
    assert seen_before + completed == [s["stepType"] for s in job["steps"]]
    assert events[-1]["type"] == "job.completed"

    creator.download(job["videoUrl"], tmp_path / "film.mp4")
    with av.open(tmp_path / "film.mp4") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, float(stream.average_rate or 0)) == (854, 480, 24.0)
        assert sum(1 for _ in container.decode(video=0)) == 24
    creator.download(job["posterUrl"], tmp_path / "poster.jpg")
    creator.download(job["thumbnailUrl"], tmp_path / "thumbnail.jpg")
    assert (tmp_path / "poster.jpg").read_bytes()[:2] == b"\xff\xd8"


@pytest.fixture(scope="module")
def plain(cloud: Cloud) -> Iterator[tuple[StudioClient, dict[str, Any]]]:
    """A creator and the job of a film with the defaults of `film`."""
    with closing(signed_up(cloud)) as studio:
        yield studio, film(studio)[0]


def test_hls_plays_through_signed_urls_only(plain: tuple[StudioClient, dict[str, Any]], tmp_path: Path) -> None:
    creator, job = plain
    playlist = tmp_path / "film.m3u8"
    playlist.write_text(job["hlsPlaylist"])
    options = {"protocol_whitelist": "file,http,tcp", "allowed_extensions": "ALL", "extension_picky": "0"}
    with av.open(playlist, format="hls", options=options) as container:
        assert sum(1 for _ in container.decode(video=0)) == 24

    unsigned = job["videoUrl"].partition("?")[0]
    with pytest.raises(StudioError, match="403"):
        creator.download(unsigned, tmp_path / "stolen.mp4")


def test_an_uploaded_picture_and_driving_clip_are_used(creator: StudioClient, tmp_path: Path) -> None:
    inputs = [
        {"role": "picture", "assetId": ready(creator, picture(tmp_path / "photo.jpg"))},
        {"role": "driving", "assetId": ready(creator, driving_clip(tmp_path / "driving.mp4", seconds=3))},
    ]
    job, _ = film(creator, inputs=inputs, presetId="static")
    assert job["status"] == "COMPLETED", job
    assert [s["stepType"] for s in job["steps"]] == ["VIDEO_SYNTHESIS", "MOTION_TRANSFER", "POST_PROCESSING"]
    assert job["imageUrl"] is None


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [("note.jpg", b"Dear diary, " * 50, "picture"), ("cut.mp4", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 200, "")],
)
def test_an_upload_of_another_type_than_declared_is_refused(
    creator: StudioClient, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    asset_id, deadline = creator.begin_upload(tmp_path / name), monotonic() + 60
    while creator.asset(asset_id)["status"] == "VERIFYING" and monotonic() < deadline:
        sleep(0.2)
    asset = creator.asset(asset_id)
    assert asset["status"] == "REJECTED"
    assert asset["error"]
    assert sentence in asset["error"]
    project = creator.create_project("refused")
    inputs = [{"role": "picture" if name.endswith("jpg") else "driving", "assetId": asset_id}]
    with pytest.raises(StudioError, match="REJECTED"):
        creator.submit({"projectId": project, "prompt": "a lake", "inputs": inputs})


def test_the_same_seed_makes_the_same_film(
    plain: tuple[StudioClient, dict[str, Any]], creator: StudioClient, tmp_path: Path
) -> None:
    """The encoded pictures are equal byte for byte. The provenance of each film has its own id."""
    films = []
    for name, job in (("one.mp4", plain[1]), ("two.mp4", film(creator)[0])):
        creator.download(job["videoUrl"], tmp_path / name)
        [pictures] = [box for box in boxes(tmp_path / name) if box.kind == "mdat"]
        films.append((tmp_path / name).read_bytes()[pictures.offset : pictures.offset + pictures.size])
    assert films[0] == films[1]


def test_a_film_is_signed_and_marked_as_generated(creator: StudioClient, tmp_path: Path) -> None:
    inputs = [{"role": "picture", "assetId": ready(creator, picture(tmp_path / "photo.jpg"))}]
    job, _ = film(creator, inputs=inputs)
    creator.download(job["videoUrl"], tmp_path / "film.mp4")
    with (tmp_path / "film.mp4").open("rb") as signed, c2pa.Reader("video/mp4", signed) as reader:
        assert reader.get_validation_state() == "Valid"
        manifest = reader.json()
    assert "digitalsourcetype/compositeSynthetic" in manifest
    assert "picture of the creator" in manifest


def test_uploaded_sound_and_captions_become_part_of_the_film(creator: StudioClient, tmp_path: Path) -> None:
    inputs = [
        {"role": "audio", "assetId": ready(creator, track(tmp_path / "waves.wav"))},
        {"role": "captions", "assetId": ready(creator, captions(tmp_path / "words.srt"))},
    ]
    settings = SHORT | {"operations": ["watermark", "gif", "av1", "interpolate:48"]}
    job, _ = film(creator, inputs=inputs, settings=settings)
    assert job["status"] == "COMPLETED", job
    for url in ("videoUrl", "av1Url"):
        creator.download(job[url], tmp_path / "film.mp4")
        with av.open(tmp_path / "film.mp4") as container:
            assert {stream.type for stream in container.streams} == {"video", "audio"}
            assert sum(1 for _ in container.decode(video=0)) == 48
    assert {"previewUrl", "gifUrl", "spritesUrl"} <= {name for name, value in job.items() if value}
    links = list(links_of(job)) + list(links_of(creator.asset(inputs[0]["assetId"])))
    assert len(links) > 15
    for link in dict.fromkeys(links):
        creator.download(link, tmp_path / "file")
        assert (tmp_path / "file").stat().st_size > 0, link
    metadata = job["steps"][-1]["metadata"]
    assert metadata["signed"] is True
    assert metadata["lufs"] == pytest.approx(-14, abs=1)


@pytest.mark.slow
def test_a_still_becomes_a_draft_a_film_and_a_longer_film(creator: StudioClient, tmp_path: Path) -> None:
    """Each job starts from real outputs of the one before."""
    job, _ = film(creator, until="IMAGE_GENERATION")
    assert (job["status"], len(job["steps"])) == ("COMPLETED", 1), job
    sizes = []
    for how, body in (("continue", {"settings": {"draft": True}}), ("final", None), ("extend", {"prompt": "a lake"})):
        later = creator.call("POST", f"/api/jobs/{job['id']}/{how}", body)
        assert list(creator.events(later["id"]))[-1]["type"] == "job.completed"
        job = creator.job(later["id"])
        assert job["status"] == "COMPLETED", job
        creator.download(job["videoUrl"], tmp_path / f"{how}.mp4")
        with av.open(tmp_path / f"{how}.mp4") as container:
            sizes.append((container.streams.video[0].width, container.streams.video[0].height))
    assert sizes == [(640, 360), (854, 480), (854, 480)]


@pytest.mark.slow
def test_a_step_whose_worker_is_killed_completes_and_is_charged_once(cloud: Cloud, creator: StudioClient) -> None:
    """SIGKILL during video synthesis: lease and visibility expire, a new attempt completes, credits settle once."""
    body = {
        "projectId": creator.create_project("killed"),
        "prompt": "a harbour at night",
        "presetId": "orbit-left",
        "settings": {"duration": 10, "resolution": "480p"},
    }
    submitted, killed = creator.submit(body), False
    for event in creator.events(submitted["id"]):
        shooting = event.get("currentStep") == "VIDEO_SYNTHESIS" and event.get("progress", 0) > 34
        if shooting and not killed:
            cloud.workers["VIDEO_SYNTHESIS"].kill()
            killed = True
    job = creator.job(submitted["id"])
    assert killed
    assert job["status"] == "COMPLETED", job
    attempts = {step["stepType"]: step["attempts"] for step in job["steps"]}
    assert attempts == {"IMAGE_GENERATION": 1, "VIDEO_SYNTHESIS": 2, "POST_PROCESSING": 1}
    holds = ledger(cloud, job)
    assert holds == [-job["credits"]]


def ledger(cloud: Cloud, job: dict[str, Any]) -> list[int]:
    """Return the credits that were captured for the job, one number per ledger entry."""
    rows = cloud.client("dynamodb").scan(TableName="kinora-local-credit-ledger")["Items"]
    return [int(row["credits"]["N"]) for row in rows if row["operation_id"]["S"] == f"capture#{job['id']}"]
