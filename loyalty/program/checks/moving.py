"""Checks of points that are bought, given away or granted by hand, and of the limits of a posting."""

from collections.abc import Iterator
from fractions import Fraction

from loyalty import money
from loyalty.program.checks.common import Known, fits
from loyalty.program.mistakes import Mistake, Path, warning
from loyalty.program.model import Definition, Purchase, Transfers

_YEAR_DAYS = 366


def moving(definition: Definition, _book: Known) -> Iterator[Mistake]:
    """`[transfers]`, `[purchase]`, `[compensation]`."""
    if transfers := definition.transfers:
        yield from _steps(("transfers",), transfers)
        yield from _room(("transfers", "sent_a_year"), transfers.sent_a_year, transfers.least)
        yield from _room(("transfers", "received_a_year"), transfers.received_a_year, transfers.least)
        yield from _often(transfers)
    if purchase := definition.purchase:
        yield from _steps(("purchase",), purchase)
        yield from _room(("purchase", "a_year"), purchase.a_year, purchase.least)
        if not Fraction(purchase.price):
            yield Mistake(("purchase", "price"), "must be above zero")
    yield from _compensation(definition)


def _steps(path: Path, rules: Transfers | Purchase) -> Iterator[Mistake]:
    if rules.least % rules.step:
        up = -(-rules.least // rules.step) * rules.step
        yield Mistake(
            (*path, "least"), f"{rules.least} is no multiple of the step {rules.step}", f"Write {up}"
        )


def _often(rules: Transfers) -> Iterator[Mistake]:
    if rules.fee is not None and not Fraction(rules.fee):
        yield Mistake(("transfers", "fee"), "must be above zero; leave it out where gifts are free")
    if rules.every_days and rules.times_a_year and rules.times_a_year > _YEAR_DAYS // rules.every_days + 1:
        yield warning(
            ("transfers", "times_a_year"),
            f"never comes to it: there are {rules.every_days} days between two gifts",
        )


def _room(path: Path, cap: int | None, least: int) -> Iterator[Mistake]:
    if cap is not None and cap < least:
        yield Mistake(path, f"{cap} is less than the least that can be moved, {least}")


def _compensation(definition: Definition) -> Iterator[Mistake]:
    rules, most = definition.compensation, definition.limits.adjustment
    path = ("compensation",)
    for name in ("agent_a_day", "member_a_year"):
        if getattr(rules, name) == 0:
            yield warning((*path, name), "lets nobody give points at all")
    if rules.approval_above is not None and rules.approval_above >= most:
        yield warning(
            (*path, "approval_above"), f"never comes to it: more than {most} is refused (limits.adjustment)"
        )


def limits(definition: Definition, _book: Known) -> Iterator[Mistake]:
    """`[limits]`."""
    amount, path = definition.limits.amount, ("limits", "amount")
    if not fits(amount, money.digits(definition.currency)):
        yield Mistake(path, f"finer than {definition.currency} has decimals")
    if not Fraction(amount):
        yield Mistake(path, "must be above zero, or no stay can be posted")
