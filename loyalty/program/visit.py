"""What a stay is judged by: the visit in figures, and the guest as known when the stay was first seen."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Protocol

from msgspec import Struct

from loyalty.program.match import Kind


class Dated(Protocol):
    """Has the dates of a stay."""

    @property
    def arrival(self) -> date: ...

    @property
    def departure(self) -> date: ...


class Visit(Struct, frozen=True, gc=False):
    """A stay as the rules of earning see it. Nights in tenths, `spend` (eligible) in minor units of the currency.

    `nights` is the length of the stay, as counted for one room.
    """

    kind: Kind
    arrival: date
    departure: date
    booked_on: date | None
    posted_on: date
    nights: int
    spend: int


class Known(Protocol):
    """Tells what is known of a guest before a stay, each thing when it is asked for. What it is, `Guest` says."""

    @property
    def stays(self) -> int: ...

    @property
    def stays_year(self) -> int: ...

    @property
    def last_stay(self) -> date | None: ...

    @property
    def birth_month(self) -> int | None: ...

    @property
    def segments(self) -> Collection[str]: ...

    @property
    def registered(self) -> Mapping[str, date]: ...

    @property
    def referred(self) -> bool: ...


class Guest(Struct, frozen=True, gc=False):
    """What is known of a guest before a stay. `stays`, `stays_year`: counted over all, and in the stay's calendar year.

    `last_stay` is the last check-out on or before this arrival; None when none is on file.
    """

    tier: str
    stays: int = 0
    stays_year: int = 0
    last_stay: date | None = None
    birth_month: int | None = None
    segments: frozenset[str] = frozenset()
    registered: Mapping[str, date] = {}
    referred: bool = False


class Why(Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of an award's explanation: which rule, on what, with what result. Amounts in the program's currency.

    Only what is exchanged has its `amount`, of all that may earn, in a `currency` of its own; and what that is `worth`
    in the program's at the `rate` that holds `since` a day (None: from the beginning), each category rounded down.
    """

    code: str
    category: str | None = None
    amount: str | None = None
    points: int | None = None
    rate: str | None = None
    tier: str | None = None
    percent: int | None = None
    channel: str | None = None
    rate_code: str | None = None
    status: str | None = None
    revision: int | None = None
    rule: str | None = None
    limit: int | None = None
    nights: str | None = None
    currency: str | None = None
    worth: str | None = None
    since: date | None = None
