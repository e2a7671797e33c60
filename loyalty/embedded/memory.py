"""How much memory the embedded server takes for its buffers."""

import os
from pathlib import Path
from typing import Final

_MB: Final = 1 << 20
_LEAST: Final = 128 * _MB
_MOST: Final = 1024 * _MB
_UNKNOWN: Final = 1024 * _MB
_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


def shared_buffers(memory: int) -> str:
    """Return PostgreSQL's `shared_buffers` for so many bytes of memory: a quarter, from 128 MB to 1 GB.

    A quarter is what PostgreSQL's manual advises for a server of its own. Memory is only taken as pages are read, so a
    small database doesn't come near it.
    """
    return f"{min(max(memory // 4, _LEAST), _MOST) // _MB}MB"


def available(limit: Path = _LIMIT) -> int:
    """Return the bytes that the machine has, or the container, if it has less; 1 GB where nobody tells."""
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no such call, macOS not every name
        machine = _UNKNOWN
    try:
        return min(machine, int(limit.read_text("ascii")))
    except (OSError, ValueError):  # there is no limit, or it is "max"
        return machine
