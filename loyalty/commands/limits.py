"""The limits that moving points has in common: size and step, age of the account, caps by year, how often. Pure.

What counts towards a cap is a unit in the member's book, so it follows every correction and can be verified.
"""

from datetime import date, timedelta

from loyalty.errors import Problem
from loyalty.ledger.counters import is_day, of_year
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


def check_times(member: Member, unit: str, most: int | None, today: date, at: str) -> Problem | None:
    """Refuse what was done as often this calendar year as it may be; None is no limit."""
    if most is None or counted(member, unit, today.year) < most:
        return None
    return Problem("limit_reached", f"At most {most} a year ({unit}); none is left this year.", at=at)


def check_pause(member: Member, unit: str, days: int | None, today: date, at: str) -> Problem | None:
    """Refuse what was done less than so many days ago, where what is counted is kept by day; None is no limit."""
    if days is None:
        return None
    done = [key for key, units in member.counters.items() if is_day(key) and units.get(unit, 0) > 0]
    first = date.fromisoformat(max(done)) + timedelta(days=days) if done else today
    if today < first:
        return Problem("limit_reached", f"Once in {days} days ({unit}); again from {first} on.", at=at)
    return None


def counted(member: Member, unit: str, year: int) -> int:
    """Return what was counted of a unit in a calendar year."""
    return of_year(member.counters, year).get(unit, 0)
