"""The files around an embedded server: its locks, its pid file, its socket, its log."""

import contextlib
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import IO, Final

from loyalty.embedded import child
from loyalty.embedded.programs import EmbeddedPostgresError

PORT: Final = 5432
"""Only names the socket file; no port is opened."""

SOCKETS_PREFIX: Final = "loyalty-"
LONGEST_SOCKET_PATH: Final = 103
LARGEST_LOG: Final = 10 * 1024 * 1024


def make_private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = directory.stat().st_uid
    if os.geteuid() not in {0, owner}:
        raise EmbeddedPostgresError(
            f"{directory} belongs to another user (number {owner}); run as that user or choose another LOYALTY_DATA_DIR"
        )


def give_to(cluster: Path, mode: str) -> None:
    """As root, make the files belong to whom the server will run as; it may be another than last time."""
    if mode == "plain":
        return
    owner = child.NOBODY if mode == "user" else os.geteuid()
    if cluster.stat().st_uid != owner:
        for place in (cluster, *cluster.rglob("*")):
            os.chown(place, owner, owner, follow_symlinks=False)


def lock(path: Path, stack: contextlib.ExitStack) -> int | None:
    """Take the lock, to be held until the stack unwinds and every process that inherits it has ended."""
    import fcntl  # there is none on Windows, where this module must still load

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    stack.callback(os.close, descriptor)
    return descriptor


def ready_sockets(cluster: Path, pid: int | None = None) -> Path | None:
    """Return the socket directory of the server (with that process number) once its pid file says it is ready."""
    try:
        lines = (cluster / "postmaster.pid").read_text("utf-8").split("\n")
    except FileNotFoundError:
        return None
    # Process number, data directory, start time, port, socket directory, listen address, shared memory, status.
    if len(lines) < 8 or lines[7].strip() != "ready" or (pid and int(lines[0]) != pid):  # noqa: PLR2004
        return None
    return Path(lines[4])


def answers(sockets: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(sockets / f".s.PGSQL.{PORT}")) == 0


def clear_stale_pid(cluster: Path) -> None:
    """Remove the pid file of a server that was killed, if its number now belongs to some other program.

    PostgreSQL sees for itself that a number is free, but takes any living process of ours for a server. In a
    container, where numbers are small and the same after each start, that would keep the database down for good.
    """
    path = cluster / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError):
        pid = int(path.read_text("utf-8").split("\n", 1)[0])
        if Path(f"/proc/{pid}/comm").read_text("utf-8").strip() != "postgres":
            path.unlink()


def socket_dir(record: Path, mode: str, stack: contextlib.ExitStack) -> Path:
    """Make a private directory with a short name; sweep up the one of an earlier server that was killed."""
    with contextlib.suppress(OSError):
        earlier = Path(record.read_text("utf-8"))
        if earlier.name.startswith(SOCKETS_PREFIX):
            shutil.rmtree(earlier, ignore_errors=True)
    room = LONGEST_SOCKET_PATH - len(f"/{SOCKETS_PREFIX}12345678/.s.PGSQL.{PORT}")
    base = tempfile.gettempdir()
    sockets = Path(tempfile.mkdtemp(prefix=SOCKETS_PREFIX, dir=base if len(base) <= room else "/tmp"))  # noqa: S108
    stack.callback(shutil.rmtree, sockets, ignore_errors=True)
    give_to(sockets, mode)
    record.write_text(str(sockets), "utf-8")
    return sockets


def open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])
