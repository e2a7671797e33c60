"""Points on their way from one member to another, with the life they have left. Pure.

A lot goes by its journal, so points that expire on different days arrive in different journals. Both sides get one
journal for each such day, which name each other; each pair leaves the account `transit` as it was.
"""

from datetime import date

from msgspec import Struct

from loyalty.ledger.model import RECEIVED, SENT, TRANSIT
from loyalty.ledger.rules import Book


class MovedPoints(Struct, frozen=True, gc=False):
    """Points that can't be spent any more from a day on; None: they don't expire."""

    points: int
    expires_on: date | None


class Words(Struct, frozen=True, gc=False):
    """How both sides' journals and their transfers are called, the reason, and whether it counts for caps."""

    sent: str
    received: str
    kind: str
    reason: str
    counted: bool = True


GIFT = Words("transfer_sent", "transfer_received", "transfer", "gift")


def carry(giver: Book, taker: Book, amount: int, words: Words, today: date) -> list[MovedPoints]:
    """Move points that the giver has, first to expire first; return what moved, by the day it expires."""
    moved = [MovedPoints(points, day) for day, points in giver.first_to_expire(amount)]
    counts = int(words.counted)
    for part in moved:
        sent = giver.journal(words.sent, today, words.reason)
        giver.points(words.kind, -part.points, today, TRANSIT)
        giver.spend(part.points)
        giver.count(SENT, counts * part.points, today)
        received = taker.journal(words.received, today, words.reason)
        taker.points(words.kind, part.points, today, TRANSIT)
        taker.earn(part.points, part.expires_on)
        taker.count(RECEIVED, counts * part.points, today)
        sent.linked_id, received.linked_id = received.journal_id, sent.journal_id
    if moved and words.kind == GIFT.kind:
        giver.act(today, "transfer")
        taker.act(today, "transfer")
    return moved
