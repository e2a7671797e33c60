"""The rules of a program, compiled: what every command decides by. One rulebook for each version, joined by date."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import structs

from loyalty import money
from loyalty.ledger.counters import NOTE
from loyalty.ledger.model import CAPPED, POINTS, SENT, Counters, Idling, Member, Spares
from loyalty.program.earning import Earning
from loyalty.program.festivals import Festivals
from loyalty.program.lifetime import Lifetimes
from loyalty.program.model import UNIT_SCALE, Choice, Definition, Milestone, Name, Reward
from loyalty.program.promotions import Promotions
from loyalty.tiers.ladder import Ladder, Level, standing_for
from loyalty.tiers.marks import Change, Marks
from loyalty.tiers.milestones import Crossing, MilestoneRule, all_crossed, remade, with_others
from loyalty.tiers.standing import Tiers

_DORMANCY: int = 2
"""Months that days are kept beyond the dormancy of a promotion: a stay may be posted late, and lasts."""
_SHORTEST: int = 28
"""Days of the shortest month."""
_AHEAD: int = 100
"""Years that a tier lasts at most; one that is given for longer is for good."""
_LATE: int = 13
"""Months that days are kept where rules look at single days or at stays that follow each other."""


class Rulebook:
    """One version of a program ready to apply, beside the others. Made once; nothing is interpreted per stay.

    `begins` is the first day on which it is in force; None for the first version, which is so from the beginning.
    `versions` are all of them, the first in force first; `days` the days on which the second and later ones begin.
    `remade` are the milestones whose marks not all of them have alike, each with the different ones; `marks` are those
    of all milestones of all of them, `all_marks` the thresholds of tiers besides.
    `months_needed` is how far back this version looks at single days, `months_kept` how far back any of them does;
    `by_day` is of which units, for all of them.
    """

    def __init__(self, definition: Definition) -> None:
        """Compile a checked definition; until it is joined with others it is in force on every day."""
        self.definition = definition
        self.label = f"{definition.id}@{definition.version}"
        self.begins: date | None = None
        self.zone = ZoneInfo(definition.time_zone)
        self.earning = Earning(definition)
        self.counting = definition.counting
        self.units = frozenset(definition.counting.units)
        self.counts_brands = "brands" in self.units
        self.ladder = Ladder.of(definition, self.amount)
        self.tiers = Tiers([(date.min, self.ladder)])
        self.milestones = tuple(self._milestone(item) for item in definition.milestone)
        asked = [mark for rule in self.milestones for mark in rule.asked()]
        self.marks, self.all_marks = Marks(asked), Marks((*self.tiers.asked(), *asked))
        self.offers_choices = any(item.choice for item in definition.milestone)
        self.promotions = (
            Promotions(definition, Festivals(definition.festival)) if definition.promotion else None
        )
        self.asks_posting_day = any(item.by == "posting" for item in definition.promotion)
        self.budgets = self.promotions.budgets if self.promotions else {}
        self.pending_days = definition.earning.pending_days
        self.expires_on = Lifetimes(definition.expiry).expires_on
        self.benefits = {item.code: names(item.name) for item in definition.benefit}
        self.limits = definition.limits
        self.most = money.to_minor(definition.limits.amount, self.earning.decimals) or 0
        self.months_needed = self.months_kept = self._months_kept()
        self.by_day = self._kept_by_day()
        self.idling = _idling(definition)
        self._exempt = frozenset(definition.expiry.inactivity_exempt)
        exempts = self._exempt or definition.expiry.inactivity_exempt_lifetime
        self.spares: Spares | None = self._spares if self.idling is not None and exempts else None
        self.remade: Mapping[str, tuple[MilestoneRule, ...]] = {}
        self.generation = 0
        self.versions: Sequence[Rulebook] = (self,)
        self.days: Sequence[date] = ()

    def at(self, day: date) -> "Rulebook":
        """Return the version in force on a day; before the first one, the first."""
        return self.versions[bisect_right(self.days, day)] if self.days else self.versions[0]

    def expires_today(self, member: Member, today: date) -> date | None:
        """Return the first day on which points that a member gets today, not for a stay, can't be spent any more."""
        return self.at(today).expires_on(today, self.tiers.on(member, today).code)

    def labelled(self, label: str, day: date) -> "Rulebook":
        """Return the version of a label; if it isn't there, the one in force on a day."""
        return next((one for one in self.versions if one.label == label), self.at(day))

    def reward_name(self, code: str) -> dict[str, str] | None:
        """Return the name of a reward that some milestone gives; None when none does."""
        for rule in self.milestones:
            gives = rule.gives
            for one in gives.among if isinstance(gives, Choice) else (gives,) if gives else ():
                if one.code == code:
                    return names(one.name)
        return None

    def milestone(self, code: str) -> MilestoneRule | None:
        """Return a milestone of this version by its code."""
        return next((rule for rule in self.milestones if rule.code == code), None)

    def crossed(
        self, changed: Sequence[Change], counters: Counters, *, ahead: bool = False
    ) -> list[Crossing]:
        """Return the milestones of this version that a change of the counters, which hold it already, has crossed.

        Of those whose marks not all versions have alike, add what may be lost or regained. `ahead`: the counters don't
        hold it yet.
        """
        if not self.marks.passed(changed, counters, ahead=ahead):
            return []
        found = all_crossed(self.milestones, changed, counters, ahead=ahead)
        return with_others(found, self.remade, changed, counters, ahead=ahead) if self.remade else found

    def level(self, code: str) -> Level:
        """Return a tier of this version by its code, or what stands for one that only other versions have."""
        level = self.ladder.level(code)
        if level.code == code:
            return level
        return standing_for(code, self.ladder, [one.ladder for one in self.versions])

    def opens_on(self, earned_on: date) -> date | None:
        """Return the day from which points of a stay can be spent; None: at once."""
        return earned_on + timedelta(days=self.pending_days) if self.pending_days else None

    def lapses_on(self, member: Member) -> date | None:
        """Return the day on which a member's points lapse by this version, if nothing is done; None: never."""
        if self.idling is None or member.active_on is None:
            return None
        day = self.idling.lapses_on(member.active_on)
        while self.spares is not None and self.spares(member, day):
            until = self.tiers.standing(member, day).valid_to
            if until is None or until.year - day.year > _AHEAD:
                return None
            while day <= until:
                day = self.idling.lapses_on(day)
        return day

    def _spares(self, member: Member, day: date) -> bool:
        """Tell whether a member's tier on a day keeps points that would lapse then."""
        if self._exempt and self.tiers.on(member, day).code in self._exempt:
            return True
        return self.definition.expiry.inactivity_exempt_lifetime and self.tiers.has_for_life(member, day)

    def scale(self, unit: str) -> int:
        """Return the decimals of a unit; spend has those of the program's currency."""
        return self.earning.decimals if unit == "spend" else UNIT_SCALE.get(unit, 0)

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

    def amount(self, unit: str, text: str) -> int:
        """Read an amount of a unit; raise ValueError when it is finer than the unit has decimals."""
        exact = money.to_minor(text, self.scale(unit))
        if exact is None:
            raise ValueError(f'{unit}: "{text}" is finer than the unit has decimals')
        return exact

    def _milestone(self, item: Milestone) -> MilestoneRule:
        first: Reward = item.reward or (item.choice.among[0] if item.choice else _nothing(item))
        return MilestoneRule(
            item.code, names(item.name), item.unit, self.amount(item.unit, item.every) if item.every else 0,
            first.code, names(first.name), tuple(self.amount(item.unit, mark) for mark in item.at),
            self.amount(item.unit, item.above), item.most, item.over == "year", item.reward or item.choice,
            tuple((unit, tuple(self.amount(unit, mark) for mark in marks)) for unit, marks in item.or_at.items()),
        )  # fmt: skip

    def _months_kept(self) -> int:
        """Return how far back single days are kept; 0: years are enough."""
        months = [self.ladder.days_needed]
        if self.counting.consecutive or any(cap.per == "day" for cap in self.definition.earning.cap):
            months.append(_LATE)
        dormant = [item.dormant_months for item in self.definition.promotion if item.dormant_months]
        if dormant:
            months.append(max(dormant) + _DORMANCY)
        transfers = self.definition.transfers
        if transfers is not None and transfers.every_days is not None:
            months.append(transfers.every_days // _SHORTEST + 1)
        return max(months)

    def _kept_by_day(self) -> tuple[str, ...]:
        """Return the units that are kept by day; one that ends with a colon stands for all that begin so."""
        units = {"cap:" + cap.code for cap in self.definition.earning.cap if cap.per == "day"}
        if self.ladder.days_needed:
            units |= self.units | {"brand:"}
        if self.counting.consecutive:
            units.add(NOTE)
        if any(item.dormant_months for item in self.definition.promotion):
            units.add("stays")
        transfers = self.definition.transfers
        if transfers is not None and transfers.every_days is not None:
            units.add(SENT)
        return tuple(sorted(units))


def join(versions: Sequence[tuple[date, Rulebook]], generation: int = 0) -> Rulebook:
    """Make versions known to each other, each in force from its day on until the next; return the first."""
    ordered = sorted(versions, key=lambda one: one[0])
    books = [book for _, book in ordered]
    days = [day for day, _ in ordered[1:]]
    tiers = Tiers([(day, book.ladder) for day, book in ordered])
    kept = max(book.months_kept for book in books)
    by_day = tuple(sorted({unit for book in books for unit in book.by_day}))
    different = remade([book.milestones for book in books])
    asked = [mark for book in books for rule in book.milestones for mark in rule.asked()]
    marks, all_marks = Marks(asked), Marks((*tiers.asked(), *asked))
    for book, begins in zip(books, (None, *days), strict=True):
        book.begins = begins
        book.tiers, book.generation, book.months_kept, book.by_day = tiers, generation, kept, by_day
        book.versions, book.days, book.remade = books, days, different
        book.marks, book.all_marks = marks, all_marks
    _know_since_when(ordered)
    return books[0]


def _idling(definition: Definition) -> Idling | None:
    """Return when points lapse by inactivity; None: never."""
    months = definition.expiry.inactivity_months
    return None if months is None else Idling(months, frozenset(definition.expiry.activity))


def _know_since_when(ordered: Sequence[tuple[date, Rulebook]]) -> None:
    """Tell each version since when points lapse as early as by its rule: none lapse before that day."""
    for place, (begins, book) in enumerate(ordered):
        if book.idling is None:
            continue
        since = begins
        for day, before in reversed(ordered[:place]):
            if before.idling is None or before.idling.months > book.idling.months:
                break
            since = day
        book.idling = structs.replace(book.idling, since=since)


def names(name: Name) -> dict[str, str]:
    """Return a name as the API shows it."""
    return {"en": name.en, "zh": name.zh}


def _nothing(item: Milestone) -> Reward:
    return Reward(code=item.code, name=item.name)
