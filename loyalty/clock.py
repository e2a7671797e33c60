"""What time it is, as a parameter: tests and simulations run years in milliseconds."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """Stands still until it is set or moved."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = _utc(start)

    def now(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        self._now = _utc(moment)

    def advance(self, step: timedelta) -> datetime:
        self._now += step
        return self._now


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a clock needs a time zone: pass an aware datetime")
    return moment.astimezone(UTC)


@lru_cache(maxsize=8192)
def written(day: date) -> str:
    """Write a day as `YYYY-MM-DD`: few days are written over and over.

    >>> written(date(2024, 1, 31))
    '2024-01-31'
    """
    return day.isoformat()


@lru_cache(maxsize=8192)
def add_months(day: date, months: int) -> date:
    """Return the same day so many months later, or the last day of that month when it is shorter.

    >>> add_months(date(2024, 1, 31), 1), add_months(date(2024, 12, 15), 24)
    (datetime.date(2024, 2, 29), datetime.date(2026, 12, 15))
    """
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    for last in (day.day, 30, 29, 28):
        if last <= day.day:
            try:
                return date(year, month, last)
            except ValueError:
                continue
    raise AssertionError("every month has a 28th")
