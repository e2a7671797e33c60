"""`loyalty serve` as a process, with a small application in the place of the real one."""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loyalty.db import connect
from loyalty.serve import RunningService, ServiceError, running_service

APPLICATION = """
import asyncio, os, sys
from loyalty.db import connect
from loyalty.settings import read_settings

def create_app():
    dsn = read_settings().dsn

    async def lifespan(receive, send):
        await receive()
        if os.environ.get("FAIL"):
            await send({"type": "lifespan.startup.failed", "message": "told to fail"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        connection = await connect(dsn)
        print("drained while the database answers", await connection.fetchval("SELECT 1"), flush=True)
        await connection.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return await lifespan(receive, send)
        if scope["path"] == "/slow":
            await asyncio.sleep(1)
        body = str(os.getpid()).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    return app
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "application.py").write_text(APPLICATION)
    return {"_LOYALTY_APP": "application:create_app", "PYTHONPATH": str(tmp_path)}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve") / "data"


@pytest.fixture(params=["1", "2"])
def service(request: pytest.FixtureRequest, data_dir: Path, env: dict[str, str]) -> Iterator[RunningService]:
    with running_service(data_dir, env=env, arguments=["--workers", request.param]) as running:
        yield running


def get(url: str, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def last_line(path: Path) -> str:
    return path.read_text().splitlines()[-1]


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_what_is_in_flight_and_stops_the_database_last(service: RunningService, word: int) -> None:
    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(get(service.url, "/slow").status))
    slow.start()
    time.sleep(0.3)
    service.process.send_signal(word)
    slow.join()

    assert 0 == service.process.wait(30)
    assert [200] == answers
    assert "drained while the database answers 1" in service.log.read_text()
    assert "database system is shut down" in last_line(service.data_dir / "postgres.log")


def test_ctrl_c_reaches_the_whole_group_yet_the_database_stops_last(service: RunningService) -> None:
    os.killpg(service.process.pid, signal.SIGINT)

    assert 0 == service.process.wait(30)
    assert "drained while the database answers 1" in last_line(service.log)


def test_kill_9_leaves_neither_workers_nor_a_database_behind(service: RunningService) -> None:
    service.process.kill()
    service.process.wait()

    def gone() -> bool:
        try:
            get(service.url, "/")
        except ConnectionError:
            return "database system is shut down" in last_line(service.data_dir / "postgres.log")
        return False

    assert eventually(gone)


def test_it_tells_nobody_what_it_is_made_of(service: RunningService) -> None:
    assert get(service.url, "/").getheader("server") is None


def test_when_the_database_dies_so_does_the_service(data_dir: Path, env: dict[str, str]) -> None:
    with running_service(data_dir, env=env) as service:
        pid = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

        assert 1 == service.process.wait(30)
    assert "the embedded database ended by itself" in service.log.read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_application_that_does_not_start_ends_the_service(
    data_dir: Path, env: dict[str, str], workers: str
) -> None:
    with (
        pytest.raises(ServiceError, match=r"ended with status 3:[\s\S]*told to fail"),
        running_service(data_dir, env=env | {"FAIL": "1"}, arguments=["--workers", workers]),
    ):
        pytest.fail("unreachable")


def test_a_second_service_on_the_same_data_is_refused(data_dir: Path, env: dict[str, str]) -> None:
    with (
        running_service(data_dir, env=env),
        pytest.raises(ServiceError, match="another loyalty command is using"),
        running_service(data_dir, env=env),
    ):
        pytest.fail("unreachable")


def test_a_port_that_is_taken_is_named(data_dir: Path, env: dict[str, str]) -> None:
    with running_service(data_dir, env=env) as service:
        port = service.url.rsplit(":", 1)[1]
        done = subprocess.run(
            [sys.executable, "-m", "loyalty", "serve", "--port", port],
            capture_output=True,
            text=True,
            check=False,
        )

    assert 1 == done.returncode
    assert f"can't listen on 127.0.0.1 port {port}" in done.stderr


def test_a_configured_database_is_used_but_never_migrated(
    data_dir: Path, env: dict[str, str], database: str, empty_database: str
) -> None:
    env |= {"LOYALTY_DATABASE_URL": database, "LOYALTY_VAULT_KEY": "A" * 43}
    with running_service(data_dir, env=env) as service:
        assert 200 == get(service.url, "/").status
    with (
        pytest.raises(ServiceError, match="the database lacks migrations"),
        running_service(data_dir, env=env | {"LOYALTY_DATABASE_URL": empty_database}),
    ):
        pytest.fail("unreachable")

    assert [] == asyncio.run(tables(empty_database))


async def tables(dsn: str) -> list[str]:
    connection = await connect(dsn)
    try:
        return [
            row[0]
            for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
    finally:
        await connection.close()
