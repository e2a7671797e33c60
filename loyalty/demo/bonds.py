"""What guests have to do with each other and with the desk: who brings whom, gives to whom, complains … Pure.

Whoever takes part in one thing takes part in no other, so that the order in which they happen changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final

from msgspec import Struct

from loyalty.demo.chance import chance
from loyalty.demo.guests import Guest
from loyalty.demo.history import History
from loyalty.demo.pms import Kind, Posting

CHOICES: Final = ("suite_night", "spa_voucher", "points_gift")
"""The rewards to choose from, as `additions.toml` has them."""

_MOST: Final = 40
"""Households that take part in a thing, however many guests there are."""
_COMPLAINTS: Final = 20
"""As many as one key may make good in a day."""
_ONE_IN: Final = 20
"""One in so many of those who could be is brought by another guest."""
_TAKEN_BACK: Final = frozenset({Kind.UNDONE, Kind.MOVED, Kind.CORRECTION, Kind.BAD})


class Complaint(Struct, frozen=True):
    """What went wrong for a guest, and what is given for it; `agreed`: what the second person says, if one is asked."""

    guest: Guest
    reason: str
    note: str
    points: int
    agreed: bool = True


class Bonds(Struct, frozen=True):
    """All that guests do beside staying. Pairs are two guests of one household.

    `friends` are newcomers with who brought them; `merges` are of one person with two cards, `mistakes` merges that are
    undone.
    """

    friends: Mapping[str, str]
    families: Sequence[tuple[Guest, Guest]]
    gifts: Sequence[tuple[Guest, Guest, int]]
    buyers: Sequence[tuple[Guest, int]]
    complaints: Sequence[Complaint]
    merges: Sequence[tuple[Guest, Guest]]
    mistakes: Sequence[tuple[Guest, Guest]]


def made_up_bonds(seed: int, history: History) -> Bonds:
    """The same seed and history give the same bonds."""
    rng = Random(f"{seed}/bonds")
    guests = history.guests
    pairs = [(guests[place], guests[place + 1]) for place in range(0, len(guests) - 1, 2)]
    rng.shuffle(pairs)
    some = min(_MOST, max(1, len(guests) // 100))
    few = 1 + some // 5
    deal = iter(pairs)
    complaints = [*_above_the_limit(_take(deal, 2)), *_complaints(_take(deal, min(some, _COMPLAINTS)), rng)]
    return Bonds(
        friends=_friends(history, rng),
        families=_take(deal, few),
        merges=_take(deal, few),
        mistakes=_take(deal, few),
        gifts=[(giver, taker, 100 * rng.randint(1, 20)) for giver, taker in _take(deal, some)],
        buyers=[(guest, 1000 * rng.randint(1, 5)) for guest, _ in _take(deal, some)],
        complaints=complaints,
    )


def choice_of(seed: int, number: str, milestone: str, place: int) -> str | None:
    """What a guest chooses of a reward; None: the choice is left open."""
    rng = Random(f"{seed}/choice/{number}/{milestone}/{place}")
    return rng.choice(CHOICES) if chance(rng, 6, 10) else None


def meets(seed: int, number: str) -> bool:
    """Whether a guest takes the hour of a meeting room that the tier brings."""
    return chance(Random(f"{seed}/meeting/{number}"), 1, 3)


def _take(deal: Iterator[tuple[Guest, Guest]], count: int) -> list[tuple[Guest, Guest]]:
    """The next pairs, as many as are left."""
    return [pair for _, pair in zip(range(count), deal, strict=False)]


def _above_the_limit(pairs: Sequence[tuple[Guest, Guest]]) -> list[Complaint]:
    """More than one person alone may give: the first is agreed to, the second isn't."""
    return [
        Complaint(guest, "service", "Overbooked; walked to another hotel", 3000, agreed=place == 0)
        for place, (guest, _) in enumerate(pairs)
    ]


def _complaints(pairs: Sequence[tuple[Guest, Guest]], rng: Random) -> list[Complaint]:
    told = (
        ("noise", "Building work next door"), ("room", "No hot water"), ("room", "Air conditioning broken"),
        ("service", "Luggage delivered late"),
    )  # fmt: skip
    return [Complaint(guest, *rng.choice(told), 100 * rng.randint(2, 6)) for guest, _ in pairs]


def _friends(history: History, rng: Random) -> dict[str, str]:
    """Who was brought by whom, by number: one who joined in the two years, by one who was a member before.

    None of the newcomers' stays is ever taken back, so that it doesn't matter when the service looks at them.
    """
    undone = {_stay(posting) for posting in history.postings if posting.kind in _TAKEN_BACK}
    unsteady = {str(posting.body.get("member")) for posting in history.postings if _stay(posting) in undone}
    old = [guest.number for guest in history.guests if guest.joined < history.since]
    new = [
        guest.number
        for guest in history.guests
        if guest.joined >= history.since and guest.number not in unsteady
    ]
    brought = [number for number in new if chance(rng, 1, _ONE_IN)] or new[:1]
    return {number: rng.choice(old) for number in brought} if old else {}


def _stay(posting: Posting) -> tuple[object, object]:
    return posting.body["property"], posting.body["stay_ref"]
