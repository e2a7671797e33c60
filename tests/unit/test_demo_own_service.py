"""Where the demo keeps its service: apart from everything else."""

import fcntl
import socket
from pathlib import Path

import pytest

from loyalty.demo.own_service import DemoRunningError, empty, is_free, own_settings
from loyalty.settings import Settings


def test_the_demo_never_uses_the_database_that_is_configured(tmp_path: Path) -> None:
    settings = own_settings(Settings(database_url="postgresql://real", data_dir=tmp_path))

    assert settings.dsn is None
    assert settings.data_dir == tmp_path / "demo"


def test_what_an_earlier_demo_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "demo" / "postgres").mkdir(parents=True)
    (tmp_path / "demo" / "owner.lock").touch()
    (tmp_path / "vault.key").touch()
    empty(tmp_path / "demo")

    assert [path.name for path in tmp_path.iterdir()] == ["vault.key"]


def test_there_need_be_no_earlier_demo(tmp_path: Path) -> None:
    empty(tmp_path / "demo")


def test_a_demo_that_is_running_is_left_alone(tmp_path: Path) -> None:
    with (tmp_path / "owner.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(DemoRunningError, match="another demo is running"):
            empty(tmp_path)
        assert (tmp_path / "owner.lock").exists()


def test_a_port_is_free_until_someone_listens() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = int(listener.getsockname()[1])

        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)
