"""The embedded PostgreSQL: durable, private, ours alone, and gone when we are."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loyalty.db import connect
from loyalty.embedded import EmbeddedPostgres, EmbeddedPostgresError, open_database, programs
from loyalty.settings import Settings

SMALL = {"shared_buffers": "16MB"}
ROOT = os.geteuid() == 0
LINUX = sys.platform == "linux"

# Runs a server until its input ends, after telling its process number and whether it is its owner.
HOLDER = """
import sys
from pathlib import Path
from loyalty.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), options={"shared_buffers": "16MB"}) as server:
    print(server.pid, int(server.owned), flush=True)
    sys.stdin.read()
"""


def ask(dsn: str, sql: str) -> Any:
    async def run() -> Any:
        connection = await connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def hold(data_dir: Path) -> tuple[subprocess.Popen[str], int, bool]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    pid, owned = process.stdout.readline().split()
    return process, int(pid), owned == "1"


def let_go(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that has been used and closed, as an example to copy."""
    data_dir = tmp_path_factory.mktemp("embedded") / "data"
    with EmbeddedPostgres(data_dir, options=SMALL) as server:
        ask(server.dsn, "CREATE TABLE note (text text)")
    return data_dir


@pytest.fixture
def data_dir(template: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "data"
    subprocess.run(["cp", "-a", str(template), str(copy)], check=True)
    yield copy
    # Where an owner was killed, the next start would do this; here there is none.
    shutil.rmtree((copy / "sockets").read_text(), ignore_errors=True)


def test_a_database_is_durable_and_checks_its_pages(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, options=SMALL) as server:
        names = "fsync", "full_page_writes", "synchronous_commit", "data_checksums", "autovacuum"
        values = {name: ask(server.dsn, f"SELECT current_setting('{name}')") for name in names}
        encoding = ask(server.dsn, "SELECT current_setting('server_encoding')")

    assert dict.fromkeys(names, "on") == values
    assert "UTF8" == encoding


def test_only_a_private_socket_leads_to_it(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, options=SMALL) as server:
        addresses = ask(server.dsn, "SELECT current_setting('listen_addresses')")
        sockets = Path(ask(server.dsn, "SELECT current_setting('unix_socket_directories')"))
        mode = stat.S_IMODE(sockets.stat().st_mode)

    assert ("", 0o700) == (addresses, mode)
    assert not sockets.exists()
    assert 0o700 == stat.S_IMODE((data_dir / "postgres").stat().st_mode)


def test_what_was_committed_is_there_after_a_restart(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, options=SMALL) as server:
        ask(server.dsn, "INSERT INTO note VALUES ('kept')")
    with EmbeddedPostgres(data_dir, options=SMALL) as server:
        assert "kept" == ask(server.dsn, "SELECT text FROM note")


def test_a_variable_meant_for_another_postgresql_does_no_harm(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGPORT": "1",
        "PGHOST": "nowhere",
        "PGDATA": "/none",
        "LC_ALL": "xx_XX.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(data_dir, options=SMALL) as server:
        assert 1 == ask(server.dsn, "SELECT 1")


def test_a_second_process_joins_and_leaves_the_server_running(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, options=SMALL) as server:
        other, pid, owned = hold(data_dir)
        let_go(other)

        assert (server.pid, False) == (pid, owned)
        assert 1 == ask(server.dsn, "SELECT 1")


def test_processes_that_start_at_once_share_one_server(data_dir: Path) -> None:
    held: list[tuple[subprocess.Popen[str], int, bool]] = []
    threads = [threading.Thread(target=lambda: held.append(hold(data_dir))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process, _, _ in sorted(held, key=lambda entry: entry[2]):
        let_go(process)

    assert 1 == len({pid for _, pid, _ in held})
    assert 1 == sum(owned for _, _, owned in held)


def test_who_insists_on_owning_is_told_that_the_place_is_taken(data_dir: Path) -> None:
    with (
        EmbeddedPostgres(data_dir, options=SMALL),
        pytest.raises(EmbeddedPostgresError, match="another loyalty command is using the database"),
        open_database(Settings(data_dir=data_dir), own=True),
    ):
        pytest.fail("unreachable")


@pytest.mark.skipif(not LINUX, reason="only Linux ties a process's life to its parent's")
def test_the_server_goes_down_cleanly_when_its_owner_is_killed(data_dir: Path) -> None:
    owner, pid, _ = hold(data_dir)
    owner.kill()
    owner.communicate()

    assert eventually(lambda: not alive(pid))
    assert "database system is shut down" in (data_dir / "postgres.log").read_text().splitlines()[-1]


def test_a_start_right_after_the_owner_was_killed_waits_and_works(data_dir: Path) -> None:
    owner, pid, _ = hold(data_dir)
    owner.kill()
    owner.communicate()
    with EmbeddedPostgres(data_dir, options=SMALL, join=False) as server:
        assert server.owned
        assert pid != server.pid
        assert 1 == ask(server.dsn, "SELECT 1")


def test_nothing_committed_is_lost_when_the_server_is_killed(data_dir: Path) -> None:
    died = threading.Event()
    with EmbeddedPostgres(data_dir, options=SMALL, on_death=died.set) as server:
        ask(server.dsn, "INSERT INTO note VALUES ('kept')")
        os.kill(server.pid, signal.SIGKILL)

        assert died.wait(20)
    with EmbeddedPostgres(data_dir, options=SMALL) as server:
        assert "kept" == ask(server.dsn, "SELECT text FROM note")


def test_a_clean_stop_is_no_death(data_dir: Path) -> None:
    died = threading.Event()
    with EmbeddedPostgres(data_dir, options=SMALL, on_death=died.set):
        pass

    assert not died.wait(0.2)


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_a_stale_pid_file_that_names_another_program_is_swept_away(data_dir: Path) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    lines = [
        str(bystander.pid),
        str(data_dir / "postgres"),
        "1",
        "5432",
        "/nowhere/loyalty-gone",
        "",
        "1 1",
        "ready   ",
    ]
    (data_dir / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    try:
        with EmbeddedPostgres(data_dir, options=SMALL) as server:
            assert 1 == ask(server.dsn, "SELECT 1")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_socket_directory_left_behind_is_swept_away(data_dir: Path, tmp_path: Path) -> None:
    left = tmp_path / "loyalty-left"
    left.mkdir()
    (data_dir / "sockets").write_text(str(left))
    with EmbeddedPostgres(data_dir, options=SMALL):
        assert not left.exists()


def test_an_interrupted_first_start_leaves_nothing_half_made(tmp_path: Path) -> None:
    (tmp_path / "postgres.new" / "base").mkdir(parents=True)
    with EmbeddedPostgres(tmp_path, durable=False, options=SMALL) as server:
        assert 1 == ask(server.dsn, "SELECT 1")
    assert not (tmp_path / "postgres.new").exists()


def test_a_server_that_does_not_start_says_why(data_dir: Path) -> None:
    with (
        pytest.raises(EmbeddedPostgresError, match='invalid value for parameter "shared_buffers"'),
        EmbeddedPostgres(data_dir, options={"shared_buffers": "plenty"}),
    ):
        pytest.fail("unreachable")


@pytest.mark.skipif(ROOT, reason="root may enter anywhere")
def test_another_users_data_directory_is_refused_by_name() -> None:
    with pytest.raises(EmbeddedPostgresError, match="belongs to another user"):
        EmbeddedPostgres(Path("/")).start()


@pytest.mark.skipif(not (ROOT and LINUX), reason="only root has to change its identity")
def test_as_root_the_data_may_change_hands_between_a_namespace_and_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners: list[int] = []
    for turn, mode in enumerate(("user", "namespace", "user")):
        monkeypatch.setattr(programs, "choose_mode", lambda _binaries, mode=mode: mode)
        with EmbeddedPostgres(tmp_path / "data", durable=False, options=SMALL) as server:
            ask(server.dsn, f"CREATE TABLE turn_{turn} ()")
            owners.append((tmp_path / "data" / "postgres" / "base").stat().st_uid)

    assert [65534, 0, 65534] == owners


@pytest.mark.skipif(not (ROOT and LINUX), reason="only root has to change its identity")
def test_as_nobody_too_the_server_dies_with_its_owner(data_dir: Path) -> None:
    code = "from loyalty.embedded import programs; programs.choose_mode = lambda _: 'user'" + HOLDER
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout
    pid = int(owner.stdout.readline().split()[0])
    owner.kill()
    owner.communicate()

    assert eventually(lambda: not alive(pid))
