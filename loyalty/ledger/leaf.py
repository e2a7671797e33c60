"""The leaf hash of a journal: SHA-256 over all that was written of it.

Numbers have a fixed width and texts their length in front, so no two different journals have the same bytes. The
transparency log seals these leaves; `loyalty verify` computes them again from the rows.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Final

from loyalty.ledger.model import Journal, Transfer

_TAG: Final = b"loyalty journal 1"
_HEAD: Final = Struct(">H16s16sQIq16s16s").pack
_LINE: Final = Struct(">HQI").pack
_NO_ID: Final = bytes(16)


def leaf(shard: int, journal: Journal, transfers: Iterable[Transfer]) -> bytes:
    """Return the leaf hash of a journal with its transfers in the order of their lines.

    The tag, then big-endian: shard (2 bytes), journal id, member id (16 each), version (8), effective date (4, days
    since 1 January of year 1, which is day 1), balance (8, signed), stay id, linked id (16 each, zero if absent); kind,
    reason and actor (each UTF-8 behind its length in 4 bytes); then of each transfer line (2), amount (8), effective
    date (4), and unit, kind, debit and credit like the texts above.
    """
    stay, linked = journal.stay_id, journal.linked_id
    parts = [
        _TAG,
        _HEAD(
            shard, journal.journal_id.bytes, journal.member_id.bytes, journal.version,
            journal.effective_on.toordinal(), journal.balance,
            _NO_ID if stay is None else stay.bytes, _NO_ID if linked is None else linked.bytes,
        ),
        _known(journal.kind), _text(journal.reason), _known(journal.actor),
    ]  # fmt: skip
    for entry in transfers:
        parts += (
            _LINE(entry.line, entry.amount, entry.effective_on.toordinal()),
            _accounts(entry.unit, entry.kind, entry.debit, entry.credit),
        )
    return sha256(b"".join(parts)).digest()


def _text(text: str) -> bytes:
    plain = text.encode()
    return len(plain).to_bytes(4, "big") + plain


# These come again and again.
_known = lru_cache(4096)(_text)


@lru_cache(4096)
def _accounts(*names: str) -> bytes:
    return b"".join(map(_text, names))
