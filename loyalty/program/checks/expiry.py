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


@cache
def _least_days(months: int) -> int:
    """Return the fewest days that so many months can have."""
    first_days = [date(year, month, 1) for year in range(2024, 2028) for month in range(1, 13)]
    return min((add_months(day, months) - day).days for day in first_days)
