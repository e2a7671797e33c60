"""The limits that moving points has in common: size and step, age of the account, caps by calendar year. Pure.

What counts towards a cap is a unit in the member's book, so it follows every correction and can be verified.
"""

from datetime import date, timedelta

from loyalty.errors import Problem
from loyalty.ledger.model import Member


def check_size(points: int, least: int, step: int) -> Problem | None:
    """Refuse fewer points than `least`, and what isn't a multiple of `step`."""
    if points < least or points % step:
        wanted = f"at least {least}" if step == 1 else f"at least {least}, in steps of {step}"
        return Problem("invalid_value", f"Must be {wanted}.", at="/points")
    return None


def check_age(member: Member, days: int, today: date, at: str) -> Problem | None:
    """Refuse an account that was opened less than so many days ago."""
    first = member.enrolled_on + timedelta(days=days)
    if today < first:
        return Problem("account_too_young", f"The account is old enough from {first} on.", at=at)
    return None


def check_cap(member: Member, unit: str, cap: int | None, points: int, today: date) -> Problem | None:
    """Refuse points that take what was counted this calendar year beyond a cap; None is no cap."""
    if cap is None:
        return None
    left = cap - counted(member, unit, today.year)
    if points > left:
        return Problem(
            "limit_reached",
            f"At most {cap} points a year ({unit}); {max(0, left)} are left this year.",
            at="/points",
        )
    return None


def counted(member: Member, unit: str, year: int) -> int:
    """Return what was counted of a unit in a calendar year, be it kept by day or by year."""
    prefix = f"{year:04}"
    return sum([units.get(unit, 0) for day, units in member.counters.items() if day[:4] == prefix])
