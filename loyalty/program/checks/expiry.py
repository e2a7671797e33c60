"""Checks of when points expire."""

from collections.abc import Iterator
from datetime import date
from functools import cache

from loyalty.clock import add_months
from loyalty.program.checks.common import Known, refers, twice
from loyalty.program.mistakes import Mistake, Path, warning
from loyalty.program.model import Definition, Expiry


def expiry(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[expiry]`."""
    rules = definition.expiry
    for code in rules.by_tier:
        yield from refers(("expiry", "by_tier", code), code, book.tiers, "tier")
    yield from twice(("expiry", "warn_days"), rules.warn_days, None)
    yield from twice(("expiry", "activity"), rules.activity, None)
    yield from _pending(definition)
    yield from _warnings_ahead(rules)
    yield from _inactivity(rules)
    yield from _exempt(rules, definition, book)


def _terms(rules: Expiry) -> list[tuple[Path, int]]:
    """Return all after which points expire, in months, and where it is said."""
    found: list[tuple[Path, int]] = [
        (("expiry", "by_tier", code), months) for code, months in rules.by_tier.items() if months
    ]
    if rules.months:
        found.append((("expiry", "months"), rules.months))
    if rules.inactivity_months:
        found.append((("expiry", "inactivity_months"), rules.inactivity_months))
    return found


def _pending(definition: Definition) -> Iterator[Mistake]:
    pending = definition.earning.pending_days
    for path, months in _terms(definition.expiry):
        if pending >= _least_days(months):
            yield Mistake(
                path, f"points expire after {months} months, before they can be spent after {pending} days "
                "(earning.pending_days)",
            )  # fmt: skip


def _warnings_ahead(rules: Expiry) -> Iterator[Mistake]:
    terms = _terms(rules)
    if rules.warn_days and not terms:
        yield Mistake(("expiry", "warn_days"), "no points expire, so there is nothing to warn of")
        return
    for place, days in enumerate(rules.warn_days):
        if any(days >= _least_days(months) for _, months in terms):
            yield Mistake(
                ("expiry", "warn_days", place), f"{days} days ahead is before the points are earned: some expire after "
                f"{min(months for _, months in terms)} months",
            )  # fmt: skip


def _inactivity(rules: Expiry) -> Iterator[Mistake]:
    if rules.inactivity_months is None:
        if rules.activity != Expiry().activity:
            yield warning(("expiry", "activity"), "has no meaning without inactivity_months")
        return
    if not rules.activity:
        yield Mistake(("expiry", "activity"), "nothing keeps points alive; name at least one activity")
    if rules.months and rules.months <= rules.inactivity_months:
        yield warning(
            ("expiry", "inactivity_months"),
            f"all points expire after {rules.months} months anyway (expiry.months)",
        )


def _exempt(rules: Expiry, definition: Definition, book: Known) -> Iterator[Mistake]:
    path = ("expiry", "inactivity_exempt")
    yield from twice(path, rules.inactivity_exempt, None)
    for place, code in enumerate(rules.inactivity_exempt):
        yield from refers((*path, place), code, book.tiers, "tier")
    if rules.inactivity_months is None and rules.inactivity_exempt:
        yield warning(path, "has no meaning without inactivity_months")
    if set(book.tiers) <= set(rules.inactivity_exempt):
        yield Mistake(path, "names every tier, so no points are ever lost; take inactivity_months away")
    if rules.inactivity_exempt_lifetime and not _are_for_life(definition):
        yield warning(
            (*path[:1], "inactivity_exempt_lifetime"),
            "no tier is for life by what is earned; only what is given without an end is",
        )


def _are_for_life(definition: Definition) -> bool:
    return bool(definition.qualification.lifetime) or any(tier.permanent for tier in definition.tier)


@cache
def _least_days(months: int) -> int:
    """Return the fewest days that so many months can have."""
    first_days = [date(year, month, 1) for year in range(2024, 2028) for month in range(1, 13)]
    return min((add_months(day, months) - day).days for day in first_days)
