"""Limits of the kernel on the process that decodes uploads, so that it cannot read the credentials of its parent.

Linux only; other systems run the laptop cloud, whose credentials open nothing. The numbers are those of linux/prctl.h,
linux/capability.h and linux/landlock.h.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

_SET_DUMPABLE, _SET_NO_NEW_PRIVS = 4, 38  # of prctl
_CAPABILITY_VERSION_3 = 0x20080522
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, equal on all processors
_PATH_BENEATH = 1
_EXECUTE, _WRITE_AND_MAKE = 1 << 0, 1 << 1 | sum(1 << bit for bit in range(4, 13))


def hide() -> None:
    """Forbid processes without CAP_SYS_PTRACE to read this process's memory and environment."""
    if sys.platform == "linux":
        _checked(_libc().prctl(_SET_DUMPABLE, 0, 0, 0, 0))


def confine(folder: Path) -> None:
    """Give up all capabilities, new privileges, programs, and files to write outside `folder`, for good.

    A kernel with Landlock also forbids reading any process outside. A kernel without it has the other limits.
    """
    if sys.platform != "linux":
        return
    libc = _libc()
    _checked(libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.capset(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)))
    handled = _EXECUTE | _WRITE_AND_MAKE
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack("=Q", handled), ctypes.c_size_t(8), 0)
    if ruleset < 0:  # the kernel has no Landlock, or its boot parameters disable it
        return
    beneath = os.open(folder, os.O_PATH)
    _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", _WRITE_AND_MAKE, beneath), 0))
    _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(beneath)
    os.close(ruleset)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "the kernel refused a limit of the decoding process")
