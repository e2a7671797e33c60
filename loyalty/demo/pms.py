"""What the property's system makes of a visit: the postings it sends, on which day, with its mishaps."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from loyalty.demo.chance import chance
from loyalty.demo.flaws import FLAWS, Body
from loyalty.demo.folio import Line
from loyalty.demo.guests import Guest
from loyalty.demo.visits import Visit


class Kind(StrEnum):
    """Why a posting was sent, as its sender sees it."""

    STAY = "stay"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    DUPLICATE = "duplicate"
    CORRECTION = "correction"
    OUTDATED = "outdated"
    MOVED = "moved"
    UNDONE = "undone"
    BAD = "bad"


class Posting(Struct, frozen=True):
    """A body for `POST /v1/stays` and the day it is sent; postings of one household keep their order."""

    kind: Kind
    sent_on: date
    household: int
    body: Body
    flaw: str = ""


class Desk(Struct, frozen=True):
    """A visit at the front desk: the day its first posting goes out, and who else could be meant."""

    visit: Visit
    partner: Guest | None
    sent_on: date
    rng: Random

    @property
    def numbers_revisions(self) -> bool:
        """Whether the PMS of the property says which revision of a stay it sends."""
        return self.visit.hotel.pms == "opera"

    def snapshot(self, visit: Visit, revision: int = 1, **changes: object) -> Body:
        """The body for a state of the visit; numbered only where the PMS numbers."""
        numbered = {"revision": revision} if self.numbers_revisions else {}
        return visit.posting() | numbered | changes

    def posting(self, kind: Kind, body: Body, days_later: int = 0, flaw: str = "") -> Posting:
        """A posting sent some days after the first."""
        sent_on = self.sent_on + timedelta(days=days_later)
        return Posting(kind, sent_on, self.visit.guest.household, body, flaw)

    def checked_out(self) -> Posting:
        """The ordinary posting at check-out."""
        return self.posting(Kind.STAY, self.snapshot(self.visit))


Story = Callable[[Desk], Iterator[Posting]]


def postings_of(visit: Visit, partner: Guest | None, rng: Random) -> Iterator[Posting]:
    """What is sent for one visit, in order. One in thirty first postings is some days late."""
    late = rng.randint(1, 10) if chance(rng, 1, 30) else 0
    desk = Desk(visit, partner, visit.departure + timedelta(days=late), rng)
    yield from _story(desk)(desk)


def _story(desk: Desk) -> Story:
    if desk.visit.channel == "ota" and chance(desk.rng, 6):
        return _cancelled
    return desk.rng.choices(tuple(STORIES), tuple(STORIES.values()))[0]


def _plain(desk: Desk) -> Iterator[Posting]:
    yield desk.checked_out()


def _cancelled(desk: Desk) -> Iterator[Posting]:
    yield desk.posting(Kind.CANCELLED, desk.snapshot(desk.visit, status="cancelled", lines=[]))


def _no_show(desk: Desk) -> Iterator[Posting]:
    yield desk.posting(Kind.NO_SHOW, desk.snapshot(desk.visit, status="no_show", lines=[]))


def _sent_twice(desk: Desk) -> Iterator[Posting]:
    first = desk.checked_out()
    yield first
    yield desk.posting(Kind.DUPLICATE, first.body, desk.rng.randrange(4))


def _folio_corrected(desk: Desk) -> Iterator[Posting]:
    yield desk.checked_out()
    body = desk.snapshot(_with_other_folio(desk.visit, desk.rng), 2)
    yield desk.posting(Kind.CORRECTION, body, desk.rng.randint(1, 20))


def _with_other_folio(visit: Visit, rng: Random) -> Visit:
    """A refund of the last extra, or a restaurant bill that turned up later."""
    if visit.extras and rng.randrange(2):
        return replace(visit, extras=visit.extras[:-1])
    return replace(visit, extras=(*visit.extras, Line("food", 5000 + rng.randrange(60000))))


def _left_early(desk: Desk) -> Iterator[Posting]:
    visit = desk.visit
    if (visit.departure - visit.arrival).days == 1:
        yield from _folio_corrected(desk)
        return
    yield desk.checked_out()
    shorter = replace(visit, departure=visit.departure - timedelta(days=1))
    yield desk.posting(Kind.CORRECTION, desk.snapshot(shorter, 2), desk.rng.randint(1, 12))


def _out_of_order(desk: Desk) -> Iterator[Posting]:
    """The corrected state arrives first. Where revisions aren't numbered nobody could tell."""
    if not desk.numbers_revisions:
        yield from _folio_corrected(desk)
        return
    corrected = _with_other_folio(desk.visit, desk.rng)
    yield desk.posting(Kind.STAY, desk.snapshot(corrected, 2))
    yield desk.posting(Kind.OUTDATED, desk.snapshot(desk.visit, 1), desk.rng.randint(1, 3))


def _moved(desk: Desk) -> Iterator[Posting]:
    """Posted to one member of a household, corrected to the other."""
    yield desk.checked_out()
    if desk.numbers_revisions and desk.partner is not None:
        body = desk.snapshot(desk.visit, 2, member=desk.partner.number)
        yield desk.posting(Kind.MOVED, body, desk.rng.randint(1, 9))


def _undone(desk: Desk) -> Iterator[Posting]:
    """Checked out by mistake: the guest never came."""
    yield desk.checked_out()
    status = desk.rng.choice(("cancelled", "no_show"))
    body = desk.snapshot(desk.visit, 2, status=status, lines=[])
    yield desk.posting(Kind.UNDONE, body, desk.rng.randint(1, 5))


def _flawed(desk: Desk) -> Iterator[Posting]:
    """A bad posting, and the right one the next day."""
    flaw = desk.rng.choice(tuple(FLAWS))
    yield desk.posting(Kind.BAD, FLAWS[flaw](desk.snapshot(desk.visit)), flaw=flaw)
    yield desk.posting(Kind.STAY, desk.snapshot(desk.visit), 1)


def _contradicted(desk: Desk) -> Iterator[Posting]:
    """A second posting that contradicts the first without saying that it is newer."""
    yield desk.checked_out()
    if desk.numbers_revisions:
        body = desk.snapshot(_with_other_folio(desk.visit, desk.rng))
        yield desk.posting(Kind.BAD, body, 1, "same_revision_other_content")
    elif desk.partner is not None:
        body = desk.snapshot(desk.visit, member=desk.partner.number)
        yield desk.posting(Kind.BAD, body, 1, "other_member_without_revision")


STORIES: Final[dict[Story, int]] = {
    _plain: 880,
    _cancelled: 35,
    _no_show: 14,
    _sent_twice: 24,
    _folio_corrected: 22,
    _left_early: 9,
    _out_of_order: 5,
    _moved: 3,
    _undone: 5,
    _flawed: 2,
    _contradicted: 1,
}
"""How often a visit goes which way, per thousand."""
