"""Runs a module as a child of the laptop cloud: it dies with its parent, however the parent died.

`python -m local.child LIFELINE MODULE ARGUMENT...`. The lifeline is a pipe whose other end only the parent holds:
the kernel closes it when the parent is gone, even by SIGKILL.
"""

import os
import runpy
import signal
import sys
import threading


def _die_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)  # the group is ours alone: the cloud starts each child in a session of its own


def main() -> None:
    lifeline, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_die_with_parent, args=(lifeline,), daemon=True).start()
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
