"""What `openapi.json` says may be answered: whatever a test is answered, it must be among that."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_FILE = Path(__file__).parent.parent / "openapi.json"


@cache
def _operations() -> list[tuple[str, re.Pattern[str], frozenset[int]]]:
    """Return method, path and statuses of each operation; paths without parameters first."""
    paths: dict[str, dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))["paths"]
    return [
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path)), frozenset(map(int, operation["responses"])))
        for path, item in sorted(paths.items(), key=lambda one: "{" in one[0])
        for method, operation in item.items()
        if "responses" in operation
    ]  # fmt: skip


def statuses(method: str, url: str) -> frozenset[int] | None:
    """Return the statuses that a request may be answered with; None where the document doesn't know its path."""
    path = unquote(urlsplit(url).path)
    return next(
        (told for known, pattern, told in _operations() if known == method and pattern.fullmatch(path)), None
    )
