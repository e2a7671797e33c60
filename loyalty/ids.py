"""Identifiers: UUIDv7 whose last 16 bits name the shard, written with a prefix (`mem_…`, `sty_…`, `jrn_…`).

An id sorts by the time it was minted and tells its shard without a lookup. So does a member number, by its CRC-32.
"""

import random
import zlib
from collections.abc import Callable
from time import time_ns
from typing import Final

# asyncpg reads and writes this class; it is several times cheaper to make, compare and hash than uuid.UUID,
# as which it also counts.
from asyncpg.pgproto.pgproto import UUID

__all__ = ["UUID", "Mint", "minter", "number_shard", "parse", "shard_of", "show"]

Mint = Callable[[int], UUID]
"""Makes a fresh id for a shard."""

_VERSION_7: Final = 7 << 76
_VARIANT: Final = 2 << 62
_HEX_DIGITS: Final = 32


def minter(
    milliseconds: Callable[[], int] | None = None, bits: Callable[[int], int] = random.getrandbits
) -> Mint:
    """Return a mint: 48 bits of milliseconds, a 12-bit counter within them, 46 random bits, 16 bits of shard."""
    last = counter = 0

    def mint(shard: int) -> UUID:
        nonlocal last, counter
        now = time_ns() // 1_000_000 if milliseconds is None else milliseconds()
        if now > last:
            last, counter = now, 0
        else:  # the same millisecond, or a clock set back: stay sorted
            counter += 1
            last, counter = last + (counter >> 12), counter & 0xFFF
        value = last << 80 | _VERSION_7 | counter << 64 | _VARIANT | bits(46) << 16 | shard
        return UUID(value.to_bytes(16, "big"))

    return mint


def show(prefix: str, value: UUID) -> str:
    """Write an id as the API shows it: the prefix and 32 hexadecimal digits."""
    return f"{prefix}_{value.bytes.hex()}"


def parse(prefix: str, text: str) -> UUID | None:
    """Read an id as the API shows it; None when it isn't one."""
    head, _, digits = text.partition("_")
    if head != prefix or len(digits) != _HEX_DIGITS or digits != digits.lower():
        return None
    try:
        return UUID(bytes.fromhex(digits))
    except ValueError:
        return None


def shard_of(value: UUID) -> int:
    """Return the shard that an id names."""
    tail = value.bytes
    return tail[14] << 8 | tail[15]


def number_shard(number: str, shards: int) -> int:
    """Return the shard where the member of this number lives."""
    return zlib.crc32(number.encode()) % shards
