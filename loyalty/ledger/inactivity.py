"""Lapsing by inactivity: all points of a member are lost so long after the last activity. Pure.

The version in force today says how long, and what is an activity (`moment.idling`). Nothing lapses while points are
held. The time begins anew:
  * on the day that the points lapse, also where the member's tier spares them;
  * today, for points that come when it is up already, or has never begun.

Here is told when; `member.active_on`, the day on which the time began, is kept. The points are lost by a `Book`
(`loyalty.ledger.rules`), in a journal of their own.
"""

from collections.abc import Iterable
from datetime import date

from loyalty.ledger.model import Member, Moment


def note(member: Member, moment: Moment, day: date, kinds: Iterable[str]) -> None:
    """Note an activity of a day, if the rule takes any of its kinds for one; an earlier one changes nothing."""
    idling = moment.idling
    if idling is None or idling.activity.isdisjoint(kinds):
        return
    if member.active_on is None or day > member.active_on:
        member.active_on = day


def running_until(member: Member, moment: Moment) -> date | None:
    """Return the day on which the time will be up; None if it hasn't begun, or is up by now."""
    idling, since = moment.idling, member.active_on
    if idling is None or since is None:
        return None
    day = idling.lapses_on(since)
    return day if day > moment.today else None


def lapse_of(member: Member, moment: Moment) -> date | None:
    """Return the day on which all points of a member have lapsed by now; None when they haven't."""
    idling, since = moment.idling, member.active_on
    if idling is None or since is None or idling.lapses_on(since) > moment.today:
        return None
    if member.held or not has_points(member):
        return None
    day = idling.lapses_on(_spared(member, moment, since))
    return day if day <= moment.today else None


def begin(member: Member, moment: Moment) -> date | None:
    """Begin the time where it never began, or was up in vain; return the day on which it is up next, if it began."""
    since = member.active_on
    if since is not None:
        member.active_on = _spared(member, moment, since)
        if member.active_on == since:
            return None
    return next_lapse(member, moment)


def next_lapse(member: Member, moment: Moment) -> date | None:
    """Return the day on which the points lapse that a member has now; the time begins today where it doesn't run."""
    idling, since, today = moment.idling, member.active_on, moment.today
    if idling is None or not has_points(member):
        return None
    day = None if since is None else idling.lapses_on(since)
    if day is None or day <= today:
        member.active_on, day = today, idling.lapses_on(today)
    return day


def has_points(member: Member) -> bool:
    """Tell whether a member has points to lose."""
    return member.available > 0 or member.pending > 0


def _spared(member: Member, moment: Moment, since: date) -> date:
    """Return the last day on which the time was up in vain, as a tier spared the points; else when it began."""
    idling, spares = moment.idling, moment.spares
    if idling is None or spares is None:
        return since
    while (day := idling.lapses_on(since)) <= moment.today and spares(member, day):
        since = day
    return since
