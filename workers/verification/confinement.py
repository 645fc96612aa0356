"""Limits of the kernel on the process that decodes uploads, so that it cannot read the credentials of its parent.

Linux only; other systems run the laptop cloud, whose credentials open nothing. The numbers are those of linux/prctl.h,
linux/capability.h, linux/landlock.h and seccomp.h. Not every host has Landlock, but every one has seccomp (ADR 27).
"""

import ctypes
import errno
import os
import struct
import sys
from pathlib import Path

UNCONFINED = 3  # exit status of the decoding process if the kernel refuses a limit

_SET_DUMPABLE, _SET_NO_NEW_PRIVS = 4, 38  # of prctl
_CAPABILITY_VERSION_3 = 0x20080522
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, equal on all processors
_PATH_BENEATH = 1
_EXECUTE, _WRITE_AND_MAKE = 1 << 0, 1 << 1 | sum(1 << bit for bit in range(4, 13))

_ALLOW, _REFUSE, _NOT_EQUAL = 0x7FFF0000, 0x00050000 | errno.EPERM, 1  # of libseccomp
# System calls that reach the network, another process, a program or the kernel's rarely used parts.
_REFUSED = (
    *("socket", "socketpair", "io_uring_setup", "execve", "execveat", "open_by_handle_at"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open", "pidfd_getfd", "kcmp"),
    *("kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"),
    *("bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "mount", "unshare", "setns"),
)


class Unconfined(Exception):
    """The kernel has refused a limit of the decoding process. This says nothing about the upload."""


class _Comparison(ctypes.Structure):
    """`scmp_arg_cmp`: an argument of a system call is compared with a value."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def hide() -> None:
    """Forbid processes without CAP_SYS_PTRACE to read this process's memory and environment."""
    if sys.platform == "linux":
        _checked(_libc().prctl(_SET_DUMPABLE, 0, 0, 0, 0))


def confine(folder: Path) -> None:
    """Give up all capabilities, new privileges, programs, sockets, and files to write outside `folder`, for good.

    A kernel with Landlock also forbids reading any process outside. A kernel without it has the other limits. A system
    without libseccomp has those of Landlock; Debian and Ubuntu, on which the worker images are based, have it.
    """
    if sys.platform != "linux":
        return
    libc = _libc()
    _checked(libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.capset(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)))
    _confine_files(libc, folder)
    _refuse_calls()


def _confine_files(libc: ctypes.CDLL, folder: Path) -> None:
    handled = _EXECUTE | _WRITE_AND_MAKE
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack("=Q", handled), ctypes.c_size_t(8), 0)
    if ruleset < 0:  # the kernel has no Landlock, or its boot parameters disable it
        return
    beneath = os.open(folder, os.O_PATH)
    _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", _WRITE_AND_MAKE, beneath), 0))
    _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(beneath)
    os.close(ruleset)


def _refuse_calls() -> None:
    """Make the refused system calls fail with EPERM."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
    refuse = ctypes.c_uint32(_REFUSE)
    for name in _REFUSED:
        if (number := library.seccomp_syscall_resolve_name(name.encode())) >= 0:  # negative: unknown to the library
            _accepted(library.seccomp_rule_add_array(rules, refuse, number, 0, None))
    another_process = _Comparison(arg=0, op=_NOT_EQUAL, a=os.getpid())
    signal_thread = library.seccomp_syscall_resolve_name(b"tgkill")  # `abort` sends its signal to an own thread
    _accepted(library.seccomp_rule_add_array(rules, refuse, signal_thread, 1, ctypes.byref(another_process)))
    _accepted(library.seccomp_load(rules))


def _accepted(result: int) -> None:
    if result < 0:
        raise OSError(-result, "libseccomp refused a limit of the decoding process")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "the kernel refused a limit of the decoding process")
