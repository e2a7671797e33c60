"""`pgbench`, PostgreSQL's own TPC-B-like benchmark, on the same server: what that server can do without us."""

import contextlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from loyalty.bench.workload import LoadFailedError
from loyalty.embedded import EmbeddedPostgresError, packaged_binaries
from loyalty.settings import Settings

CLIENTS: Final = 16


class Pgbench:
    """A database filled for `pgbench`."""

    def __init__(self, settings: Settings, dsn: str, scale: int) -> None:
        self._program = find_program(settings)
        self._dsn = dsn
        self._scale = scale

    def fill(self) -> None:
        """Make its tables: 100,000 accounts per unit of scale."""
        self._run("--initialize", "--quiet", f"--scale={self._scale}")

    def rate(self, seconds: float) -> float:
        """Return transactions per second, with prepared statements."""
        return parse(
            self._run("--protocol=prepared", f"--client={CLIENTS}", f"--time={max(1, round(seconds))}")
        )

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603
            [self._program, *arguments, self._dsn], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise LoadFailedError(f"pgbench ended with status {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout


def find_program(settings: Settings) -> str:
    """Find `pgbench`: beside the configured PostgreSQL programs, among the packaged ones, or on the PATH."""
    places: list[Path] = [settings.postgres_bin] if settings.postgres_bin else []
    with contextlib.suppress(EmbeddedPostgresError):  # no package for this platform
        places.append(packaged_binaries())
    for place in places:
        if (place / "pgbench").is_file():
            return str(place / "pgbench")
    found = shutil.which("pgbench")
    if found is None:
        raise LoadFailedError("there is no `pgbench`; install PostgreSQL's client programs")
    return found


def parse(output: str) -> float:
    r"""Read the rate from what `pgbench` printed.

    >>> parse("number of failed transactions: 0 (0.000%)\ntps = 5681.805431 (without initial connection time)")
    5681.805431
    """
    failed = re.search(r"failed transactions: (\d+)", output)
    rate = re.search(r"tps = ([0-9.]+)", output)
    if rate is None or (failed and failed[1] != "0"):
        raise LoadFailedError(f"pgbench didn't succeed:\n{output}")
    return float(rate[1])
