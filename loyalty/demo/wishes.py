"""What guests want for their points, who asks for it, and what becomes of it. Pure.

Nobody wants two things, so that the order in which they are asked for changes nothing; but for the last places, which
guests ask for one after the other.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from msgspec import Struct

from loyalty.demo.group import PROPERTIES
from loyalty.demo.partners import (
    AFTERNOON,
    AIRLINE,
    CHECK,
    CLINIC,
    EVENING,
    LEAST_MILES,
    MILES,
    MOST_MILES,
    MUSEUM,
    NIGHT,
    PLACES,
    PRICES,
    SPA,
    TICKETS,
    UPGRADE,
)
from loyalty.demo.wire import Balance

_MOST: Final = 30
"""Guests who want the same, however many there are."""


class Fate(StrEnum):
    """What becomes of points that are spent, in the words of the deeds that are counted."""

    TAKEN = "taken"
    SHOWN = "shown"
    CAPTURED = "captured"
    CAPTURED_PART = "captured_part"
    RELEASED = "released"
    KEPT_OPEN = "kept_open"
    REFUNDED = "refunded"
    REFUNDED_PART = "refunded_part"


class Asker(StrEnum):
    """Who asks: the booking site, where the guest is signed in; the desk, with a reason; the partner, by a token."""

    SITE = "site"
    DESK = "desk"
    PARTNER = "partner"


class Wish(Struct, frozen=True):
    """What one guest wants; `points` for all of the `quantity`. `partner` is empty for what the hotel gives."""

    number: str
    offer: str
    partner: str
    asker: Asker
    quantity: int
    points: int
    details: Mapping[str, object]
    fate: Fate


class Wishes(Struct, frozen=True):
    """What guests want side by side, and what they ask for one after the other because there are too few."""

    apart: Sequence[Wish]
    queue: Sequence[Wish]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.apart) + len(self.queue)


class Gift(Struct, frozen=True):
    """Points that a partner gives a guest, for `what` happened on a day."""

    number: str
    partner: str
    reference: str
    points: int
    what: str
    on: date


class _Errand(Struct, frozen=True):
    """What several guests want, and what becomes of it, by turns."""

    offer: str
    partner: str
    asker: Asker
    quantity: int
    details: Callable[[Random, date], Mapping[str, object]]
    fates: tuple[Fate, ...]


def made_up_wishes(seed: int, balances: Sequence[Balance], today: date) -> Wishes:
    """The same seed and balances give the same wishes; days of use are so long after today."""
    rng = Random(f"{seed}/wishes")
    waiting = sorted(balances, key=lambda balance: balance.number)
    rng.shuffle(waiting)
    some = min(_MOST, max(1, len(waiting) // 50))
    apart: list[Wish] = []
    for errand in _ERRANDS:
        needed = errand.quantity * PRICES.get(errand.offer, LEAST_MILES)
        takers = _take(
            waiting, max(some, len(errand.fates)), lambda each, least=needed: each.available >= least
        )
        apart += [
            _wish(errand, balance, errand.fates[place % len(errand.fates)], rng, today)
            for place, balance in enumerate(takers)
        ]
    queue = _take(waiting, PLACES + 2, lambda each: each.available >= PRICES[EVENING])
    short = _take(
        waiting, 1 + some // 5, lambda each: 0 <= each.available < _TOO_DEAR.quantity * PRICES[CHECK]
    )
    apart += [_wish(_TOO_DEAR, balance, Fate.KEPT_OPEN, rng, today) for balance in short]
    return Wishes(apart, [_wish(_EVENING, balance, Fate.TAKEN, rng, today) for balance in queue])


def made_up_gifts(seed: int, balances: Sequence[Balance], last: date) -> list[Gift]:
    """What partners give for flights and treatments in the weeks before the last day of a month."""
    rng = Random(f"{seed}/gifts")
    guests = sorted(balances, key=lambda balance: balance.number)
    rng.shuffle(guests)
    some = min(_MOST, max(1, len(guests) // 50))
    return [
        Gift(
            balance.number, partner, f"{partner}-{balance.number}", 50 * rng.randint(2, 20), what,
            last - timedelta(days=rng.randint(0, 20)),
        )
        for place, balance in enumerate(guests[: 2 * some])
        for partner, what in [((AIRLINE, "HE301"), (SPA, "massage"))[place % 2]]
    ]  # fmt: skip


def _take(waiting: list[Balance], count: int, fits: Callable[[Balance], bool]) -> list[Balance]:
    """Take the next of those who wait that fit, as many as there are."""
    taken = [each for _, each in zip(range(count), filter(fits, waiting), strict=False)]
    gone = {each.number for each in taken}
    waiting[:] = [each for each in waiting if each.number not in gone]
    return taken


def _wish(errand: _Errand, balance: Balance, fate: Fate, rng: Random, today: date) -> Wish:
    details, points = errand.details(rng, today), errand.quantity * PRICES.get(errand.offer, 0)
    if errand.offer == MILES:
        points = min(MOST_MILES, balance.available - balance.available % LEAST_MILES)
        details = {**details, "points": points}
    return Wish(
        balance.number, errand.offer, errand.partner, errand.asker, errand.quantity, points, details, fate
    )


# --- What each of them asks for ---------------------------------------------------------------------------------------


def _day(rng: Random, today: date) -> str:
    return (today + timedelta(days=rng.randint(20, 300))).isoformat()


def _flight(rng: Random, today: date) -> dict[str, object]:
    return {
        "flight": f"HE{rng.randint(100, 999)}", "date": _day(rng, today), "booking_ref": f"{rng.randint(10**5, 10**6)}",
        "cabin_from": "economy", "cabin_to": "business",
    }  # fmt: skip


def _account(rng: Random, today: date) -> dict[str, object]:
    del today
    return {"account": f"HE-{rng.randint(10**7, 10**8)}"}


def _slot(rng: Random, today: date) -> dict[str, object]:
    return {"venue": "still", "slot": f"{_day(rng, today)}T{rng.randint(10, 18)}:00"}


def _visit(rng: Random, today: date) -> dict[str, object]:
    return {"event": "lanterns", "date": _day(rng, today), "seats": 2}


def _evening(rng: Random, today: date) -> dict[str, object]:
    del rng
    return {"event": "evening", "date": (today + timedelta(days=30)).isoformat(), "seats": 1}


def _appointment(rng: Random, today: date) -> dict[str, object]:
    return {"date": _day(rng, today)}


def _arrival(rng: Random, today: date) -> dict[str, object]:
    return {"property": rng.choice(PROPERTIES).code, "arrival": _day(rng, today), "nights": 1}


_ERRANDS: Final = (
    _Errand(CHECK, CLINIC, Asker.DESK, 2, _appointment, (Fate.REFUNDED_PART, Fate.CAPTURED, Fate.KEPT_OPEN)),
    _Errand(UPGRADE, AIRLINE, Asker.PARTNER, 1, _flight, (Fate.CAPTURED, Fate.KEPT_OPEN, Fate.RELEASED)),
    _Errand(NIGHT, "", Asker.SITE, 1, _arrival, (Fate.KEPT_OPEN, Fate.RELEASED, Fate.CAPTURED)),
    _Errand(AFTERNOON, SPA, Asker.SITE, 2, _slot, (Fate.CAPTURED_PART, Fate.CAPTURED, Fate.KEPT_OPEN)),
    _Errand(MILES, AIRLINE, Asker.PARTNER, 1, _account, (Fate.TAKEN,)),
    _Errand(TICKETS, MUSEUM, Asker.SITE, 2, _visit, (Fate.SHOWN, Fate.REFUNDED, Fate.TAKEN)),
)
"""The dearest first, so that there is somebody who can afford it."""

_TOO_DEAR: Final = _Errand(CHECK, CLINIC, Asker.SITE, 2, _appointment, ())
_EVENING: Final = _Errand(EVENING, MUSEUM, Asker.SITE, 1, _evening, ())
