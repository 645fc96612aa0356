"""Many films from a table. A batch that is killed and resumed makes and pays each film once.

The folder has a journal. Its first line has the batch's id and project. Each row has an Idempotency-Key that follows
from the id and the row, so a submit whose answer was lost is repeated without a second job, for 24 hours.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .errors import FilmFailed, KinoraError, RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .client import Kinora
    from .films import Film

JOURNAL = ".kinora-batch.jsonl"
FILES = ("image", "motion", "audio", "captions")
NUMBERS: dict[str, type] = {"duration": float, "strength": float, "fps": int, "seed": int}
TEXTS = ("preset", "aspect_ratio", "resolution", "style", "transfer")
FULL_SECONDS = 5.0  # until the next try while the account's queue is full


@dataclass(frozen=True)
class Row:
    """A row of the table. `id` follows from its content, and from its number among equal rows."""

    number: int
    id: str
    prompt: str
    options: dict[str, Any]
    files: dict[str, str]

    @property
    def file_name(self) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", self.prompt.lower()).strip("-")[:50]
        return f"{self.number:03d}-{slug or 'film'}.mp4"


def rows_of(path: Path) -> list[Row]:
    """Return the rows of a CSV file. Raise KinoraError for an unknown column, a wrong number or an empty prompt."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        columns = {name.strip().lower() for name in table.fieldnames or ()}
        if "prompt" not in columns:
            raise KinoraError(f"{path} has no column `prompt`.")
        if unknown := columns - {"prompt", *FILES, *NUMBERS, *TEXTS}:
            raise KinoraError(f"{path} has the unknown column {', '.join(sorted(unknown))}.")
        equal: Counter[str] = Counter()
        found = []
        for number, line in enumerate(table, 1):
            cells = {name.strip().lower(): (value or "").strip() for name, value in line.items() if name}
            cells = {name: value for name, value in cells.items() if value}
            content = json.dumps(cells, sort_keys=True)
            equal[content] += 1
            id_ = hashlib.sha256(f"{content}{equal[content]}".encode()).hexdigest()[:32]
            found.append(_row(path, number, id_, cells))
    return found


def _row(path: Path, number: int, id_: str, cells: dict[str, str]) -> Row:
    if "prompt" not in cells:
        raise KinoraError(f"Row {number} of {path} has no prompt.")
    try:
        options = {name: NUMBERS.get(name, str)(cells[name]) for name in (*NUMBERS, *TEXTS) if name in cells}
    except ValueError as error:
        raise KinoraError(f"Row {number} of {path}: {error}.") from None
    return Row(number, id_, cells["prompt"], options, {name: cells[name] for name in FILES if name in cells})


@dataclass
class Journal:
    """The record of what a batch has done, on disk before the next step depends on it."""

    path: Path
    id: str = ""
    project_id: str = ""
    jobs: dict[str, str] = field(default_factory=dict)  # row -> its newest job
    assets: dict[str, str] = field(default_factory=dict)  # file -> its asset
    failures: Counter[str] = field(default_factory=Counter)  # row -> the jobs that failed
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def opened(cls, folder: Path, *, resume: bool, project_id: Callable[[], str]) -> Journal:
        """Open the journal of a folder, or begin one. Raise KinoraError for a batch that is not to be resumed."""
        folder.mkdir(parents=True, exist_ok=True)
        journal = cls(folder / JOURNAL)
        for line in journal._lines():
            journal._apply(line)
        if journal.id and not resume:
            raise KinoraError(f"{folder} already has a batch. Continue it with --resume, or name another folder.")
        if not journal.id:
            journal.write({"batch": str(uuid4()), "project": project_id()})
        return journal

    def write(self, line: dict[str, str]) -> None:
        """Append a line, and return when it is on disk."""
        with self._lock:
            with self.path.open("ab") as file:
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self._apply(line)

    def _lines(self) -> Iterator[dict[str, str]]:
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:  # a write was cut: the next line begins where it began
            os.truncate(self.path, len(whole))
        for line in whole.splitlines():
            yield json.loads(line)

    def _apply(self, line: dict[str, str]) -> None:
        match line:
            case {"batch": id_, "project": project_id}:
                self.id, self.project_id = id_, project_id
            case {"row": row, "job": job_id}:
                self.jobs[row] = job_id
            case {"row": row, "failed": _}:
                self.failures[row] += 1
                self.jobs.pop(row, None)
            case {"file": name, "asset": asset_id}:
                self.assets[name] = asset_id


class Batch:
    """The films of a table, in a folder."""

    def __init__(self, client: Kinora, rows: list[Row], folder: Path, journal: Journal) -> None:
        self._client, self._rows, self._folder, self._journal = client, rows, folder, journal
        self._stopping = threading.Event()

    def run(self, *, parallel: int, report: Callable[[Row, Film | None, str], object]) -> int:
        """Make all films that are missing, and return the number of those that failed.

        `report` is called with a row, its film and a sentence. A failed row is made again by the next run.
        """
        left, results = SimpleQueue[Row](), SimpleQueue["bool | Exception"]()
        for row in self._rows:
            left.put(row)

        def work() -> None:
            try:
                while not self._stopping.is_set():
                    results.put(self._made(left.get_nowait(), report))
            except Empty:
                pass
            except Exception as error:  # noqa: BLE001  # the main thread raises it
                results.put(error)

        for _ in range(parallel):  # daemons: at Ctrl-C the program does not wait for their films
            threading.Thread(target=work, daemon=True).start()
        failed = 0
        try:
            for _ in self._rows:
                result = results.get()
                if isinstance(result, Exception):
                    raise result
                failed += not result
        finally:
            self._stopping.set()
        return failed

    def _made(self, row: Row, report: Callable[[Row, Film | None, str], object]) -> bool:
        path = self._folder / row.file_name
        if path.exists() and row.id in self._journal.jobs:
            report(row, None, "exists")
            return True
        film = None
        try:
            film = self._film(row)
            film.wait(on_progress=lambda one: report(row, one, ""))
            film.save(path)
        except FilmFailed as failed:
            self._journal.write({"row": row.id, "failed": failed.job_id})
            report(row, film, str(failed))
            return False
        except KinoraError as error:
            report(row, film, str(error))
            return False
        report(row, film, "saved")
        return True

    def _film(self, row: Row) -> Film:
        if known := self._journal.jobs.get(row.id):
            film = self._client.films.get(known)
            if film.status not in {"FAILED", "CANCELLED"}:
                return film
            self._journal.write({"row": row.id, "failed": known})
        files: dict[str, Any] = {role: self._asset(name) for role, name in row.files.items()}
        key = f"{self._journal.id}-{row.id}-{self._journal.failures[row.id]}"
        while True:
            try:
                film = self._client.films.create(
                    row.prompt, project=self._journal.project_id, idempotency_key=key, **files, **row.options
                )
                break
            except RateLimited:  # films of this batch fill the account's queue
                if self._stopping.wait(FULL_SECONDS):
                    raise
        self._journal.write({"row": row.id, "job": film.id})
        return film

    def _asset(self, name: str) -> str:
        """Return the asset of a file. A repeated submit must name the same one."""
        file = Path(name)
        version = f"{name}#{file.stat().st_mtime_ns}" if file.is_file() else name
        if version not in self._journal.assets:
            self._journal.write({"file": version, "asset": self._client.assets.upload(name).id})
        return self._journal.assets[version]
