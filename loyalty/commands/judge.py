"""What a stay is worth under the program, and why. Pure.

What a stay is judged by besides itself is fixed when it is first seen: the tier, the property's brand, and which
promotions the guest was entitled to. Limits are judged by what other stays have taken by now.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Final

from msgspec import Struct

from loyalty import money
from loyalty.clock import written
from loyalty.commands.rulebook import Rulebook
from loyalty.ledger import counters
from loyalty.ledger.model import Counters, Moment, Traits
from loyalty.program.earning import Terms
from loyalty.program.match import Kind
from loyalty.program.promotions import Promotions
from loyalty.program.visit import Known, Visit, Why
from loyalty.stays.model import Award, StayPosting
from loyalty.stays.rules import Folio
from loyalty.tiers.ladder import Level

_NIGHT: Final = 10
"""Nights are counted in tenths."""
_NOTHING: Final[Mapping[str, int]] = {}


class Pinned(Struct, frozen=True, gc=False):
    """What is fixed when a stay is first seen. `entitled`: None while it is yet to be judged.

    `asked` are the promotions whose conditions were looked at by the version that judged the stay before; None where
    the same one judges it again.
    """

    tier: str
    brand: str
    entitled: tuple[str, ...] | None = None
    seen_on: date | None = None
    asked: frozenset[str] | None = None


class Before(Struct, frozen=True, gc=False):
    """The member's counters, and what of them this stay itself stands for.

    `linked`: it was judged by rules that count stays that follow each other as one.
    """

    counters: Counters
    own: Award | None = None
    linked: bool = False

    def taken(self, unit: str, key: str = "") -> int:
        """Return what other stays count for a unit: over all, or in one year or on one day.

        A day that is no longer kept by itself counts as nothing.
        """
        counted = self.counters
        total = counted.get(key, _NOTHING).get(unit, 0) if key else counters.over_all(counted, unit)
        own = self.own
        if own is not None and own.effective_on.isoformat().startswith(key):
            total -= own.counts.get(unit, 0)
        return max(0, total)

    def given(self, code: str) -> int:
        """Return how many points other stays have had of a promotion."""
        unit, total = counters.PROMOTION + code, 0
        for counts in self.counters.values():
            # Those are counted by year alone.
            if unit in counts:
                total += counts[unit]
        if self.own is not None:
            total -= self.own.promotions.get(code, 0)
        return max(0, total)

    def times(self, code: str) -> int:
        """Return in how many other stays a promotion was given."""
        return self.taken("times:" + code)


class Case(Struct, frozen=True, gc=False):
    """A stay to be judged, with all that it is judged by: nothing of it changes meanwhile.

    `guest` says who it is when the stay is first seen; afterwards the promotions that are pinned stand. `budgets` holds
    what is left of promotions' budgets, with what this stay has already had of them. `explain`: whether anybody asks
    what each category of revenue has earned.
    """

    rules: Rulebook
    posting: StayPosting
    folio: Folio
    pinned: Pinned
    before: Before
    guest: Known | None = None
    budgets: Mapping[str, int] = {}
    explain: bool = True


class _Worth(Struct, gc=False):
    """What a stay has come to so far. Nights in tenths, money in minor units. `level` is of the version that judges."""

    level: Level
    counts: dict[str, int]
    why: list[Why]
    entitled: tuple[str, ...] | None
    expires_on: date | None = None
    base: int = 0
    tier_bonus: int = 0
    promotions: dict[str, int] = {}
    opens_on: date | None = None


def pin(
    rules: Rulebook, posting: StayPosting, brand: str, moment: Moment, tier_on: Callable[[date], Level]
) -> Pinned:
    """Return what a stay that is new to a member is judged by; `tier_on` tells the member's tiers."""
    judged_on = rules.earning.judged_on
    day = posting.arrival
    if judged_on != "arrival":
        day = posting.departure if judged_on == "departure" else moment.today
    seen_on = moment.today if rules.asks_posting_day else None
    return Pinned(tier_on(day).code, brand, None, seen_on)


class Asked(Struct, frozen=True, gc=False):
    """What is known of a guest before a stay, looked up when a promotion asks for it.

    `segments` and `registered` are those of the traits: every stay asks for them, so they are at hand.
    """

    before: Before
    posting: StayPosting
    traits: Traits
    segments: Collection[str]
    registered: Mapping[str, date]

    @property
    def stays(self) -> int:
        """The stays counted over all."""
        return self.before.taken("stays")

    @property
    def stays_year(self) -> int:
        """The stays counted in the stay's calendar year."""
        return self.before.taken("stays", str(self.posting.departure.year))

    @property
    def last_stay(self) -> date | None:
        """The last check-out on or before this arrival."""
        return counters.last_day(self.before.counters, "stays", self.posting.arrival)

    @property
    def birth_month(self) -> int | None:
        """The month of birth, if it is known."""
        return self.traits.birth_month

    @property
    def referred(self) -> bool:
        """Whether another member brought this one."""
        return self.traits.referred_by is not None


def judge(case: Case) -> tuple[Award, list[Why]]:
    """Return what a stay is worth, and why."""
    worth = _Worth(case.rules.level(case.pinned.tier), {}, [], _entitled(case))
    status = case.posting.status
    if status == "checked_out":
        _judge_stay(case, worth)
    else:
        worth.why.append(Why("not_checked_out", status=status))
        if status == "no_show":
            worth.counts["no_shows"] = 1
    note = _link(case, worth.counts) if case.rules.counting.consecutive or case.before.linked else ""
    return _award(case, worth, note), worth.why


def _entitled(case: Case) -> tuple[str, ...] | None:
    """Return the promotions whose conditions the guest met when the stay was first seen, whatever became of it.

    Those that no version had by which it was judged so far are looked at now.
    """
    pinned, promotions = case.pinned, case.rules.promotions
    if promotions is None or (pinned.entitled is not None and pinned.asked is None):
        return pinned.entitled
    found = promotions.entitled(case.posting, case.guest) if case.guest else ()
    known, asked = pinned.entitled, pinned.asked
    return found if known is None else (*known, *[code for code in found if code not in (asked or ())])


def _judge_stay(case: Case, worth: _Worth) -> None:
    """Judge a stay that took place."""
    posting, pinned = case.posting, case.pinned
    kind = (posting.property, pinned.brand, posting.channel, posting.rate_code, posting.room_type)
    terms = case.rules.earning.terms(kind, worth.level.code)
    if not _count_nights(case, terms, worth):
        return
    revenue, excluded = case.folio.revenue, terms.exclusion
    if excluded is None:
        _earn(case, kind, terms, revenue, worth)
        return
    worth.why.append(Why(excluded.code, channel=posting.channel, rate_code=posting.rate_code))
    revenue = {category: revenue[category] for category in excluded.earns if category in revenue}
    if revenue:
        _earn(case, kind, terms, revenue, worth)
    worth.counts = _only(worth.counts, excluded.counts)


def _earn(case: Case, kind: Kind, terms: Terms, revenue: Mapping[str, int], worth: _Worth) -> None:
    """Add what revenue in the stay's currency earns: base, tier bonus, promotions; and what all of it counts for."""
    rules, earning = case.rules, case.rules.earning
    tier, day = worth.level.code, case.posting.departure
    revenue = _revenue(case, revenue, terms.rates.rooms, worth.why)
    lines = _lines(case, terms.rates.rooms, revenue) if earning.by_line else None
    earned = terms.rates.earn(revenue, lines, explain=case.explain)
    worth.why += earned.why
    worth.base = base = _capped(case, terms, earned.points, worth) if terms.caps else earned.points
    percent = worth.level.bonus_percent
    worth.tier_bonus = bonus = earning.round_bonus(base * percent, 100) if terms.rates.bonus else 0
    if bonus:
        worth.why.append(Why("tier_bonus", tier=tier, percent=percent, points=bonus))
    elif percent and not terms.rates.bonus:
        worth.why.append(Why("no_tier_bonus", tier=tier, rule=terms.rates.code))
    if rules.promotions is not None and terms.exclusion is None:
        _promote(case, rules.promotions, _visit(case, kind, earned.spend), worth)
    worth.counts["spend"] = earned.spend
    if "tier_points" in rules.units:
        points = {"base": base, "tier_bonus": bonus, "promotion": sum(worth.promotions.values())}
        worth.counts["tier_points"] = sum([points[kind] for kind in earning.tier_points])
    worth.expires_on = rules.expires_on(day, tier)
    if rules.pending_days:
        worth.opens_on = rules.opens_on(day)


def _award(case: Case, worth: _Worth, note: str) -> Award:
    """Return the award, with what of the counts the program asks for and what its rules themselves count, or note."""
    rules, pinned, units, counts = case.rules, case.pinned, case.rules.units, worth.counts
    if not (counts.keys() <= units and all(counts.values())):
        for unit, amount in list(counts.items()):
            if not amount or (unit not in units and ":" not in unit):
                del counts[unit]
    if note:
        counts[note] = 1
    return Award(
        pinned.tier, rules.label, case.posting.departure, worth.expires_on, worth.base, worth.tier_bonus, counts,
        worth.promotions, worth.entitled, pinned.brand, pinned.seen_on, worth.opens_on,
    )  # fmt: skip


# --- what a stay counts for -------------------------------------------------------------------------------------------


def _count_nights(case: Case, terms: Terms, worth: _Worth) -> bool:
    """Count nights, the stay and its brand; tell whether it may earn: not when an award night makes it an award stay.

    Such a stay counts for what the program names, and for nothing that an exclusion leaves out.
    """
    posting, counting, rates = case.posting, case.rules.counting, terms.rates
    nights, earns = case.folio.nights, True
    if posting.award_nights:
        shown = str(posting.award_nights)
        if counting.award_nights == "whole_stay":
            earns = False
            worth.why.append(
                Why("award_stay_counts" if counting.award_stay_counts else "award_stay", nights=shown)
            )
        elif counting.award_nights == "none":
            nights = max(0, nights - posting.award_nights * _NIGHT)
            worth.why.append(Why("award_nights", nights=shown))
    if not rates.each_night:
        nights = rates.counted(nights)
    if counting.room_nights and posting.rooms > 1:
        nights *= min(posting.rooms, rates.rooms or posting.rooms)
    worth.counts = {"nights": nights, "stays": 1 if case.folio.nights or counting.day_use_is_stay else 0}
    if case.rules.counts_brands and case.pinned.brand:
        worth.counts["brand:" + case.pinned.brand] = 1
    if not earns:
        worth.counts = _only(worth.counts, counting.award_stay_counts)
        if terms.exclusion is not None:
            worth.counts = _only(worth.counts, terms.exclusion.counts)
    return earns


def _only(counts: dict[str, int], units: tuple[str, ...]) -> dict[str, int]:
    """Return the counts of these units; `brands` stands for the brand. What the rules themselves count stays."""
    return {
        unit: amount
        for unit, amount in counts.items()
        if unit in units or (":" in unit and (unit[:6] != "brand:" or "brands" in units))
    }


# --- stays that follow each other -------------------------------------------------------------------------------------


def _link(case: Case, counts: dict[str, int]) -> str:
    """Count stays that follow each other at one property as one: all but those that another one ends at the start of.

    A day use has no night and stands for itself. Whatever the order of posting, the stays of a member are those without
    one just before them. What this stay changes of that stands in its own count, which may be below zero, or be left
    when it is cancelled. The note that is returned goes with the day of departure: it tells where a member stayed, and
    from when on.
    """
    posting, before, note = case.posting, case.before, ""
    stays = counts.get("stays", 0)
    if stays and case.rules.counting.consecutive:
        place, begins = posting.property, written(posting.arrival)
        stays = _alone(before, place, begins, written(posting.departure))
        note = f"{counters.NOTE}{place}:{begins}"
    if before.linked:
        stays += left_behind(before).get("stays", 0)
    counts["stays"] = stays
    return note


def left_behind(before: Before) -> dict[str, int]:
    """Return what a stay on file goes on counting for when it is taken back, so that others count as they do alone."""
    own = before.own
    if own is None or not before.linked:
        return {}
    stays, stood = own.counts.get("stays", 0), _stood(own)
    if stood is not None:
        stays -= _alone(before, stood.place, stood.begins, stood.ends)
    return {"stays": stays} if stays else {}


class _Stood(Struct, frozen=True, gc=False):
    """Where a member stayed, from when until when."""

    place: str
    begins: str
    ends: str

    @property
    def note(self) -> str:
        return f"{counters.NOTE}{self.place}:{self.begins}"


def _stood(own: Award) -> _Stood | None:
    """Return where a stay that is linked with others was."""
    for unit in own.counts:
        if unit.startswith(counters.NOTE):
            place, _, begins = unit.removeprefix(counters.NOTE).rpartition(":")
            return _Stood(place, begins, written(own.effective_on))
    return None


def _alone(before: Before, place: str, begins: str, ends: str) -> int:
    """Return by how much a stay raises the number of stays that have none just before them; a day use by itself."""
    if begins == ends:
        return 1
    own = _stood(before.own) if before.own else None
    days = before.counters
    alone = 0 if begins in days and _ended(days[begins], own, place, begins) else 1
    if ends in days and _ended(days[ends], own, place, ends):
        return alone
    note, after = f"{counters.NOTE}{place}:{ends}", 0
    if days and max(days) > ends:
        after = sum([counts[note] for day, counts in days.items() if day > ends and note in counts])
    if own is not None and own.note == note and own.ends > ends:
        after -= min(1, after)  # its day may no longer be kept
    return alone - after


def _ended(counted: Mapping[str, int], own: _Stood | None, place: str, day: str) -> bool:
    """Tell whether another stay of at least a night ended at a property on a day of which so much was counted."""
    here = f"{counters.NOTE}{place}:"
    for unit, amount in counted.items():
        if unit.startswith(here) and unit < here + day:
            others = amount - 1 if own is not None and own.ends == day and own.note == unit else amount
            if others > 0:
                return True
    return False


# --- what it earns ----------------------------------------------------------------------------------------------------


def _revenue(case: Case, revenue: Mapping[str, int], most: int | None, why: list[Why]) -> Mapping[str, int]:
    """Return the revenue in the program's currency that may earn, of at most so many rooms, by category."""
    posting = case.posting
    if posting.currency != case.rules.earning.currency:
        revenue = _exchanged(case, revenue, why)
    if most is not None and posting.rooms > most:
        why.append(Why("rooms_capped", limit=most))
        revenue = {category: amount * most // posting.rooms for category, amount in revenue.items()}
    return revenue


def _exchanged(case: Case, revenue: Mapping[str, int], why: list[Why]) -> dict[str, int]:
    """Return revenue by category in the program's currency, each rounded down, and tell by which rate, on how much."""
    earning, currency = case.rules.earning, case.posting.currency
    quote = earning.rate(currency, case.posting.departure)
    up, down = quote.up, quote.down
    found = {category: amount * up // down for category, amount in revenue.items()}
    if case.explain and revenue:
        total, worth = sum(revenue.values()), sum(found.values())
        why.append(
            Why(
                "exchanged", amount=money.from_minor(total, quote.decimals),
                rate=quote.text, currency=currency, since=quote.since or case.rules.begins,
                worth=money.from_minor(worth, earning.decimals),
            )
        )  # fmt: skip
    return found


def _lines(case: Case, most: int | None, revenue: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the lines of the categories that earn, each in the program's currency on its own."""
    earning, posting = case.rules.earning, case.posting
    currency, decimals = posting.currency, money.digits(posting.currency)
    lines: list[tuple[str, int]] = []
    for line in posting.lines:
        if line.category not in revenue:
            continue
        amount = money.read_minor(line.amount, decimals) or 0
        if currency != earning.currency:
            amount = earning.exchange(amount, currency, posting.departure)
        if most is not None and posting.rooms > most:
            amount = amount * most // posting.rooms
        lines.append((line.category, amount))
    return lines


def _capped(case: Case, terms: Terms, base: int, worth: _Worth) -> int:
    """Return the base points that the caps leave, and count what they are judged by."""
    day, before = case.posting.departure, case.before
    for cap in terms.caps:
        left = cap.points
        if cap.per != "stay":
            key = day.isoformat() if cap.per == "day" else str(day.year)
            left = max(0, cap.points - before.taken("cap:" + cap.code, key))
        if base > left:
            worth.why.append(Why("capped", rule=cap.code, limit=cap.points, points=left))
            base = left
    for cap in terms.caps:
        if cap.per != "stay":
            worth.counts["cap:" + cap.code] = base
    return base


def _visit(case: Case, kind: Kind, spend: int) -> Visit:
    posting = case.posting
    arrival, departure = posting.arrival, posting.departure
    nights = (departure - arrival).days * _NIGHT
    return Visit(kind, arrival, departure, posting.booked_on, case.pinned.seen_on or departure, nights, spend)


def _promote(case: Case, promotions: Promotions, visit: Visit, worth: _Worth) -> None:
    """Add the points that promotions give, by code; count nights on top, and what limits are judged by."""
    tier, entitled, counts, why = worth.level.code, worth.entitled or (), worth.counts, worth.why
    points: dict[str, int] = {}
    counted = promotions.counted
    for one in promotions.give(visit, tier, entitled, worth.base, case.before, case.budgets):
        why += one.why
        if one.points:
            points[one.code] = one.points
        if one.nights:
            counts["nights"] += one.nights
        if counted and one.code in counted and (one.points or one.nights):
            counts["times:" + one.code] = 1
    worth.promotions = points
