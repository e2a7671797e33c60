"""Becomes a PostgreSQL program that may not outlive its parent and doesn't run as root.

Run as a script by `loyalty.embedded.programs`, in an interpreter of its own: code between fork and exec of a process
with threads may deadlock, a fresh process may do as it likes. It imports nothing but the standard library.

    python -I -S child.py MODE PARENT_PID PROGRAM [ARGUMENT ...]

    plain      as the user we are
    namespace  in a user namespace, where root, or a user without a name, appears as `nobody` and keeps its files
    user       root only, where namespaces are forbidden (many containers): as `nobody`
"""

import ctypes
import os
import signal
import sys

NOBODY = 65534
# From linux/sched.h, linux/prctl.h and linux/capability.h.
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def main(mode: str, parent: int, command: list[str]) -> None:
    if mode == "namespace":
        enter_namespace()
    elif mode == "user":
        become_nobody()
    die_with(parent)
    os.execv(command[0], command)  # noqa: S606  (the point is to become that program)


def enter_namespace() -> None:
    """Appear as `nobody` to ourselves, while remaining who we are, with our files, to everyone else."""
    user, group = os.getuid(), os.getgid()
    libc = _libc()
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed here")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{NOBODY} {user} 1")
    _write("/proc/self/gid_map", f"{NOBODY} {group} 1")


def become_nobody() -> None:
    """Turn into `nobody`, able to reach directories below others that only root may enter, such as /root."""
    libc = _libc()
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    # Where the capability isn't to be had we go on without it: it matters for such directories only.
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    wanted = 1 << CAP_DAC_OVERRIDE
    libc.capset(header, (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0))
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def die_with(parent: int) -> None:
    """Ask the kernel for SIGINT, PostgreSQL's fast shutdown, when the parent dies, be it by kill -9."""
    if sys.platform != "linux":
        return
    # After any change of identity, which would clear it.
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent died first")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123  (pathlib costs a third of the start)
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
