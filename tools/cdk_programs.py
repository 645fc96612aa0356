"""A process that runs CDK programs one after another. The start of the CDK takes longer than most programs.

A line of its input is a JSON list: the program's Python code and arguments. The answer is a line with its exit status.
The output of the programs goes to the error stream.
"""

import json
import sys
import traceback


def run(program: str) -> int:
    """Run the program as `python -c` does, and return its exit status."""
    try:
        exec(program, {"__name__": "__main__"})  # noqa: S102  # our own programs
    except SystemExit as ended:
        if isinstance(ended.code, int | None):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except Exception:  # noqa: BLE001  # the next program runs anyway
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        program, *sys.argv[1:] = json.loads(line)
        status = run(program)
        sys.stderr.flush()
        answers.write(f"{status}\n")
        answers.flush()


if __name__ == "__main__":
    main()
