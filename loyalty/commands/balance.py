"""A member's balance as a booking site shows it: points, what expires when, tier, progress, milestones. Pure."""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from loyalty.commands.rulebook import Rulebook
from loyalty.ids import show
from loyalty.ledger.model import Counters, Member
from loyalty.tiers.milestones import MilestoneRule, lifetime
from loyalty.tiers.rules import Level, Standing

Names = Mapping[str, str]


class ExpiringPoints(Struct, frozen=True, gc=False):
    """Points that can't be spent any more from this day on."""

    on: date
    points: int


class TierView(Struct, frozen=True, gc=False):
    """The tier, and the last day it is certain for."""

    code: str
    name: Names
    valid_to: date | None


class TierGoal(Struct, frozen=True, gc=False):
    """A tier to reach or keep by the end of this year; any one of what remains is enough."""

    code: str
    name: Names
    remaining: dict[str, str]


class MilestoneView(Struct, frozen=True, gc=False):
    """A milestone ahead: the count at which it comes, and how much is missing."""

    code: str
    name: Names
    unit: str
    reward: Names
    next_at: str
    remaining: str


class BalanceView(Struct, frozen=True, gc=False, omit_defaults=True):
    """A member's balance on a day. `pool` is what the household has to spend, this member's points included."""

    member_id: str
    number: str
    as_of: date
    available: int
    held: int
    debt: int
    expiring: list[ExpiringPoints]
    tier: TierView
    next_tier: TierGoal | None
    keep_tier: TierGoal | None
    year: dict[str, str]
    milestones: list[MilestoneView]
    pool: int | None = None


def view(rules: Rulebook, member: Member, expiring: list[tuple[date, int]], today: date) -> BalanceView:
    """Return the balance on a day. Lots whose time is up don't count, whether or not that was written down yet."""
    available = member.available
    if member.next_expiry is not None and member.next_expiry <= today:
        available -= sum(points for day, points in expiring if day <= today)
        expiring = [(day, points) for day, points in expiring if day > today]
    counted = member.counters.get(str(today.year), {})
    standing = rules.ladder.standing(member.counters, today)
    above = rules.ladder.next_after(standing.level)
    return BalanceView(
        show("mem", member.member_id), member.number, today, available, member.held, max(0, -available),
        [ExpiringPoints(day, points) for day, points in expiring],
        TierView(standing.level.code, standing.level.name, standing.valid_to),
        _goal(rules, above, counted) if above else None,
        _keep(rules, standing, counted),
        {unit: rules.show(unit, counted.get(unit, 0)) for unit in rules.definition.counting.units},
        [_milestone(rules, rule, member.counters) for rule in rules.milestones],
    )  # fmt: skip


def _goal(rules: Rulebook, level: Level, counted: Mapping[str, int]) -> TierGoal:
    missing = rules.ladder.missing(level, counted)
    return TierGoal(
        level.code, level.name, {unit: rules.show(unit, amount) for unit, amount in missing.items()}
    )


def _keep(rules: Rulebook, standing: Standing, counted: Mapping[str, int]) -> TierGoal | None:
    """Return what keeps the tier for the year after; None when it is everybody's."""
    if standing.level.rank == 0:
        return None
    if any(counted.get(unit, 0) >= threshold for unit, threshold in standing.level.reach):
        return TierGoal(standing.level.code, standing.level.name, {})
    return _goal(rules, standing.level, counted)


def _milestone(rules: Rulebook, rule: MilestoneRule, counters: Counters) -> MilestoneView:
    count = lifetime(counters, rule.unit)
    at = (count // rule.every + 1) * rule.every
    return MilestoneView(
        rule.code, rule.name, rule.unit, rule.reward_name, rules.show(rule.unit, at),
        rules.show(rule.unit, at - count),
    )  # fmt: skip


def etag(rules: Rulebook, member: Member, today: date) -> str:
    """Return a tag that changes whenever the balance may: with a journal, with the day, with the program."""
    return f'"{member.version}.{today:%Y%m%d}.{rules.label}"'
