"""The demo's own service: an empty database in a folder of its own, a port, and keys."""

import contextlib
import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from loyalty import db, moving
from loyalty.demo.partners import NAMES
from loyalty.embedded import open_database
from loyalty.http.auth import Role
from loyalty.http.keys_command import create_key
from loyalty.opening import open_service
from loyalty.program.model import HOUSE
from loyalty.serve import RunningService, running_service
from loyalty.settings import Settings

ADDITIONS: Final = files("loyalty.demo") / "additions.toml"

OWNER_LOCK: Final = "owner.lock"
"""Held by whoever runs the embedded database of a folder."""


class Keys(Struct, frozen=True):
    """A key of each role, that of a second operator, and one of each partner."""

    by_role: Mapping[Role, str]
    supervisor: str
    partners: Mapping[str, str]


class DemoRunningError(Exception):
    """The folder of the demo is in use; the message says where."""


def own_settings(settings: Settings) -> Settings:
    """The same installation, but with the embedded database in the folder `demo`."""
    return replace(settings, database_url=None, embedded_dsn=None, data_dir=settings.data_dir / "demo")


def empty(folder: Path) -> None:
    """Remove what an earlier demo left; raise DemoRunningError while one is running."""
    if _in_use(folder / OWNER_LOCK):
        raise DemoRunningError(f"another demo is running in {folder}; stop it first")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def start(settings: Settings, port: int | None) -> AbstractContextManager[RunningService]:
    """Run the service on the port asked for, else on the usual one if it is free, else on any."""
    if port is None:
        port = settings.port if is_free(settings.host, settings.port) else 0
    program = write_program(settings.data_dir)
    env = {"LOYALTY_HOST": settings.host, "LOYALTY_PORT": str(port), "LOYALTY_PROGRAM": str(program)}
    if settings.postgres_bin:
        env["LOYALTY_POSTGRES_BIN"] = str(settings.postgres_bin)
    return running_service(settings.data_dir, env=env)


def write_program(folder: Path) -> Path:
    """Write the rules of the made-up group: those of the house, and what the group adds."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "program.toml"
    path.write_text(f"{HOUSE.read_text('utf-8')}\n{ADDITIONS.read_text('utf-8')}", "utf-8")
    return path


async def pay_referrals(settings: Settings) -> None:
    """Look at the referrals that wait, as the service does each minute."""
    with open_database(settings) as dsn:
        async with open_service(settings, dsn) as service:
            await moving.pay_referrals(service)


async def make_keys(settings: Settings) -> Keys:
    """One key of each role, of a second operator and of each partner, made as `loyalty keys create` makes them."""
    with open_database(settings) as dsn:
        connection = await db.connect(dsn, role=db.SERVICE_ROLE)
        try:
            ours = [role for role in Role if role != Role.PARTNER]
            by_role = {role: (await create_key(connection, role, f"demo {role}"))[0].key for role in ours}
            supervisor, _ = await create_key(connection, Role.OPERATOR, "demo supervisor")
            partners = {
                code: (await create_key(connection, Role.PARTNER, name, partner=code))[0].key
                for code, (name, _) in NAMES.items()
            }
        finally:
            await connection.close()
    return Keys(by_role, supervisor.key, partners)


def _in_use(lock: Path) -> bool:
    if os.name != "posix" or not lock.exists():
        return False
    import fcntl

    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
