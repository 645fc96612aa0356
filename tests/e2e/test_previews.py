"""The files that a creator of the FREE plan can open, before and after the payment of a job."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local.cloud import Cloud
from local.environment import MEDIA_BUCKET
from local.studio import StudioClient
from shared.jobs.keys import job_prefixes
from tests.e2e.test_films import links_of
from tests.support.marks import shows_unmarked

pytestmark = pytest.mark.slow

DARK = {"prompt": "a lighthouse at night", "settings": {"duration": 1, "resolution": "480p", "seed": 7}}
FRAMES = {".mp4", ".jpg", ".png", ".webp"}
SMALL_PARTS = {"sprites.jpg"}  # one picture of many small frames, each with its mark


def stored(cloud: Cloud, job_id: str) -> set[str]:
    """Return the keys of all objects of the job."""
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    return {
        item["Key"]
        for prefix in job_prefixes(job_id)
        for page in pages.paginate(Bucket=MEDIA_BUCKET, Prefix=prefix)
        for item in page.get("Contents", ())
    }


def opened(cloud: Cloud, links: set[str], job_id: str, folder: Path) -> Iterator[Path]:
    """Open each link, and each file of the job with the signature of each link. Yield the files that open."""
    signatures = {urlsplit(link).query for link in links}
    assert signatures
    for link in links:
        assert httpx.get(link).status_code == 200, link
    for key in stored(cloud, job_id):
        answers = [httpx.get(f"{cloud.api_url}/media/{key}?{signature}") for signature in signatures]
        assert {answer.status_code for answer in answers} <= {200, 403}
        for answer in answers:
            if answer.status_code == 200:
                path = folder / key.replace("/", "-")
                path.write_bytes(answer.content)
                yield path
                break


def followed(studio: StudioClient, until: str) -> tuple[str, set[str], list[dict[str, Any]]]:
    """Submit a job, and follow it until `until` is the stage of a completed step, or to its end.

    Return its id, all links that its events and REST show meanwhile, and its events.
    """
    job_id, links, events = str(studio.submit({"projectId": studio.create_project("e2e")} | DARK)["id"]), set[str](), []
    for event in studio.events(job_id):
        events.append(event)
        links |= {*links_of(event), *links_of(studio.job(job_id))}
        if event.get("stepType") == until:
            break
    return job_id, links, events


def test_no_signature_of_a_free_job_opens_an_unmarked_frame(
    cloud: Cloud, creator: StudioClient, tmp_path: Path
) -> None:
    """The clip that workers hand on is unmarked, which shows that the test can see the difference."""
    job_id, links, events = followed(creator, until="")
    assert events[-1]["type"] == "job.completed"
    assert all(event["resultUrl"] for event in events if event["type"] == "step.completed")
    found = list(opened(cloud, links, job_id, tmp_path))
    names = {path.name.rpartition("-")[2] for path in found}
    assert {"video.mp4", "stream.mp4", "poster.jpg", "preview.mp4", "preview.jpg"} <= names
    assert not names & {"clip.mp4", "picture.png", "depth.png", "scenery.zip"}
    for path in found:
        if path.suffix in FRAMES and path.name.rpartition("-")[2] not in SMALL_PARTS:
            assert not shows_unmarked(path), path

    s3 = cloud.client("s3")
    for name in ("clip.mp4", "picture.png"):
        [key] = [key for key in stored(cloud, job_id) if key.endswith(name)]
        s3.download_file(MEDIA_BUCKET, key, str(tmp_path / name))
        assert shows_unmarked(tmp_path / name)


def test_a_cancelled_job_opens_previews_only(cloud: Cloud, creator: StudioClient, tmp_path: Path) -> None:
    job_id, links, _ = followed(creator, until="VIDEO_SYNTHESIS")
    creator.cancel(job_id)
    assert creator.job(job_id)["status"] == "CANCELLED"
    links |= set(links_of(creator.job(job_id)))
    assert any(key.endswith("clip.mp4") for key in stored(cloud, job_id))
    for path in opened(cloud, links, job_id, tmp_path):
        assert path.name.startswith(f"jobs-{job_id}-previews-")
        assert not shows_unmarked(path)
