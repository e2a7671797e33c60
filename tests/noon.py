"""A place where it is about noon, for a service under test: its day can't turn while the tests run."""

import datetime as dt
from pathlib import Path
from typing import Final

from loyalty.program.model import HOUSE

_NOW: Final = dt.datetime.now(dt.UTC)

ZONE: Final = f"Etc/GMT{_NOW.hour - 12:+d}"
"""Where it is noon. Such names count westwards: `Etc/GMT-8` is eight hours ahead of Greenwich."""

TODAY: Final = _NOW.date()
"""The day of that place, which is Greenwich's own as long as it is near noon there."""


PROGRAM: Final = HOUSE.read_text("utf-8").replace("Asia/Shanghai", ZONE)
"""The house program in that place."""


def program_at_noon(directory: Path) -> dict[str, str]:
    """Write the program into a directory, made if need be; return the setting that names it."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / "noon.toml"
    path.write_text(PROGRAM, "utf-8")
    return {"LOYALTY_PROGRAM": str(path)}
