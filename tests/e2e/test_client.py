"""The Python client against the laptop cloud: real requests, real sockets, and networks that lose what they can."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from clients.python import kinora
from clients.python.kinora import AsyncKinora, Film, Kinora
from clients.python.kinora.models import Event, JobSnapshot
from local.cloud import Cloud
from tests.e2e.conftest import key_of
from tests.support.networks import Cuttable, half_deaf

pytestmark = pytest.mark.slow

NOWHERE = "ws://127.0.0.1:9"  # refuses connections


@pytest.fixture(scope="module")
def key(scripted_cloud: Cloud) -> str:
    return key_of(scripted_cloud)


@pytest.fixture
def client(scripted_cloud: Cloud, key: str, script: Path) -> Iterator[Kinora]:
    for left in script.iterdir():
        left.unlink()
    with Kinora(key, scripted_cloud.api_url) as client:
        yield client


def assert_in_order(events: list[Event]) -> None:
    seqs = [event.seq for event in events]
    assert seqs == sorted(set(seqs))
    assert isinstance(events[0], JobSnapshot)
    last = events[-1]
    assert last.type == "job.completed" or (isinstance(last, JobSnapshot) and last.job.status == "COMPLETED")


def test_a_film_in_three_lines(client: Kinora, tmp_path: Path) -> None:
    seen: list[int] = []

    def report(film: Film) -> None:
        seen.append(film.progress)

    film = client.films.create("a lighthouse at dusk", preset="crash-zoom-in", on_progress=report)
    path = film.save(tmp_path / "films" / "out.mp4")
    assert path.stat().st_size > 0
    assert (film.status, film.progress) == ("COMPLETED", 100)
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert client.films.get(film.id).job.prompt == "a lighthouse at dusk"


def test_a_proxy_that_drops_every_second_answer_makes_one_job_and_one_payment(
    scripted_cloud: Cloud, tmp_path: Path
) -> None:
    """Each route answers the second request only. The first one has had its effect."""
    key = key_of(scripted_cloud)
    with (
        half_deaf(scripted_cloud.api_url) as (url, dropped),
        Kinora(key, url, socket_url=scripted_cloud.socket_url) as client,
    ):
        film = client.films.create("a lake", image=Image.new("RGB", (640, 360), "red"))
        film.save(tmp_path / "film.mp4")
    assert {"POST /api/jobs", "POST /api/projects", "POST /api/assets/upload", "POST /api/assets"} <= set(dropped)
    with Kinora(key, scripted_cloud.api_url) as direct:
        assert [job.id for job in direct.jobs.list()] == [film.id]
        assert len(list(direct.assets.list())) == len(list(direct.projects.list())) == 1
        assert [entry.credits for entry in direct.billing.ledger() if entry.credits < 0] == [-film.job.credits]


def test_a_stream_continues_after_each_cut(scripted_cloud: Cloud, key: str, script: Path) -> None:
    """The connection is cut after each event. No event is missed, and none comes twice."""
    (script / "VIDEO_SYNTHESIS").write_text("two seconds")
    with (
        closing(Cuttable(scripted_cloud.socket_url)) as network,
        Kinora(key, scripted_cloud.api_url, socket_url=network.url) as client,
    ):
        film = client.films.create("a lake")
        events = []
        for event in film.events():
            events.append(event)
            network.cut()
    assert_in_order(events)
    assert network.connections > 1
    assert film.status == "COMPLETED"


def test_a_stream_without_a_socket_polls(scripted_cloud: Cloud, key: str) -> None:
    with Kinora(key, scripted_cloud.api_url, socket_url=NOWHERE) as client:
        film = client.films.create("a lake")
        events = list(client.jobs.stream(film.id))
    assert {event.type for event in events} == {"job.snapshot"}
    assert_in_order(events)


def test_a_wait_ends_in_time_and_the_job_continues(client: Kinora, script: Path) -> None:
    (script / "IMAGE_GENERATION").write_text("slow")
    film = client.films.create("a lake")
    with pytest.raises(kinora.errors.WaitTimedOut):
        film.wait(timeout=0.5)
    assert not film.refresh().ended
    film.cancel().cancel()
    with pytest.raises(kinora.errors.FilmCancelled, match="Nothing was charged"):
        film.wait()


def test_a_failed_film_says_why(client: Kinora, script: Path) -> None:
    (script / "POST_PROCESSING").write_text("fail")
    with pytest.raises(kinora.errors.FilmFailed, match="This scene cannot be filmed"):
        client.films.create("a lake").wait()


def test_files_of_each_kind_become_assets(client: Kinora, tmp_path: Path) -> None:
    path = tmp_path / "me.png"
    Image.new("RGB", (80, 64), "blue").save(path)
    handler = type("Files", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: handler(*args, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with path.open("rb") as file:
            sources: list[kinora.sources.Source] = [
                path, str(path), path.read_bytes(), file, Image.open(path), np.zeros((64, 80, 3), np.uint8),
                f"http://127.0.0.1:{server.server_port}/me.png",
            ]  # fmt: skip
            assets = [client.assets.upload(source) for source in sources]
    finally:
        server.shutdown()
        server.server_close()
    assert [(one.status, one.width, one.height) for one in assets] == [("READY", 80, 64)] * len(sources)
    again = client.assets.upload(assets[0].id)
    assert again.id == client.assets.upload(assets[0]).id == assets[0].id
    with pytest.raises(kinora.errors.AssetRejected):
        client.assets.upload(b"no picture", name="me.png")


def test_refusals_are_classes_with_the_id_of_their_request(client: Kinora) -> None:
    with pytest.raises(kinora.PresetNotFound) as unknown:
        client.films.create("a lake", preset="crash-zom-in")
    assert unknown.value.suggestions[0] == "crash-zoom-in"
    assert unknown.value.request_id
    assert unknown.value.request_id in str(unknown.value)
    with pytest.raises(kinora.errors.Invalid) as invalid:
        client.films.create("a lake", duration=99)
    assert [error["field"] for error in invalid.value.errors] == ["settings.duration"]
    with pytest.raises(kinora.errors.Unauthorized), Kinora("kin_wrong", client.base_url) as stranger:
        stranger.account.me()


def test_a_list_is_read_page_by_page(client: Kinora) -> None:
    names = [client.projects.create(f"p{number}").name for number in range(3)]
    found = [project.name for project in client.projects.list(limit=1)]
    assert set(names) <= set(found)
    assert len(list(islice(client.projects.list(limit=2), 1))) == 1


def test_stills_variants_and_retries_are_films(client: Kinora, script: Path) -> None:
    still = client.films.still("a lake", duration=1, resolution="480p").wait()
    assert still.approve().wait().job.origin_id == still.id
    variants = client.films.variants("a lake", 2, duration=1, resolution="480p")
    assert len({film.wait().job.seed for film in variants}) == 2
    (script / "POST_PROCESSING").write_text("fail")
    failed = client.films.create("a lake", duration=1, resolution="480p")
    with pytest.raises(kinora.errors.FilmFailed):
        failed.wait()
    (script / "POST_PROCESSING").unlink()
    quote = client.films.quote("a lake", duration=1, resolution="480p")
    assert quote.credits == variants[0].job.credits
    with pytest.raises(kinora.codes.MaxCreditsExceeded) as dear:
        failed.retry(max_credits=quote.credits - 1)
    assert (dear.value.credits_needed, dear.value.max_credits) == (quote.credits, quote.credits - 1)
    assert failed.retry(max_credits=quote.credits).wait().job.origin_id == failed.id
    with pytest.raises(kinora.codes.MaxCreditsExceeded):
        client.films.variants("a lake", 2, duration=1, resolution="480p", max_credits=2 * quote.credits - 1)


def test_the_asynchronous_client_makes_films_beside_each_other(scripted_cloud: Cloud, tmp_path: Path) -> None:
    async def films() -> list[Path]:
        async with AsyncKinora(key_of(scripted_cloud), scripted_cloud.api_url) as client:

            async def one(name: str) -> Path:
                film = await client.films.create("a lake", duration=1, resolution="480p")
                return await film.save(tmp_path / name)

            paths = await asyncio.gather(one("a.mp4"), one("b.mp4"))
            assert len([job async for job in client.jobs.list(limit=1)]) == 2
            return list(paths)

    assert all(path.stat().st_size for path in asyncio.run(films()))
