"""`python -m tests.house.proof [word]`: remove each guard of the list in a copy of the tree, show the test that fails.

With a word, only the guards whose name or file contains it. The exit status is 1 if a guard survives.
"""

import re
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from os import utime
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic

from tests.house.guards import GUARDS, RemovedGuard
from tests.house.trials import ROOT, copied, one_test

PROCESSES = 2
FAILED = re.compile(r"FAILED (tests/\S+)")  # a test that failed; an error before or after it proves nothing


@cache
def tree() -> Path:
    """Return this process's copy of the tree, with DynamoDB Local, which some tests need."""
    tree = copied(Path(mkdtemp(prefix="kinora-proof-")) / "tree")
    (tree / "build").mkdir()
    (tree / "build" / "node_modules").symlink_to(ROOT / "build" / "node_modules")
    return tree


def failed_test(tests: tuple[str, ...]) -> str | None:
    """Run the tests in the tree and return the first that failed, or None."""
    _, output = one_test(*tests).run(tree())
    found = FAILED.search(output)
    return found.group(1) if found else None


def prove(guard: RemovedGuard) -> tuple[str | None, float]:
    """Return the test that failed without the guard, and the duration in seconds."""
    began = monotonic()
    files = {tree() / removal.path for removal in guard.removals}
    before = {file: (file.read_text(), file.stat()) for file in files}
    try:
        for removal in guard.removals:
            removal.apply(tree())
        return failed_test(guard.tests), monotonic() - began
    finally:
        for file, (text, stat) in before.items():
            file.write_text(text)
            utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # so that the compiled module is valid again


def _show(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(word: str = "") -> int:
    chosen = [guard for guard in GUARDS if word in guard.name or any(word in r.path for r in guard.removals)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        tests = tuple(sorted({test for guard in chosen for test in guard.tests}))
        if failed := pool.submit(failed_test, tests).result():
            _show(f"{failed} fails although every guard is in place.")
            return 1
        survivors = 0
        _show("| guard | invariant | test that failed without it | seconds |\n|---|---|---|---|")
        for guard, (test, seconds) in zip(chosen, pool.map(prove, chosen), strict=True):
            survivors += test is None
            _show(f"| {guard.name} | {guard.invariant} | {test or '**survived**'} | {seconds:.0f} |")
    _show(f"\n{len(chosen)} guards, {survivors} survived.")
    return survivors > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
