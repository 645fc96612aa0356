"""Run a module as a child process that ends when its parent ends, even if the parent was killed.

`python -m local.child LIFELINE MODULE ARGUMENT...`. LIFELINE is a pipe's file descriptor. Only the parent has the other
end, and the kernel closes it when the parent ends.
"""

import os
import runpy
import signal
import sys
import threading


def _die_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)  # the cloud starts each child in a session of its own, so the group is this child's


def main() -> None:
    lifeline, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_die_with_parent, args=(lifeline,), daemon=True).start()
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
