"""A simple model of what the books must come to, written without the core: plain dicts and integers.

It knows the small program of tests/builders.py by heart, plays requests one after another, and answers each with what
a client should see of it. Amounts are fen (hundredths), JPY whole yen, nights whole.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Protocol

# Points per 1.00 CNY in tenths; a category that isn't here earns nothing.
RATES = {"room": 10, "food": 10, "laundry": 5, "spa": 25}
TIERS = {"silver": (0, 0), "gold": (4, 900_00), "platinum": (9, 2500_00)}
BONUS = {"silver": 0, "gold": 25, "platinum": 50}
MILESTONES = {"every_third": ("stays", 3), "seven_nights": ("nights", 7)}
MONTHS = 3
MOST_ADJUSTED = 5000


@dataclass(frozen=True)
class Stay:
    """A posting in figures: lines are (category, amount in minor units)."""

    ref: str
    member: str
    arrival: date
    nights: int
    lines: tuple[tuple[str, int], ...]
    status: str = "checked_out"
    channel: str = "direct"
    rate_code: str | None = None
    currency: str = "CNY"
    revision: int | None = None

    @property
    def departure(self) -> date:
        return self.arrival + timedelta(days=self.nights)

    @property
    def content(self) -> "Stay":
        return replace(self, revision=None)


@dataclass
class Worth:
    """What a stay stands for."""

    day: date
    base: int = 0
    bonus: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def points(self) -> int:
        return self.base + self.bonus


@dataclass
class OnFile:
    member: str
    head: int
    tier: str
    worth: Worth
    said: dict[int, Stay]
    lots: list["Lot"] = field(default_factory=list)


@dataclass
class Lot:
    born: int
    expires: date
    remaining: int
    expired: int = 0
    opens: date = date.min
    pending: bool = False


class HasLots(Protocol):
    """What was earned, in lots of its own."""

    lots: list[Lot]


@dataclass
class Member:
    lots: list[Lot] = field(default_factory=list)
    debt: int = 0
    counted: dict[tuple[int, str], int] = field(default_factory=dict)
    active: date | None = None

    @property
    def has_points(self) -> bool:
        return any(lot.remaining for lot in self.lots)

    def lifetime(self, unit: str) -> int:
        return sum(amount for (_, one), amount in self.counted.items() if one == unit)


def three_months_later(day: date) -> date:
    """Return the day on which points earned on a day are gone."""
    return months_later(day, MONTHS)


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))


def worth(stay: Stay, percent: int) -> Worth:
    """Return what a stay stands for, with a tier bonus in percent."""
    found = Worth(stay.departure)
    if stay.status != "checked_out":
        return found
    nights = {"nights": stay.nights} if stay.nights else {}
    if stay.channel == "ota":
        found.counts = nights
        return found
    code = stay.rate_code or ""
    if stay.channel == "complimentary" or code.startswith("STAFF") or code == "FREE":
        return found
    sums: dict[str, int] = {}
    for category, amount in stay.lines:
        sums[category] = sums.get(category, 0) + amount
    if stay.currency == "JPY":
        sums = {category: yen * 47 // 10 for category, yen in sums.items()}
    eligible = {category: fen for category, fen in sums.items() if category in RATES}
    found.base = sum(fen * RATES[category] for category, fen in eligible.items()) // 1000
    found.bonus = found.base * percent // 100
    spend = sum(eligible.values())
    found.counts = nights | ({"stays": 1} if stay.nights else {}) | ({"spend": spend} if spend else {})
    return found


class Oracle:
    """The books of a few members, and the outcome of every request."""

    def __init__(
        self, today: date, bonus: Mapping[str, int] = BONUS, pending_days: int = 0, idle_months: int = 0
    ) -> None:
        self.today = today
        self.idle_months = idle_months
        self.pending_days = pending_days
        self.bonus = bonus
        self.members: dict[str, Member] = {}
        self.stays: dict[str, OnFile] = {}
        self.keys: dict[str, tuple[tuple[object, ...], dict[str, Any]]] = {}
        self._births = 0

    # --- what is asked ------------------------------------------------------------------------------------------

    def enrol(self, number: str, key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if number in self.members:
                return {"code": "number_taken"}
            self.members[number] = Member()
            return {"status": 201, "number": number}

        return self._once(key, ("enrol", number), work)

    def adjust(self, number: str, points: int, key: str) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            member = self.members.get(number)
            if member is None:
                return {"code": "unknown_member"}
            if points == 0 or abs(points) > MOST_ADJUSTED:
                return {"code": "invalid_value"}
            if points < 0 and self.available(number) < -points:
                return {"code": "insufficient_points"}
            self._expire(member)
            if points > 0:
                self._earn(member, points, self.today)
            else:
                self._spend(member, -points)
                self._act(member, self.today)
            self._close(member)
            return {"status": 201, "points": points, **self._balance(number)}

        return self._once(key, ("adjust", number, points), work)

    def _once(self, key: str, body: tuple[object, ...], work: Any) -> dict[str, Any]:
        if key in self.keys:
            first, outcome = self.keys[key]
            return outcome | {"replayed": True} if first == body else {"code": "idempotency_key_reused"}
        outcome = work()
        self.keys[key] = body, outcome
        return outcome

    def expire(self, number: str) -> None:
        self._expire(self.members[number])
        self._close(self.members[number])

    def post(self, stay: Stay) -> dict[str, Any]:
        if stay.member not in self.members:
            return {"code": "unknown_member"}
        known = self.stays.get(stay.ref)
        if known is None:
            return self._first(stay)
        if stay.revision is None:
            if known.said[known.head].content == stay.content:
                return {"replayed": True}
        elif stay.revision in known.said:
            same = known.said[stay.revision].content == stay.content
            return {"replayed": True} if same else {"code": "revision_conflict"}
        if stay.revision is None and known.member != stay.member:
            return {"code": "stay_of_another_member"}
        if stay.revision is not None and stay.revision < known.head:
            known.said[stay.revision] = stay
            return self._reply(stay, known, "superseded", stay.revision, 0, self._tier(stay.member), {})
        return self._revise(stay, known)

    # --- stays --------------------------------------------------------------------------------------------------

    def _first(self, stay: Stay) -> dict[str, Any]:
        member = self.members[stay.member]
        revision = stay.revision or 0
        tier = self._tier(stay.member, stay.arrival)
        new = OnFile(stay.member, revision, tier, worth(stay, self.bonus[tier]), {revision: stay})
        self.stays[stay.ref] = new
        before = self._tier(stay.member)
        counts = self._lifetimes(member)
        self._expire(member)
        self._gain(member, new)
        outcome = "posted" if stay.status == "checked_out" else "unchanged"
        if outcome == "posted":
            self._act(member, stay.departure)
        self._close(member)
        return self._reply(stay, new, outcome, revision, new.worth.points, before, counts) | {"status": 201}

    def _revise(self, stay: Stay, known: OnFile) -> dict[str, Any]:
        revision = known.head + 1 if stay.revision is None else stay.revision
        member, giver = self.members[stay.member], self.members[known.member]
        moved = member is not giver
        tier = self._tier(stay.member, stay.arrival) if moved else known.tier
        before, counts = self._tier(stay.member), self._lifetimes(member)
        old, new = known.worth, worth(stay, self.bonus[tier])
        had_stayed = known.said[known.head].status == "checked_out"
        outcome = self._outcome(
            old, new, moved=moved, had_stayed=had_stayed, stayed=stay.status == "checked_out"
        )
        self._expire(giver)
        self._expire(member)
        change = new.points if moved else new.points - old.points
        if moved or old.day != new.day:
            if outcome != "unchanged" or moved:
                self._lose(giver, known, old.points)
                self._count(giver, old, -1)
                if moved:
                    known.lots = []
                known.worth = new
                self._gain(self.members[stay.member], known)
        else:
            self._change(member, known, old, new)
        if outcome != "unchanged" and stay.status == "checked_out":
            self._act(member, stay.departure)
        self._close(giver)
        self._close(member)
        known.member, known.tier, known.worth, known.head = stay.member, tier, new, revision
        known.said[revision] = stay
        return self._reply(stay, known, outcome, revision, change, before, counts) | {"status": 200}

    @staticmethod
    def _outcome(old: Worth, new: Worth, *, moved: bool, had_stayed: bool, stayed: bool) -> str:
        if moved:
            if stayed:
                return "revised"
            return "reversed" if old.points or old.counts else "unchanged"
        if had_stayed and not stayed:
            return "reversed"
        if not stayed:
            return "unchanged"
        nothing = not (old.points or old.counts or new.points or new.counts)
        return "unchanged" if had_stayed and (old == new or nothing) else "revised"

    def _change(self, member: Member, known: OnFile, old: Worth, new: Worth) -> None:
        if new.points > old.points:
            known.lots.append(self._earn(member, new.points - old.points, new.day, self.pending_days))
        else:
            self._lose(member, known, old.points - new.points)
        self._count(member, old, -1)
        self._count(member, new, 1)

    def _gain(self, member: Member, known: OnFile) -> None:
        if known.worth.points:
            known.lots.append(self._earn(member, known.worth.points, known.worth.day, self.pending_days))
        self._count(member, known.worth, 1)

    def _count(self, member: Member, of: Worth, sign: int) -> None:
        for unit, amount in of.counts.items():
            place = of.day.year, unit
            member.counted[place] = member.counted.get(place, 0) + sign * amount
            if not member.counted[place]:
                del member.counted[place]

    # --- points -------------------------------------------------------------------------------------------------

    def _earn(self, member: Member, points: int, day: date, pending_days: int = 0) -> Lot:
        self._births += 1
        lot = Lot(self._births, three_months_later(day), points, opens=day + timedelta(days=pending_days))
        lot.pending = bool(pending_days) and lot.opens > self.today
        if not lot.pending:
            self._repay(member, lot)
        member.lots.append(lot)
        if lot.expires <= self.today:
            lot.remaining, lot.expired = 0, lot.remaining
        return lot

    @staticmethod
    def _repay(member: Member, lot: Lot) -> None:
        repaid = min(lot.remaining, member.debt)
        member.debt -= repaid
        lot.remaining -= repaid

    def _expire(self, member: Member) -> None:
        """Open what is to open by now, debt repaid first, and expire what is to expire or has lapsed."""
        lapse = self._lapse_of(member)
        if lapse is not None and lapse <= self.today:
            for lot in member.lots:
                lot.expires = min(lot.expires, lapse) if lot.remaining else lot.expires
            member.active = lapse
        elif self.idle_months and member.has_points and member.active is None:
            member.active = self.today
        for lot in sorted(member.lots, key=lambda one: (one.opens, one.born)):
            if lot.pending and lot.remaining and lot.opens <= self.today and lot.opens < lot.expires:
                lot.pending = False
                self._repay(member, lot)
        for lot in member.lots:
            if lot.expires <= self.today:
                lot.remaining, lot.expired = 0, lot.expired + lot.remaining

    def _lapse_of(self, member: Member) -> date | None:
        if not self.idle_months or member.active is None or not member.has_points:
            return None
        return months_later(member.active, self.idle_months)

    def _act(self, member: Member, day: date) -> None:
        if self.idle_months:
            member.active = max(member.active or day, day)

    def _close(self, member: Member) -> None:
        """Begin to count anew for points that came when the time was up."""
        lapse = self._lapse_of(member)
        if self.idle_months and member.has_points and (lapse is None or lapse <= self.today):
            member.active = self.today

    def _spend(self, member: Member, points: int) -> int:
        return self._draw(points, [lot for lot in member.lots if not lot.pending])

    def _lose(self, member: Member, known: "HasLots", points: int) -> None:
        left = self._draw(points, known.lots)
        for lot in known.lots:
            part = min(left, lot.expired)
            lot.expired -= part
            left -= part
        member.debt += self._draw(left, [lot for lot in member.lots if not lot.pending])

    @staticmethod
    def _draw(points: int, lots: list[Lot]) -> int:
        for lot in sorted(lots, key=lambda one: (one.expires, one.born)):
            part = min(points, lot.remaining)
            lot.remaining -= part
            points -= part
        return points

    # --- what is seen -------------------------------------------------------------------------------------------

    def expiring(self, number: str) -> dict[date, int]:
        """Return what expires when, of what can be spent."""
        now = self._now(number)
        lapse = self._lapse_of(now) or date.max
        return _by_day((min(lot.expires, lapse), lot.remaining) for lot in now.lots if not lot.pending)

    def opening(self, number: str) -> dict[date, int]:
        """Return what opens when, of what can't be spent yet."""
        return _by_day((lot.opens, lot.remaining) for lot in self._now(number).lots if lot.pending)

    def available(self, number: str) -> int:
        now = self._now(number)
        return sum(lot.remaining for lot in now.lots if not lot.pending) - now.debt

    def _now(self, number: str) -> Member:
        """Return a member as of today, without writing down what is due."""
        member = deepcopy(self.members[number])
        self._expire(member)
        return member

    def year(self, number: str, unit: str) -> int:
        return self.members[number].counted.get((self.today.year, unit), 0)

    def granted(self, number: str) -> set[tuple[str, int]]:
        return {
            (code, ordinal)
            for code, (unit, every) in MILESTONES.items()
            for ordinal in range(1, self.members[number].lifetime(unit) // every + 1)
        }

    def tier(self, number: str) -> str:
        return self._tier(number)

    def _tier(self, number: str, day: date | None = None) -> str:
        counted = self.members[number].counted
        on = day or self.today
        best = "silver"
        for code, (nights, spend) in TIERS.items():
            for year in (on.year, on.year - 1):
                if counted.get((year, "nights"), 0) >= nights or counted.get((year, "spend"), 0) >= spend:
                    best = code
        return best

    def _lifetimes(self, member: Member) -> dict[str, int]:
        return {code: member.lifetime(unit) // every for code, (unit, every) in MILESTONES.items()}

    def _balance(self, number: str) -> dict[str, int]:
        available = self.available(number)
        return {
            "available": available,
            "debt": max(0, -available),
            "pending": sum(self.opening(number).values()),
        }

    def _reply(
        self, stay: Stay, known: OnFile, outcome: str, revision: int, change: int, before: str,
        counts: dict[str, int],
    ) -> dict[str, Any]:  # fmt: skip
        after = self._lifetimes(self.members[stay.member])
        crossed: set[tuple[str, int, str]] = set()
        for code, count in counts.items():
            crossed |= {(code, ordinal, "granted") for ordinal in range(count + 1, after[code] + 1)}
            crossed |= {(code, ordinal, "revoked") for ordinal in range(after[code] + 1, count + 1)}
        return {
            "status": 200,
            "outcome": outcome,
            "revision": revision,
            "points": (known.worth.base, known.worth.bonus),
            "change": change,
            "nights": str(known.worth.counts.get("nights", 0)),
            "tier": (before, self._tier(stay.member)),
            "milestones": crossed,
            **self._balance(stay.member),
        }


def _by_day(parts: Iterable[tuple[date, int]]) -> dict[date, int]:
    found: dict[date, int] = {}
    for day, points in parts:
        if points:
            found[day] = found.get(day, 0) + points
    return found
