"""`python -m tools.client_comparison`: measure the Python clients of video services, and write docs/clients.md.

Each client is installed into an environment of its own below `build/comparison`. Each one runs its shortest program
against a local server, which cuts the connection at one moment, counts films, and honors an Idempotency-Key.
"""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from local.environment import ROOT

BIN = ROOT / ".venv" / "bin"
FOLDER = ROOT / "build" / "comparison"
PAGE = ROOT / "docs" / "clients.md"
FILM = b"film" * 25_000
ROUNDS = 7
SECONDS = 60  # the longest run of one program

# What the server does once, and how the page names it.
MOMENTS = {
    "none": "nothing is cut",
    "unread": "the connection ends before the request is read",
    "unanswered": "it ends after the film was begun, before the answer",
    "half": "it ends in the middle of that answer",
    "503": "the film was begun, and the answer is 503",
    "429": "the answer is 429 with `Retry-After: 1`",
    "poll": "it ends while the client asks whether the film is ready",
    "download": "it ends in the middle of the film",
}


@dataclass(frozen=True)
class Peer:
    """One client. `setup` directs it to the local server and is no part of the program."""

    package: str
    module: str
    program: str
    typed: str
    wrong: tuple[str, str]
    cancel: str
    setup: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return FOLDER / self.package / "bin" / "python"


PEERS = (
    Peer(
        "kinora",
        "kinora",
        'from kinora import Kinora\nfilm = Kinora().films.create("a lake")\nfilm.save("out.mp4")\n',
        'from kinora import Kinora\nKinora().films.create("a lake", resolution="720p")\n',
        ("720p", "721p"),
        "from kinora import Film as C; C.cancel",
        environment={"KINORA_API_KEY": "x", "KINORA_BASE_URL": "{url}", "KINORA_PROJECT": "prj_1"},
    ),
    Peer(
        "replicate",
        "replicate",
        'import replicate\noutput = replicate.run("kinora/lake", input={"prompt": "a lake"})\n'
        'open("out.mp4", "wb").write(output.read())\n',
        'import replicate\nreplicate.run("kinora/lake", input={"resolution": "720p"})\n',
        ("720p", "721p"),
        "from replicate.prediction import Prediction as C; C.cancel",
        setup="import sys\nimport replicate\nfrom replicate.helpers import FileOutput\n"
        'sys.modules["replicate.run"].transform_output = FileOutput\n',  # it makes files of https:// URLs only
        environment={"REPLICATE_API_TOKEN": "x", "REPLICATE_BASE_URL": "{url}", "REPLICATE_POLL_INTERVAL": "0.1"},
    ),
    Peer(
        "fal-client",
        "fal_client",
        "import fal_client\nimport httpx\n"
        'result = fal_client.subscribe("kinora/lake", arguments={"prompt": "a lake"})\n'
        'open("out.mp4", "wb").write(httpx.get(result["video"]["url"]).content)\n',
        'import fal_client\nfal_client.subscribe("kinora/lake", arguments={"resolution": "720p"})\n',
        ("720p", "721p"),
        "from fal_client import SyncRequestHandle as C; C.cancel",
        setup='import fal_client.client\nfal_client.client.QUEUE_URL_FORMAT = "{url}/"\n',
        environment={"FAL_KEY": "x"},
    ),
    Peer(
        "openai",
        "openai",
        "from openai import OpenAI\nclient = OpenAI()\n"
        'video = client.videos.create_and_poll(model="sora-2", prompt="a lake")\n'
        'client.videos.download_content(video.id).write_to_file("out.mp4")\n',
        'from openai import OpenAI\nOpenAI().videos.create(model="sora-2", prompt="a lake", size="1280x720")\n',
        ("1280x720", "1280x721"),
        "from openai.resources.videos import Videos as C; C.cancel",
        environment={"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": "{url}/v1"},
    ),
)


@contextmanager
def studio(moment: str) -> Iterator[tuple[str, list[str]]]:
    """Run a server that has the API of all peers and cuts once. Yield its URL and the list of its films."""
    films: list[str] = []
    by_key: dict[str, str] = {}
    numbers = count(1)
    cuts = [moment]

    def cut(here: str) -> bool:
        if here not in cuts:
            return False
        cuts.remove(here)
        return True

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            if cut("unread"):
                return self._end()
            self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.path.endswith("ws-ticket"):
                return self._answer({}, 404)
            if cut("429"):
                return self._answer({"detail": "busy"}, 429)
            key = self.headers.get("idempotency-key")
            film = by_key.get(key) if key else None
            if film is None:
                film = f"film{next(numbers)}"
                films.append(film)
                if key:
                    by_key[key] = film
            if cut("unanswered"):
                return self._end()
            if cut("503"):
                return self._answer({"detail": "broken"}, 503)
            return self._answer(self._begun(film, ready=False), 201, half=cut("half"))

        def do_GET(self) -> None:
            if self.path.endswith(("/content", ".mp4")):
                return self._send(FILM, "video/mp4", 200, half=cut("download"))
            if self.path.startswith("/ws"):
                return self._answer({}, 404)
            if cut("poll"):
                return self._end()
            film = next(part for part in reversed(self.path.split("?")[0].split("/")) if part.startswith("film"))
            if self.path.split("?")[0].endswith("/result"):
                return self._answer({"video": {"url": f"{url}/{film}.mp4"}})
            return self._answer(self._begun(film, ready=True))

        def _begun(self, film: str, *, ready: bool) -> dict[str, Any]:
            """Return a film in the forms of all peers: their names do not collide, except in `status`."""
            if "/predictions" in self.path:
                status, output = ("succeeded", f"{url}/{film}.mp4") if ready else ("starting", None)
                own: dict[str, Any] = {"status": status, "output": output, "input": {}, "model": "m", "version": "v",
                                       "urls": {"get": f"{url}/v1/predictions/{film}", "cancel": url}}  # fmt: skip
            elif "/videos" in self.path:
                own = {"status": "completed" if ready else "queued", "object": "video", "model": "sora-2",
                       "size": "1x1", "seconds": "4", "created_at": 1, "progress": 100 if ready else 0}  # fmt: skip
            elif "/api/" in self.path:
                own = {"status": "COMPLETED" if ready else "QUEUED", "progress": 0, "seq": 2 if ready else 1,
                       "videoUrl": f"{url}/{film}.mp4" if ready else None, "credits": 30, "steps": []}  # fmt: skip
            else:
                at = f"{url}/requests/{film}"
                own = {"request_id": film, "status_url": f"{at}/status", "response_url": f"{at}/result",
                       "cancel_url": f"{at}/cancel", "status": "COMPLETED", "logs": [], "metrics": {}}  # fmt: skip
            return {"id": film, **own}

        def _answer(self, value: dict[str, Any], status: int = 200, *, half: bool = False) -> None:
            self._send(json.dumps(value).encode(), "application/json", status, half=half)

        def _send(self, body: bytes, kind: str, status: int, *, half: bool = False) -> None:
            self.send_response(status)
            for name, text in {"content-type": kind, "content-length": str(len(body)), "retry-after": "1",
                               "openai-poll-after-ms": "100"}.items():  # fmt: skip
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if half else body)
            if half:
                self._end()

        def _end(self) -> None:
            self.wfile.flush()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield url, films
    finally:
        server.shutdown()
        server.server_close()


def run(
    *command: str | Path, folder: Path = FOLDER, seconds: int = SECONDS, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(FOLDER), "PYTHONPATH": "", **(variables or {})}
    return subprocess.run(  # noqa: S603  # our own arguments
        [*map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=seconds
    )


def installed(peer: Peer) -> str:
    """Install the newest release into a new environment, kinora as its wheel, and return the version."""
    shutil.rmtree(FOLDER / peer.package, ignore_errors=True)
    source = str(ROOT / "clients" / "python") if peer.package == "kinora" else peer.package
    subprocess.run([BIN / "uv", "venv", "--quiet", "--python", BIN / "python", FOLDER / peer.package], check=True)  # noqa: S603  # our own arguments
    subprocess.run(  # noqa: S603  # our own arguments
        [BIN / "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", peer.python, source], check=True
    )
    shown = run(peer.python, "-c", f"from importlib.metadata import version; print(version({peer.package!r}))")
    return shown.stdout.strip()


def outcome(peer: Peer, moment: str) -> str:
    """Run the program while the server cuts at the moment. Return its result and the number of films."""
    folder = FOLDER / "runs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with studio(moment) as (url, films):
        variables = {name: value.replace("{url}", url) for name, value in peer.environment.items()}
        try:
            done = run(
                peer.python, "-c", peer.setup.replace("{url}", url) + peer.program, folder=folder, variables=variables
            )
            raised = re.findall(r"^(?:\w+\.)*([A-Z]\w*)(?::|$)", done.stderr, re.MULTILINE)
            error = raised[-1] if raised else ""
        except subprocess.TimeoutExpired:
            error = f"no end in {SECONDS} s"
        saved = (folder / "out.mp4").read_bytes() if (folder / "out.mp4").exists() else b""
        result = "film" if saved == FILM else "**a broken film, and no error**" if saved and not error else error
        paid = len(films)
    return f"{result}, {f'**{paid} paid**' if paid > 1 else f'{paid} paid'}"


def import_seconds() -> dict[str, float]:
    """Return the CPU time of each import, beyond that of Python: the median of interleaved runs."""
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for peer in PEERS:
            for name, code in (("", "pass"), (peer.package, f"import {peer.module}")):
                before = os.times()
                run(peer.python, "-c", code)
                after = os.times()
                spent = after.children_user + after.children_system - before.children_user - before.children_system
                times.setdefault(name, []).append(spent)
    bare = median(times.pop(""))
    return {package: median(spent) - bare for package, spent in times.items()}


def size(peer: Peer) -> str:
    """Return the size of the installed files without bytecode, and the number of packages."""
    [packages] = (FOLDER / peer.package / "lib").glob("*/site-packages")
    files = [path for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return f"{sum(path.stat().st_size for path in files) / 1e6:.0f} MB, {len([*packages.glob('*.dist-info')])} packages"


def types(peer: Peer) -> str:
    """Return whether mypy --strict accepts a program, and refuses it with a wrong setting."""
    file = FOLDER / f"{peer.module}_typed.py"
    verdicts = []
    for program in (peer.typed, peer.typed.replace(*peer.wrong)):
        file.write_text(program)
        checked = run(
            BIN / "mypy", "--config-file=", "--strict", f"--python-executable={peer.python}", file, seconds=600
        )
        verdicts.append(checked.returncode == 0)
    accepted, wrong_accepted = verdicts
    if not accepted:
        return "a right program is refused"
    return "the setting is not checked" if wrong_accepted else "the setting is checked"


def cancels(peer: Peer) -> str:
    return "yes" if run(peer.python, "-c", peer.cancel).returncode == 0 else "no"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    versions = {peer.package: installed(peer) for peer in PEERS}
    facts = [
        ["lines to the first film", *(str(len(peer.program.splitlines())) for peer in PEERS)],
        ["installed", *map(size, PEERS)],
        ["a wrong setting under `mypy --strict`", *map(types, PEERS)],
        ["cancel of a running film", *map(cancels, PEERS)],
    ]
    moments = [[text, *(outcome(peer, moment) for peer in PEERS)] for moment, text in MOMENTS.items()]
    spent = import_seconds()
    ratios = [f"{spent[peer.package] / spent['replicate']:.2f} ({spent[peer.package]:.2f} s)" for peer in PEERS]
    facts.insert(2, ["CPU time of the import, as a part of replicate's", *ratios])
    names = ["", *(f"{peer.package} {versions[peer.package]}" for peer in PEERS)]
    text = PAGE.read_text()
    for name, found in (("facts", table(names, facts)), ("moments", table(names, moments))):
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        text = (
            f"{before}<!-- {name} -->\n{found}\n<!-- end of {name} -->" + rest.partition(f"<!-- end of {name} -->")[2]
        )
    date = time.strftime("%Y-%m-%d", time.gmtime())
    PAGE.write_text(re.sub(r"Measured on \d{4}-\d\d-\d\d", f"Measured on {date}", text))


if __name__ == "__main__":
    main()
