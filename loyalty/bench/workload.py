"""What a load generator sends: requests of a fixed length that differ only in a key and a counter."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

KEY = "{key}"
COUNTER = "{n}"
MARKS = (KEY, COUNTER, KEY)
"""The marks that a request may have, in this order: none of them, or the first few."""
COUNTER_DIGITS = 10
# The fraction of the keys that lies between two neighbours in time. The golden ratio spreads any number of
# consecutive requests evenly over all members, so no cache is favoured by walking along an index.
GOLDEN = (math.sqrt(5) - 1) / 2


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """A stream of requests; request number `n` names the key at `n * stride` and carries `n` itself.

    `head` ends before the body; `items` are bodies used in turn, `per_request` of them joined by newlines.
    """

    url: str
    head: str
    items: tuple[str, ...] = ("",)
    per_request: int = 1
    keys_file: str
    key_count: int
    stride: int
    must_contain: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a generator: rates per second, latencies in milliseconds, CPU of the generator itself."""

    requests: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    next_counter: int
    generator_us: float
    generator: str
    first_error: str | None = None


def marks_of(text: str) -> list[str]:
    """Return the marks of a request in their order; raise ValueError when it is another one than that of `MARKS`."""
    found = re.findall("|".join(map(re.escape, (KEY, COUNTER))), text)
    if found != list(MARKS[: len(found)]):
        raise ValueError("a request has the key first, then the counter, then perhaps the key again")
    return found


class LoadFailedError(Exception):
    """The service did not answer every request of a measured run with success."""


def write_keys(path: Path, keys: Sequence[str]) -> Path:
    """Write one key a line for the generators to read; all of one length, since requests have a fixed length."""
    if len({len(key) for key in keys}) != 1:
        raise ValueError("the keys of a workload must be of one length, and there must be some")
    path.write_text("\n".join(keys) + "\n", encoding="ascii")
    return path


def stride_for(key_count: int) -> int:
    """Return a step that visits each of `key_count` keys once per lap, far apart in time."""
    stride = max(1, round(key_count * GOLDEN))
    while math.gcd(stride, key_count) != 1:
        stride += 1
    return stride


def get_workload(url: str, path: str, keys_file: Path, key_count: int, *, token: str = "") -> Workload:
    """GET of a path with `{key}` in it."""
    return Workload(
        url=url,
        head=_head("GET", path, url, token),
        keys_file=str(keys_file),
        key_count=key_count,
        stride=stride_for(key_count),
    )


def post_workload(
    url: str,
    path: str,
    items: Sequence[str],
    keys_file: Path,
    key_count: int,
    *,
    token: str = "",
    per_request: int = 1,
    media_type: str = "application/json",
    must_contain: str = "",
    headers: str = "",
) -> Workload:
    """POST of `per_request` items a request, each with its own key and counter.

    `headers` are further lines of the head, each ended; path and headers may have marks where a request has one item.
    """
    key_length = _key_length(keys_file)
    lengths = {_filled_length(item, key_length) for item in items}
    if len(lengths) != 1:
        raise ValueError(f"the items of a workload must be of one length, found {sorted(lengths)}")
    size = per_request * (lengths.pop() + 1) - 1
    extra = f"{headers}Content-Type: {media_type}\r\nContent-Length: {size}\r\n"
    return Workload(
        url=url,
        head=_head("POST", path, url, token, extra),
        items=tuple(items),
        per_request=per_request,
        keys_file=str(keys_file),
        key_count=key_count,
        stride=stride_for(key_count),
        must_contain=must_contain,
    )


def _head(method: str, path: str, url: str, token: str, extra: str = "") -> str:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    host = urlsplit(url).netloc
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n{authorization}{extra}\r\n"
    )


def _key_length(keys_file: Path) -> int:
    with keys_file.open(encoding="ascii") as lines:
        return len(lines.readline().rstrip("\n"))


def _filled_length(item: str, key_length: int) -> int:
    # `n` has as many digits wherever it stands, so the length of an item is known before it is filled.
    return len(item.replace(KEY, "k" * key_length).replace(COUNTER, "0" * COUNTER_DIGITS).encode())
