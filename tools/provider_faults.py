"""`python -m tools.provider_faults REPORT...`: the sums of what `make provider-faults` counted, as a Markdown table."""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree


def counted(reports: Iterable[Path]) -> Counter[str]:
    """Return the sums of the properties of all tests in pytest's JUnit reports."""
    sums: Counter[str] = Counter()
    for report in reports:
        for one in ElementTree.parse(report).iter("property"):  # noqa: S314  # pytest of this repository wrote it
            sums[one.attrib["name"]] += int(one.attrib["value"])
    return sums


def main(*reports: str) -> None:
    print("| counted | number |\n|---|---|")
    for name, number in sorted(counted(map(Path, reports)).items()):
        print(f"| {name} | {number} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
