"""The rules of one program, compiled: what every command decides by."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from loyalty import money
from loyalty.ledger.model import CAPPED, POINTS
from loyalty.program.earning import Earning, add_months
from loyalty.program.model import UNIT_SCALE, Definition, Name
from loyalty.tiers.milestones import MilestoneRule
from loyalty.tiers.rules import Ladder, Level


class Rulebook:
    """A program ready to apply. Made once; nothing of the definition is interpreted per stay."""

    def __init__(self, definition: Definition) -> None:
        """Compile a checked definition."""
        self.definition = definition
        self.label = f"{definition.id}@{definition.version}"
        self.zone = ZoneInfo(definition.time_zone)
        self.earning = Earning(definition)
        self.units = frozenset(definition.counting.units)
        self.ladder = Ladder(tuple(self._levels()))
        self.milestones = tuple(self._milestones())
        self.months = definition.expiry.months
        self._expires_on = lru_cache(4096)(self._expiry_of)
        self.limits = definition.limits
        self.most = money.to_minor(definition.limits.amount, self.earning.decimals) or 0

    def scale(self, unit: str) -> int:
        """Return the decimals of a unit; spend has those of the program's currency."""
        return self.earning.decimals if unit == "spend" else UNIT_SCALE[unit]

    def show(self, unit: str, amount: int) -> str:
        """Write an amount of a unit: points as they are, nights without an empty tenth, money with its decimals."""
        if unit == POINTS or unit in CAPPED:
            return str(amount)
        if unit == "nights":
            return str(amount // 10) if amount % 10 == 0 else money.from_minor(amount, 1)
        return money.from_minor(amount, self.scale(unit))

    def today(self, at: datetime) -> date:
        """Return the program's day at an instant."""
        return at.astimezone(self.zone).date()

    def expires_on(self, earned_on: date) -> date | None:
        """Return the first day on which points earned on a day can't be spent any more."""
        return self._expires_on(earned_on)

    def _expiry_of(self, earned_on: date) -> date | None:
        return None if self.months is None else add_months(earned_on, self.months)

    def _amount(self, unit: str, text: str) -> int:
        exact = money.to_minor(text, self.scale(unit))
        if exact is None:
            raise ValueError(f'{unit}: "{text}" is finer than the unit has decimals')
        return exact

    def _levels(self) -> list[Level]:
        return [
            Level(
                rank, tier.code, names(tier.name), tier.bonus_percent,
                tuple((unit, self._amount(unit, text)) for unit, text in tier.reach.items()),
            )
            for rank, tier in enumerate(self.definition.tier)
        ]  # fmt: skip

    def _milestones(self) -> list[MilestoneRule]:
        return [
            MilestoneRule(
                item.code, names(item.name), item.unit, self._amount(item.unit, item.every),
                item.reward.code, names(item.reward.name),
            )
            for item in self.definition.milestone
        ]  # fmt: skip


def names(name: Name) -> dict[str, str]:
    """Return a name as the API shows it."""
    return {"en": name.en, "zh": name.zh}
