"""Runs the service: a database, its schema, the HTTP workers; and stops them in the opposite order."""

import asyncio
import contextlib
import http.client
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from loyalty.embedded import open_database
from loyalty.embedded.programs import as_child
from loyalty.migrate import MigrationError, migrate, outstanding
from loyalty.settings import EMBEDDED_DSN, Settings, SettingsError

APP: Final = "loyalty.app:create_app"
"""Makes the ASGI application, from the environment alone."""

APP_VARIABLE: Final = "_LOYALTY_APP"
GRACE_SECONDS: Final = 10
"""How long requests in flight and open streams may hold a shutdown."""


class ServiceError(Exception):
    """The service didn't start, or died; the message ends with the last lines of its log."""


class RunningService(NamedTuple):
    """A service in a process of its own, ready for requests."""

    url: str
    process: subprocess.Popen[bytes]
    data_dir: Path
    log: Path


def serve(settings: Settings, *, address_file: Path | None = None) -> None:
    """Run the service until SIGTERM or Ctrl-C; then answer what is in flight, and stop the database last.

    Writes the URL to `address_file`, if given, once the port is bound. Exits 1 if the database dies, 3 if the
    application doesn't start.
    """
    signal.signal(signal.SIGTERM, _exit)
    died = threading.Event()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_listen(settings.host, settings.port))
        dsn = stack.enter_context(open_database(settings, own=True, on_death=lambda: _give_up(died)))
        asyncio.run(_prepare(settings, dsn))
        stack.enter_context(_environment_for_workers(settings, dsn))
        if address_file:
            _write_whole(address_file, _url(listener))
        try:
            _run_workers(settings, listener)
        finally:
            # From here on nothing may cut short the database's own clean stop.
            for word in (signal.SIGINT, signal.SIGTERM):
                signal.signal(word, signal.SIG_IGN)
    if died.is_set():
        sys.exit(1)


def worker_app() -> Any:
    """Make the application inside a worker; the factory that uvicorn is given."""
    _stop_with_parent()
    module, _, name = os.environ.get(APP_VARIABLE, APP).partition(":")
    return getattr(__import__(module, fromlist=[name]), name)()


@contextlib.contextmanager
def running_service(
    data_dir: Path,
    *,
    env: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    timeout: float = 60,
) -> Generator[RunningService]:
    """Run `loyalty serve` in a process of its own, on a free port, for as long as the context lasts.

    Ready means that `/health/ready` says so. `LOYALTY_…` variables of our own environment don't reach it; `env`
    holds those that shall. Its output goes to `service.log` in `data_dir`. It ends with us, however we end: call this
    from a thread that lives as long.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = data_dir / "service.log"
    with tempfile.TemporaryDirectory(prefix="loyalty-run-") as run, log.open("ab") as output:
        address_file = Path(run) / "address"
        command = [
            sys.executable,
            "-P",
            "-m",
            "loyalty",
            "serve",
            "--address-file",
            str(address_file),
            *arguments,
        ]
        process = subprocess.Popen(  # noqa: S603
            as_child("plain", command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_service_environment(data_dir, env or {}),
            start_new_session=True,
        )
        try:
            url = _wait_until_ready(process, address_file, log, time.monotonic() + timeout)
            yield RunningService(url, process, data_dir, log)
        finally:
            _stop_service(process)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise SettingsError(
            f"can't listen on {host} port {port}: {reason}; choose another LOYALTY_PORT"
        ) from None
    return listener


async def _prepare(settings: Settings, dsn: str) -> None:
    """Bring our own database up to date. Another's is only looked at: its operator decides when it changes."""
    if settings.database_url is None:
        await migrate(dsn, shards=settings.shards)
    elif missing := await outstanding(dsn):
        names = ", ".join(str(migration) for migration in missing)
        raise MigrationError(f"the database lacks migrations ({names}); run `loyalty migrate` first")


@contextlib.contextmanager
def _environment_for_workers(settings: Settings, dsn: str) -> Generator[None]:
    """Tell the workers, which read their settings from the environment, what the command line and we decided."""
    os.environ |= {
        f"LOYALTY_{name.upper()}": str(getattr(settings, name)) for name in ("host", "port", "workers")
    }
    if settings.database_url is None:
        os.environ[EMBEDDED_DSN] = dsn
    if settings.workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="loyalty-metrics-") as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        yield


def _run_workers(settings: Settings, listener: socket.socket) -> None:
    import uvicorn
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    from loyalty.http.protocol import OneWriteProtocol

    config = uvicorn.Config(
        "loyalty.serve:worker_app",
        factory=True,
        workers=settings.workers,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=OneWriteProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=2048,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    if settings.workers > 1:
        supervisor = Multiprocess(config, sockets=[listener])
        supervisor.run()
        failed = any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes)
    else:
        server = uvicorn.Server(config)
        # Having drained, uvicorn raises the signal again that it was stopped by.
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            server.run(sockets=[listener])
        failed = not server.started
    if failed:
        sys.exit(STARTUP_FAILURE)


def _exit(*_: object) -> NoReturn:
    # As an exception it lets everything that was begun be ended in order, first of all the database.
    sys.exit(0)


def _give_up(died: threading.Event) -> None:
    died.set()
    print("the embedded database ended by itself; stopping (see postgres.log)", file=sys.stderr, flush=True)  # noqa: T201
    os.kill(os.getpid(), signal.SIGTERM)


def _stop_with_parent() -> None:
    """In one worker of several: shut down if the process that started us is gone, which uvicorn doesn't notice."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _url(listener: socket.socket) -> str:
    host: str
    port: int
    host, port = listener.getsockname()[:2]
    # What listens everywhere is reached here.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(text, "utf-8")
    draft.replace(path)


def _service_environment(data_dir: Path, env: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.lstrip("_").startswith("LOYALTY_")
    }
    return inherited | {"LOYALTY_DATA_DIR": str(data_dir), "LOYALTY_PORT": "0"} | dict(env)


def _wait_until_ready(
    process: subprocess.Popen[bytes], address_file: Path, log: Path, deadline: float
) -> str:
    while not (address_file.exists() and _answers(address_file.read_text("utf-8"))):
        if process.poll() is not None:
            raise ServiceError(f"the service ended with status {process.returncode}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise ServiceError(f"the service isn't getting ready:\n{_tail(log)}")
        time.sleep(0.02)
    return address_file.read_text("utf-8")


def _answers(url: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop_service(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE_SECONDS + 80)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])
