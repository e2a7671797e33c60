"""Two years of postings of the whole group, in the order they are sent: a pure function of seed and date."""

from collections.abc import Iterator, Sequence
from datetime import date
from random import Random

from msgspec import Struct

from loyalty.demo.calendar import two_years_up_to
from loyalty.demo.guests import Guest, made_up_guests
from loyalty.demo.pms import Posting, postings_of
from loyalty.demo.visits import Visit, visits_of


class History(Struct, frozen=True):
    """The guests, and what was posted for them from `since` to `until`."""

    since: date
    until: date
    guests: list[Guest]
    postings: list[Posting]


def made_up_history(seed: int, members: int, until: date) -> History:
    """The same arguments give the same bytes; how many follow changes nothing for the first guests."""
    since = two_years_up_to(until)
    guests = made_up_guests(seed, members, since, until)
    sent = [posting for posting in _all_postings(seed, guests, since, until) if posting.sent_on <= until]
    # The sort is stable, and a stay stays at its property: so the postings of a stay keep their order.
    sent.sort(key=lambda posting: (posting.sent_on, str(posting.body["property"])))
    return History(since, until, guests, sent)


def _all_postings(seed: int, guests: Sequence[Guest], since: date, until: date) -> Iterator[Posting]:
    for guest in guests:
        rng = Random(f"{seed}/visits/{guest.index}")
        for visit in visits_of(guest, rng, since, until):
            yield from postings_of(visit, _partner(guests, visit), rng)


def _partner(guests: Sequence[Guest], visit: Visit) -> Guest | None:
    """The other member of the household, once enrolled."""
    other = visit.guest.index ^ 1
    if other >= len(guests) or guests[other].joined > visit.arrival:
        return None
    return guests[other]
