"""What a stay is worth under the program, and why. Pure.

What a stay is judged by besides itself is fixed when it is first seen: the tier, the property's brand, and which
promotions the guest was entitled to. Limits are judged by what other stays have taken by now.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from msgspec import Struct, structs

from loyalty import money
from loyalty.commands.rulebook import Rulebook
from loyalty.ledger import counters
from loyalty.ledger.model import Counters, Member, Moment
from loyalty.program.earning import Rates, Terms
from loyalty.program.promotions import Promotions, Used
from loyalty.program.visit import Guest, Visit, Why
from loyalty.stays.model import Award, StayPosting
from loyalty.stays.rules import Folio

_NIGHT: Final = 10
"""Nights are counted in tenths."""


class Pinned(Struct, frozen=True, gc=False):
    """What is fixed when a stay is first seen. `entitled`: None while it is yet to be judged."""

    tier: str
    brand: str
    entitled: tuple[str, ...] | None = None
    seen_on: date | None = None


class Before(Struct, frozen=True, gc=False):
    """The member's counters, and what of them this stay itself stands for."""

    counters: Counters
    own: Award | None = None
    own_dates: tuple[str, date, date] | None = None
    """Property, arrival and departure of the stay as it is on file."""

    def taken(self, unit: str, key: str = "") -> int:
        """Return what other stays count for a unit: over all, or in one year or on one day."""
        if not key:
            total = counters.over_all(self.counters, unit)
        else:
            total = sum([counts.get(unit, 0) for at, counts in self.counters.items() if at.startswith(key)])
        own = self.own
        if own is not None and own.effective_on.isoformat().startswith(key):
            total -= own.counts.get(unit, 0)
        return total


def pin(rules: Rulebook, member: Member, posting: StayPosting, brand: str, moment: Moment) -> Pinned:
    """Return what a stay that is new to a member is judged by."""
    judged_on = rules.earning.judged_on
    day = posting.arrival
    if judged_on != "arrival":
        day = posting.departure if judged_on == "departure" else moment.today
    seen_on = moment.today if rules.asks_posting_day else None
    return Pinned(rules.tiers.on(member, day).code, brand, None, seen_on)


def guest_of(member: Member, before: Before, tier: str, posting: StayPosting) -> Guest:
    """Return what is known of a guest before a stay."""
    traits = member.traits
    return Guest(
        tier, before.taken("stays"), before.taken("stays", str(posting.departure.year)),
        counters.last_day(before.counters, "stays", posting.arrival), traits.birth_month, frozenset(traits.segments),
        traits.registered, traits.referred_by is not None,
    )  # fmt: skip


def judge(
    rules: Rulebook, posting: StayPosting, folio: Folio, pinned: Pinned, guest: Guest | None, before: Before,
    budgets: Mapping[str, int],
) -> tuple[Award, list[Why]]:  # fmt: skip
    """Return what a stay is worth, and why. Nights in tenths, money in minor units.

    `guest` says who it is when the stay is first seen; afterwards the promotions that are pinned stand. `budgets` holds
    what is left of promotions' budgets, with what this stay has already had of them.
    """
    award = Award(
        pinned.tier, rules.label, posting.departure, brand=pinned.brand, entitled=pinned.entitled,
        seen_on=pinned.seen_on,
    )  # fmt: skip
    if posting.status != "checked_out":
        counts = {"no_shows": 1} if posting.status == "no_show" and "no_shows" in rules.units else {}
        why = [Why("not_checked_out", status=posting.status)]
        return _with_counts(rules, award, counts, posting, before), why
    terms = rules.earning.terms(
        posting.property, pinned.brand, posting.channel, posting.rate_code, posting.room_type, pinned.tier
    )
    counts, why = _stay_counts(rules, posting, folio, terms.rates, pinned.brand)
    if counts is None:
        return _with_counts(rules, award, {}, posting, before), why
    revenue = _revenue(rules, posting, folio, why)
    excluded = terms.exclusion
    if excluded is not None:
        why.append(Why(excluded.code, channel=posting.channel, rate_code=posting.rate_code))
        revenue = {category: revenue[category] for category in excluded.earns if category in revenue}
        if not revenue:
            return _with_counts(rules, award, _only(counts, excluded.counts), posting, before), why
    return _earn(rules, posting, award, terms, revenue, counts, why, guest, before, budgets)


def _earn(
    rules: Rulebook, posting: StayPosting, award: Award, terms: Terms, revenue: dict[str, int], counts: dict[str, int],
    why: list[Why], guest: Guest | None, before: Before, budgets: Mapping[str, int],
) -> tuple[Award, list[Why]]:  # fmt: skip
    """Return what the revenue earns: base, tier bonus, promotions; and what all of it counts for."""
    earning = rules.earning
    earned = terms.rates.earn(revenue, _lines(rules, posting, revenue) if earning.by_line else None)
    why += earned.why
    base = earned.points
    if terms.caps:
        base = _cap(terms, base, before, posting.departure, counts, why)
    level = rules.level(award.tier)
    bonus = earning.round_bonus(base * level.bonus_percent, 100)
    if bonus:
        why.append(Why("tier_bonus", tier=award.tier, percent=level.bonus_percent, points=bonus))
    promotions: dict[str, int] = {}
    entitled = award.entitled
    if rules.promotions is not None and terms.exclusion is None:
        visit = _visit(posting, award, earned.spend)
        if entitled is None:
            entitled = rules.promotions.entitled(visit, guest) if guest else ()
        promotions = _promote(rules.promotions, visit, award, entitled, base, before, budgets, counts, why)
    counts["spend"] = earned.spend
    points = {"base": base, "tier_bonus": bonus, "promotion": sum(promotions.values())}
    counts["tier_points"] = sum([points[kind] for kind in earning.tier_points])
    if terms.exclusion is not None:
        counts = _only(counts, terms.exclusion.counts)
    award = structs.replace(
        award, expires_on=rules.expires_on(award.effective_on, award.tier), base=base, tier_bonus=bonus,
        promotions=promotions, entitled=entitled,
        opens_on=rules.opens_on(award.effective_on) if rules.pending_days else None,
    )  # fmt: skip
    return _with_counts(rules, award, counts, posting, before), why


# --- what a stay counts for -------------------------------------------------------------------------------------------


def _stay_counts(
    rules: Rulebook, posting: StayPosting, folio: Folio, rates: Rates, brand: str
) -> tuple[dict[str, int] | None, list[Why]]:
    """Return nights and stays of a stay; None when an award night makes it one that counts and earns nothing."""
    counting, nights = rules.counting, folio.nights
    why: list[Why] = []
    if posting.award_nights:
        shown = str(posting.award_nights)
        if counting.award_nights == "whole_stay":
            return None, [Why("award_stay", nights=shown)]
        if counting.award_nights == "none":
            nights = max(0, nights - posting.award_nights * _NIGHT)
            why.append(Why("award_nights", nights=shown))
    if rates.nights != _NIGHT:
        nights = nights * rates.nights // _NIGHT
    if counting.room_nights and posting.rooms > 1:
        nights *= min(posting.rooms, counting.rooms or posting.rooms)
    counts = {"nights": nights, "stays": 1 if folio.nights or counting.day_use_is_stay else 0}
    if rules.counts_brands and brand:
        counts["brand:" + brand] = 1
    return counts, why


def _only(counts: dict[str, int], units: tuple[str, ...]) -> dict[str, int]:
    """Return the counts of these units; what the rules themselves count (`cap:…`) stays."""
    return {
        unit: amount
        for unit, amount in counts.items()
        if unit in units or (":" in unit and unit[:6] != "brand:")
    }


def _with_counts(
    rules: Rulebook, award: Award, counts: dict[str, int], posting: StayPosting, before: Before
) -> Award:
    """Return the award with what of the counts the program asks for."""
    if rules.counting.consecutive:
        counts = _link(counts, posting, before)
    units = rules.units
    kept = {unit: amount for unit, amount in counts.items() if amount and (unit in units or ":" in unit)}
    return structs.replace(award, counts=kept)


def _link(counts: dict[str, int], posting: StayPosting, before: Before) -> dict[str, int]:
    """Count stays that follow each other at one property as one: all but those that another one ends at the start of.

    So whatever the order of posting, the stays of a member are those without one just before them. What this stay
    changes of that stands in its own count, which may be below zero, or be left when it is cancelled.
    """
    own = before.own
    others = _markers(before)
    change = 0
    if own is not None and before.own_dates is not None and any(unit[:3] == "at:" for unit in own.counts):
        change -= _alone(others, *before.own_dates)
    counts = dict(counts)
    if counts.get("stays"):
        change += _alone(others, posting.property, posting.arrival, posting.departure)
        counts[f"at:{posting.property}:{posting.arrival}"] = 1
    counts["stays"] = change + (own.counts.get("stays", 0) if own else 0)
    return counts


def _markers(before: Before) -> dict[tuple[str, str, str], int]:
    """Return how many other stays there are by property, arrival and departure."""
    found: dict[tuple[str, str, str], int] = {}
    for departure, counts in before.counters.items():
        for unit, amount in counts.items():
            if unit[:3] == "at:":
                place, _, arrival = unit[3:].rpartition(":")
                found[place, arrival, departure] = amount
    if before.own is not None:
        for unit in before.own.counts:
            if unit[:3] == "at:":
                place, _, arrival = unit[3:].rpartition(":")
                found[place, arrival, before.own.effective_on.isoformat()] -= 1
    return found


def _alone(others: Mapping[tuple[str, str, str], int], place: str, arrival: date, departure: date) -> int:
    """Return by how much a stay raises the number of stays that have none just before them."""
    first, last = arrival.isoformat(), departure.isoformat()
    here = [(begins, ends, n) for (at, begins, ends), n in others.items() if at == place and n > 0]
    follows = any(ends == first for _, ends, _ in here)
    joined = (
        0 if any(ends == last for _, ends, _ in here) else sum([n for begins, _, n in here if begins == last])
    )
    return (not follows) - joined


# --- what it earns ----------------------------------------------------------------------------------------------------


def _revenue(rules: Rulebook, posting: StayPosting, folio: Folio, why: list[Why]) -> dict[str, int]:
    """Return the revenue in the program's currency that may earn, by category."""
    earning, currency, revenue = rules.earning, posting.currency, folio.revenue
    if currency != earning.currency:
        day = posting.departure
        revenue = {category: earning.exchange(amount, currency, day) for category, amount in revenue.items()}
    most = rules.counting.rooms
    if most is not None and posting.rooms > most:
        why.append(Why("rooms_capped", limit=most))
        revenue = {category: amount * most // posting.rooms for category, amount in revenue.items()}
    return revenue


def _lines(rules: Rulebook, posting: StayPosting, revenue: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the lines of the categories that earn, each in the program's currency on its own."""
    earning, currency = rules.earning, posting.currency
    decimals, most = money.digits(currency), rules.counting.rooms
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


def _cap(terms: Terms, base: int, before: Before, day: date, counts: dict[str, int], why: list[Why]) -> int:
    """Return the base points that the caps leave, and count what they are judged by."""
    for cap in terms.caps:
        if cap.per == "stay":
            left = cap.points
        else:
            key = day.isoformat() if cap.per == "day" else str(day.year)
            left = max(0, cap.points - before.taken("cap:" + cap.code, key))
        if base > left:
            why.append(Why("capped", rule=cap.code, limit=cap.points, points=left))
            base = left
    for cap in terms.caps:
        if cap.per != "stay":
            counts["cap:" + cap.code] = base
    return base


def _visit(posting: StayPosting, award: Award, spend: int) -> Visit:
    nights = (posting.departure - posting.arrival).days * _NIGHT
    return Visit(
        posting.property, award.brand, posting.channel, posting.rate_code, posting.room_type, posting.arrival,
        posting.departure, posting.booked_on, award.seen_on or posting.departure, nights, spend,
    )  # fmt: skip


def _promote(
    promotions: Promotions, visit: Visit, award: Award, entitled: tuple[str, ...], base: int, before: Before,
    budgets: Mapping[str, int], counts: dict[str, int], why: list[Why],
) -> dict[str, int]:  # fmt: skip
    """Return the points that promotions give, by code; count nights on top, and what limits are judged by."""
    used = {
        code: Used(before.taken("promotion:" + code), before.taken("times:" + code))
        for code in promotions.limited
    }
    points: dict[str, int] = {}
    for one in promotions.give(visit, award.tier, entitled, base, used, budgets):
        why += one.why
        if one.points:
            points[one.code] = one.points
        if one.nights:
            counts["nights"] += one.nights
        if one.code in promotions.limited and (one.points or one.nights):
            counts["promotion:" + one.code] = one.points
            counts["times:" + one.code] = 1
    return points
