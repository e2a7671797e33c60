"""A member's balance as a booking site shows it: points, what expires when, tier, progress, milestones. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from loyalty.commands.rewarding import OptionView, option
from loyalty.commands.rulebook import Rulebook
from loyalty.ids import show
from loyalty.ledger.counters import brands, of_year
from loyalty.ledger.model import BENEFIT, Choosing, Counters, Member
from loyalty.ledger.outlook import Expiring, Opening, look
from loyalty.program.model import Choice
from loyalty.tiers.ladder import Level
from loyalty.tiers.milestones import MilestoneRule, amount_of
from loyalty.tiers.standing import Standing

Names = Mapping[str, str]

# Rules look years back and ahead; near the ends of the calendar there are no dates for that, and nothing to be found.
_FIRST: Final = date(1900, 1, 1)
_LAST: Final = date(9900, 12, 31)


class ExpiringPoints(Struct, frozen=True, gc=False):
    """Points that can't be spent any more from this day on."""

    on: date
    points: int


class OpeningPoints(Struct, frozen=True, gc=False):
    """Points that can be spent from this day on."""

    on: date
    points: int


class BenefitView(Struct, frozen=True, gc=False, omit_defaults=True):
    """What the tier brings besides points; `yearly` is how often in a calendar year, where that is counted.

    `left` is how often it may still be used this year.
    """

    code: str
    name: Names
    yearly: int | None = None
    left: int | None = None


class TierView(Struct, frozen=True, gc=False, omit_defaults=True):
    """The tier, the last day it is certain for, and what it brings. `source` tells of one that wasn't earned."""

    code: str
    name: Names
    valid_to: date | None
    source: str = "earned"
    benefits: list[BenefitView] = []


class TierGoal(Struct, frozen=True, gc=False, omit_defaults=True):
    """A tier to reach or keep within the period. Any one of what remains is enough, and all of what is required."""

    code: str
    name: Names
    remaining: dict[str, str]
    required: dict[str, str] = {}


class PeriodView(Struct, frozen=True, gc=False):
    """The period in which is counted for tiers, and what counts in it so far."""

    first: date
    last: date
    counted: dict[str, str]


class MilestoneView(Struct, frozen=True, gc=False, omit_defaults=True):
    """A milestone ahead: the count at which it comes, and how much is missing; None: all of it is reached.

    Where it leaves a choice, `reward` is null, and there are so many to `pick` of the `options`. `or_remaining`: what
    of another unit would do as well.
    """

    code: str
    name: Names
    unit: str
    reward: Names | None
    next_at: str | None
    remaining: str | None
    pick: int = 0
    options: list[OptionView] = []
    or_remaining: dict[str, str] = {}


class ChoiceView(Struct, frozen=True, gc=False):
    """A reward that waits to be chosen, and the last day to do it. The member's rewards say what there is."""

    reward_id: str
    milestone: str
    name: Names
    choose_by: date


class BalanceView(Struct, frozen=True, gc=False, omit_defaults=True):
    """A member's balance on a day. What is `pending` can't be spent yet; `opening` says when it can.

    `pool` is what the household has to spend, this member's points included. `choices` are rewards to be chosen, left
    out when there are none.
    """

    member_id: str
    number: str
    as_of: date
    available: int
    pending: int
    held: int
    debt: int
    expiring: list[ExpiringPoints]
    opening: list[OpeningPoints]
    tier: TierView
    next_tier: TierGoal | None
    keep_tier: TierGoal | None
    year: dict[str, str]
    period: PeriodView
    milestones: list[MilestoneView]
    pool: int | None = None
    choices: list[ChoiceView] = []


def view(
    rules: Rulebook, member: Member, expiring: Expiring, today: date, opening: Opening = (),
    choices: Sequence[Choosing] = (),
) -> BalanceView:  # fmt: skip
    """Return the balance on a day. Lots count as of that day, whether or not that was written down yet."""
    rules = rules.at(today)
    has = look(member, expiring, opening, today, rules.lapses_on(member))
    day = min(max(today, _FIRST), _LAST)
    tiers, ladder = rules.tiers, rules.ladder
    year = of_year(member.counters, today.year)
    standing, period = tiers.standing(member, day), tiers.period(member, day)
    above = ladder.next_after(standing.level)
    units = rules.definition.counting.units
    return BalanceView(
        show("mem", member.member_id), member.number, today, has.available, has.pending, member.held,
        max(0, -has.available), [ExpiringPoints(day, points) for day, points in has.expiring],
        [OpeningPoints(day, points) for day, points in has.opening],
        TierView(
            standing.level.code, standing.level.name, standing.valid_to, standing.source,
            _benefits(rules, standing.level, year),
        ),
        _goal(rules, above, *ladder.missing(above, period.counted)) if above else None,
        _keep(rules, standing, period.counted),
        {unit: rules.show(unit, _count(year, unit)) for unit in units},
        PeriodView(
            period.first, period.last, {unit: rules.show(unit, _count(period.counted, unit)) for unit in units}
        ),
        [_milestone(rules, rule, member.counters, today) for rule in rules.milestones],
        choices=[_choice(rules, one) for one in choices if today <= one.choose_by],
    )  # fmt: skip


def _count(counted: Mapping[str, int], unit: str) -> int:
    """Return what was counted of a unit; of brands, how many different ones."""
    return brands(counted) if unit == "brands" else counted.get(unit, 0)


def _choice(rules: Rulebook, one: Choosing) -> ChoiceView:
    rule = rules.labelled(one.program, one.choose_by).milestone(one.milestone)
    name = rule.name if rule else {"en": one.milestone, "zh": one.milestone}
    return ChoiceView("rwd_" + one.reward_id, one.milestone, name, one.choose_by)


def _benefits(rules: Rulebook, level: Level, year: Mapping[str, int]) -> list[BenefitView]:
    return [
        *(BenefitView(code, rules.benefits[code]) for code in level.benefits),
        *(
            BenefitView(code, rules.benefits[code], times, max(0, times - year.get(BENEFIT + code, 0)))
            for code, times in level.yearly.items()
        ),
    ]


def _goal(
    rules: Rulebook, level: Level, remaining: Mapping[str, int], required: Mapping[str, int]
) -> TierGoal:
    return TierGoal(
        level.code, level.name, {unit: rules.show(unit, amount) for unit, amount in remaining.items()},
        {unit: rules.show(unit, amount) for unit, amount in required.items()},
    )  # fmt: skip


def _keep(rules: Rulebook, standing: Standing, counted: Mapping[str, int]) -> TierGoal | None:
    """Return what keeps the tier for the period after; None when it is everybody's, given or for good."""
    level = standing.level
    if level.by_invitation or level.rank == 0 or (level.permanent and standing.source == "earned"):
        return None
    if level.kept_by(counted):
        return TierGoal(level.code, level.name, {})
    return _goal(rules, level, *rules.ladder.missing_to_keep(level, counted))


def _milestone(rules: Rulebook, rule: MilestoneRule, counters: Counters, today: date) -> MilestoneView:
    count, others = rule.count(counters, today.year), dict[str, str]()
    mark, gives = rule.next_mark(count), rule.gives
    if rule.others:
        counted = rule.counted(counters, today.year)
        others = {unit: rules.show(unit, amount) for unit, amount in rule.missing(counted).items()}
        count = amount_of(counted, rule.unit)
    choice = gives if isinstance(gives, Choice) else None
    return MilestoneView(
        rule.code, rule.name, rule.unit, None if choice else rule.reward_name,
        None if mark is None else rules.show(rule.unit, mark),
        None if mark is None else rules.show(rule.unit, mark - count),
        choice.pick if choice else 0, [option(one, today.year) for one in choice.among] if choice else [], others,
    )  # fmt: skip


def etag(rules: Rulebook, member: Member, today: date) -> str:
    """Return a tag that changes whenever the balance may: with a journal, with the day, with the program."""
    return f'"{member.version}.{today:%Y%m%d}.{rules.at(today).label}"'
