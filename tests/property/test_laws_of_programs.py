"""What must hold under every program: laws of earning and counting, on books in memory under made-up definitions.

Where a kind of program can't keep a law, it is said beside the law which, and the programs are made without it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any
from unittest import mock

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from loyalty import money
from loyalty.commands.model import Decision, Facts
from loyalty.commands.post_stay import PostStay
from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID
from loyalty.ledger import counters as counting
from loyalty.ledger.model import AVAILABLE, PENDING, POINTS, Counters, Member, Moment, Traits
from loyalty.program import model
from loyalty.program.checks import check
from loyalty.program.checks.fair import fair as check_fair
from loyalty.program.mistakes import Path
from loyalty.program.model import Definition, Promotion
from loyalty.stays.model import Award, Line, StayPosting
from loyalty.stays.rules import Folio, read_folio
from loyalty.tiers import standing as standing_file
from tests.program_strategies import CATEGORIES, definitions, names
from tests.property.invariants import accounts_sum_to_zero, available_is_what_lots_hold_less_debt
from tests.property.shell import Shell

TODAY = date(2027, 1, 20)
"""Soon after the turn of a year, so that stays lie on both sides of it."""
DAY = timedelta(days=1)
BRANDS = {"SHA01": "grand", "TYO01": "lite", "BJS01": "inn"}
UNITS = ("nights", "stays", "spend", "tier_points", "no_shows", "brands")
few = settings(max_examples=60, deadline=None)


# --- programs ---------------------------------------------------------------------------------------------------------


@st.composite
def programs(draw: st.DrawFn) -> Definition:
    """Return a definition that holds, with more of what there is than `definitions()` makes."""
    made = draw(definitions())
    codes = tuple(tier.code for tier in made.tier)
    earning = structs.replace(
        made.earning,
        bonus_rounding=draw(st.sampled_from(["down", "half_up", "up"])),
        tier_points=draw(
            st.sampled_from([("base",), ("base", "promotion"), ("base", "tier_bonus", "promotion")])
        ),
        rule=(*draw(st.lists(_rules(codes), max_size=2, unique_by=_code)), *made.earning.rule),
        cap=(*made.earning.cap, *draw(st.lists(_caps(codes), max_size=2, unique_by=_code))),
    )
    return structs.replace(
        made,
        earning=earning,
        exclusion=(*made.exclusion, *draw(st.tuples() | st.tuples(_exclusions(codes, made)))),
        counting=draw(_countings),
        qualification=draw(_qualifications(made, codes)),
        promotion=tuple([draw(_richer(item, codes)) for item in made.promotion]),
    )  # fmt: skip


def _code(item: Any) -> str:
    return item.code


def _tiers(codes: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    some = st.lists(st.sampled_from(codes), min_size=1, unique=True).map(tuple)
    return st.just(()) | some | st.sampled_from([(codes[0],), (codes[-1],), tuple(codes[1:])])


_rates = st.dictionaries(
    st.sampled_from(CATEGORIES), st.sampled_from(["0", "0.5", "1.25", "3", "7"]), min_size=1
)


def _rules(codes: Sequence[str]) -> st.SearchStrategy[model.EarningRule]:
    return st.builds(
        model.EarningRule, code=st.sampled_from(["suites", "house"]), room_types=st.sampled_from([("SUITE*",), ()]),
        tiers=_tiers(codes), properties=st.sampled_from([("SHA01",), ("*01",)[:0], ("TYO01", "BJS01")]), points=_rates,
        per=st.sampled_from(["1", "5"]), whole=st.booleans(), nights=st.sampled_from(["0.5", "1", "1.5"]),
    )  # fmt: skip


def _caps(codes: Sequence[str]) -> st.SearchStrategy[model.Cap]:
    return st.builds(
        model.Cap, code=st.sampled_from(["cap_a", "cap_b"]), per=st.sampled_from(["stay", "day", "year"]),
        points=st.integers(1, 3000), tiers=_tiers(codes), properties=st.sampled_from([(), ("SHA01",)]),
    )  # fmt: skip


def _exclusions(codes: Sequence[str], made: Definition) -> st.SearchStrategy[model.Exclusion]:
    earns = st.lists(st.sampled_from(sorted(made.earning.points)), unique=True).map(tuple)
    return st.builds(
        model.Exclusion, code=st.just("staff"), name=names, rate_codes=st.just(("STAFF*",)), tiers=_tiers(codes),
        counts=st.lists(st.sampled_from(UNITS), unique=True).map(tuple), earns=earns,
    )  # fmt: skip


_countings = st.builds(
    model.Counting, units=st.just(UNITS), day_use_is_stay=st.booleans(),
    rooms=st.sampled_from([None, 1, 2]), room_nights=st.booleans(),
    award_nights=st.sampled_from(["count", "none", "whole_stay"]), consecutive=st.booleans(),
)  # fmt: skip


@st.composite
def _qualifications(draw: st.DrawFn, made: Definition, codes: Sequence[str]) -> model.Qualification:
    rules = made.qualification
    by_year = rules.period.endswith("year")
    reached = [unit for tier in made.tier[1:] for unit in tier.reach]
    lifetime = (
        (model.Lifetime(codes[-1], {"nights": "12"}),) if len(codes) > 1 and draw(st.booleans()) else ()
    )
    return structs.replace(
        rules, effective=draw(st.sampled_from(["same_day", "next_day"])), lifetime=lifetime,
        bar=draw(st.sampled_from([(), (model.Bar("no_shows", 1),)])),
        rollover=(reached[0],) if by_year and reached and draw(st.booleans()) else (),
    )  # fmt: skip


@st.composite
def _richer(draw: st.DrawFn, item: Promotion, codes: Sequence[str]) -> Promotion:
    once = max(1, item.points or item.points_per_night or 0)
    tight = st.integers(once, once + 50)
    more: dict[str, st.SearchStrategy[Any]] = {
        "tiers": _tiers(codes), "per_stay": tight, "per_member": tight, "budget": tight, "times": st.just(1),
        "least_spend": st.sampled_from(["100", "999.99"]), "nights": st.sampled_from(["0.5", "2"]),
        "segments": st.just(("family",)), "referred": st.booleans(), "nth_over": st.just("year"),
        "properties": st.just(("SHA01",)), "priority": st.integers(-3, -1),
    }  # fmt: skip
    if 1 not in item.nth_stay:
        more["dormant_months"] = st.integers(1, 3)
    if item.by == "check_out":
        more["by"] = st.sampled_from(["arrival", "booking", "posting"])
    chosen = draw(st.lists(st.sampled_from(sorted(more)), unique=True, max_size=4))
    plain = draw(st.booleans())
    found = structs.replace(item, **{key: draw(more[key]) for key in chosen})
    if found.priority < 0:  # each has one of its own
        found = structs.replace(found, priority=10 * found.priority - item.priority)
    if plain:  # else few stays would ever come under it
        found = structs.replace(
            found, first=None, last=None, weekdays=(), channels=(), nth_stay=(), registration=False,
            birthday_month=False, dormant_months=None, segments=(), referred=False,
        )  # fmt: skip
    return found


def without_budgets(definition: Definition) -> Definition:
    return structs.replace(
        definition, promotion=tuple(structs.replace(item, budget=None) for item in definition.promotion)
    )


# --- stays ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A stay as it is told, whatever the program: `lines` in hundredths; `foreign`: in a currency of the program's."""

    ref: str
    place: str
    ends: date
    nights: int
    lines: tuple[tuple[str, int], ...]
    status: str = "checked_out"
    channel: str = "direct"
    rate_code: str | None = None
    room_type: str | None = None
    rooms: int = 1
    award_nights: int = 0
    booked: bool = False
    foreign: bool = False

    def posting(self, definition: Definition, number: str = "T1", **changes: Any) -> StayPosting:
        foreign = sorted(definition.exchange)
        currency = foreign[0] if self.foreign and foreign else definition.currency
        digits = money.digits(currency)
        arrival = self.ends - timedelta(days=self.nights)
        said = StayPosting(
            source="pms", property=self.place, stay_ref=self.ref, member=number, status=self.status, arrival=arrival,
            departure=self.ends, channel=self.channel, currency=currency, rooms=self.rooms,
            lines=[Line(category, money.from_minor(amount, digits)) for category, amount in self.lines],
            rate_code=self.rate_code, room_type=self.room_type, award_nights=self.award_nights,
            booked_on=arrival - timedelta(days=20) if self.booked else None,
        )  # fmt: skip
        return structs.replace(said, **changes)


amounts = st.one_of(
    st.integers(0, 300), st.integers(0, 3000_00), st.sampled_from([0, 1, 99, 100, 499_99, 999_99, 1000_00])
)
lines = st.lists(st.tuples(st.sampled_from([*CATEGORIES, "tax"]), amounts), max_size=4).map(tuple)
ends = st.one_of(
    st.integers(0, 30).map(lambda ago: TODAY - ago * DAY),
    st.integers(0, 400).map(lambda ago: TODAY - ago * DAY),
)


def told(ref: str, **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Told]:
    fields: dict[str, st.SearchStrategy[Any]] = {
        "ref": st.just(ref), "place": st.sampled_from(["SHA01", "SHA01", "TYO01", "BJS01"]), "ends": ends,
        "nights": st.integers(0, 4), "lines": lines,
        "status": st.sampled_from(["checked_out"] * 6 + ["cancelled", "no_show"]),
        "channel": st.sampled_from(["direct"] * 4 + ["app", "ota"]),
        "rate_code": st.sampled_from([None, None, "BAR", "STAFF1"]),
        "room_type": st.sampled_from([None, "KING", "SUITE1"]), "rooms": st.sampled_from([1, 1, 1, 3]),
        "award_nights": st.sampled_from([0, 0, 0, 1]), "booked": st.booleans(), "foreign": st.booleans(),
    }  # fmt: skip
    return st.builds(Told, **fields | fixed)


stayed = told("OWN", status=st.just("checked_out"))
"""A stay that took place."""
earning_stays = told(
    "OWN", status=st.just("checked_out"), channel=st.just("direct"), lines=lines.filter(bool)
)


dear_stays = told(
    "OWN", status=st.just("checked_out"), rate_code=st.sampled_from([None, "STAFF1", "STAFF1"]),
    lines=st.lists(st.tuples(st.sampled_from(CATEGORIES), st.integers(100_00, 3000_00)), min_size=2).map(tuple),
)  # fmt: skip
"""A stay that would earn, if nothing is in the way."""


@st.composite
def histories(draw: st.DrawFn, most: int = 4, **fixed: st.SearchStrategy[Any]) -> list[Told]:
    """Return a few stays; some of them follow each other."""
    found: list[Told] = []
    for place in range(draw(st.integers(0, most))):
        one = draw(told(f"R-{place}", **fixed))
        if found and draw(st.booleans()):
            last = draw(st.sampled_from(found))
            one = structs_of(one, place=last.place, ends=last.ends + timedelta(days=one.nights))
        found.append(one)
    return [one for one in found if one.ends <= TODAY]


def structs_of(one: Told, **changes: Any) -> Told:
    return Told(**{**one.__dict__, **changes})


guests = st.builds(
    Traits, birth_month=st.sampled_from([None, 1, 12]), segments=st.sampled_from([(), ("family",)]),
    registered=st.dictionaries(st.sampled_from(["p0", "p1", "p2"]), st.just(date(2025, 1, 1)), max_size=3),
    referred_by=st.sampled_from([None, "mem_other"]),
)  # fmt: skip


# --- books ------------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What a posting comes to, nothing of it written."""

    decision: Decision

    @property
    def award(self) -> Award:
        assert self.decision.revision is not None
        return msgspec.json.decode(self.decision.revision.award, type=Award)

    @property
    def reply(self) -> dict[str, Any]:
        return msgspec.json.decode(self.decision.answer.body)


class Books(Shell):
    """Books in memory that know brands, budgets and the years of milestones too."""

    def __init__(self, definition: Definition, traits: Traits | None = None, *numbers: str) -> None:
        super().__init__(Rulebook(definition), TODAY)
        self.definition = definition
        self.left = dict(self.rules.budgets)
        for number in numbers or ("T1",):
            self.enrol(number, f"enrol-{number}")
            member = self.find(number)
            assert member is not None
            member.enrolled_on = date(2025, 3, 15)
            member.traits = structs.replace(traits or Traits(), by_day=member.traits.by_day)

    @property
    def member(self) -> Member:
        member = self.find("T1")
        assert member is not None
        return member

    def say(self, one: Told, number: str = "T1", **changes: Any) -> dict[str, Any]:
        """Post a stay; return the reply."""
        answer = self.post_raw(one.posting(self.definition, number, **changes))
        return msgspec.json.decode(answer.body)

    def live(self, history: Sequence[Told], number: str = "T1") -> "Books":
        for one in history:
            self.say(one, number)
        return self

    def weigh(self, posting: StayPosting, tier: str | None = None) -> Outcome:
        """Return what a posting would come to; `tier`: if the member had it."""
        command = self._command(posting)
        moment = Moment(self.at, self.today, self.mint, self.rules.idling)
        facts = self._facts(command, moment)
        context = _of_tier(self.rules, tier) if tier else mock.MagicMock()
        with context:
            result = self._decide(facts, command, moment)
        assert isinstance(result, Decision), result
        return Outcome(result)

    def post_raw(self, posting: StayPosting) -> Any:
        return self.run(self._command(posting))

    def _command(self, posting: StayPosting) -> PostStay:
        folio = read_folio(posting, self.rules.limits.nights)
        assert isinstance(folio, Folio)
        return PostStay(posting.member, posting, folio, "test", BRANDS[posting.property])

    def _facts(self, command: Any, moment: Moment) -> Facts:
        facts = super()._facts(command, moment)
        facts.budgets, facts.spent = dict(self.left), frozenset(self.left)
        return facts

    def _write(self, decision: Decision) -> None:
        super()._write(decision)
        if not decision.answer.replayed:
            for code, points in decision.budgets.items():
                self.left[code] -= points

    def standing(self) -> dict[str, Any]:
        """Return all that a member could notice, years for days; and what is left of budgets."""
        member, tiers = self.member, self.rules.tiers
        days = [self.today + place * 100 * DAY for place in range(-2, 8)]
        lots: dict[Any, int] = defaultdict(int)
        for lot in self.lots.values():
            if lot.remaining and lot.member_id == member.member_id:
                lots[lot.expires_on, lot.opens_on if lot.pending else None] += lot.remaining
        rewards = sorted(
            (one.milestone, one.ordinal, one.period, one.code, one.points, one.status)
            for one in self.rewards.values()
            if one.status != "revoked" and one.member_id == member.member_id
        )
        return {
            "points": (member.available, member.pending, member.held, member.debt),
            "counters": counting.by_year(member.counters),
            "lots": dict(lots),
            "rewards": rewards,
            "tier": [tiers.on(member, day).code for day in days],
            "standing": (tiers.standing(member, self.today), tiers.review_on(member, self.today)),
            "budgets": dict(self.left),
        }


def _of_tier(rules: Rulebook, code: str) -> Any:
    """Have every stay that is new be judged by a tier, whatever was earned."""
    return mock.patch.object(rules.tiers, "near", return_value=rules.level(code))


def counts(one: Award, *, of_rules: bool = False) -> dict[str, int]:
    """Return what an award counts for: units that people know, or all."""
    return {
        unit: amount
        for unit, amount in one.counts.items()
        if of_rules or not unit.startswith(("at:", "cap:", "promotion:", "times:"))
    }


@few
@given(programs())
def test_the_programs_made_here_hold(definition: Definition) -> None:
    assert [] == [one for one in check(definition) if one.severity == "mistake"]


# --- 1. splitting a folio ---------------------------------------------------------------------------------------------


@st.composite
def split(draw: st.DrawFn, one: Told) -> Told:
    """Return a stay with the same sums in more lines, in any order."""
    parts: list[tuple[str, int]] = []
    for category, amount in one.lines:
        cuts = sorted(draw(st.lists(st.integers(0, amount), max_size=3)))
        parts += [(category, high - low) for low, high in zip([0, *cuts], [*cuts, amount], strict=True)]
    return structs_of(one, lines=tuple(draw(st.permutations(parts))))


@few
@given(programs(), guests, histories(), stayed, st.data())
def test_splitting_a_folio_into_more_lines_changes_nothing(
    definition: Definition, guest: Traits, history: list[Told], one: Told, data: st.DataObject
) -> None:
    definition = structs.replace(definition, earning=structs.replace(definition.earning, each="stay"))
    books = Books(definition, guest).live(history)
    whole, parts = (books.weigh(each.posting(definition)) for each in (one, data.draw(split(one))))

    assert whole.award == parts.award
    assert whole.reply["balance"] == parts.reply["balance"]
    assert sorted(map(str, whole.reply["why"])) == sorted(map(str, parts.reply["why"]))


@few
@given(programs(), histories(), earning_stays, st.data())
def test_where_each_line_is_rounded_a_line_more_makes_a_point_of_difference_at_most(
    definition: Definition, history: list[Told], one: Told, data: st.DataObject
) -> None:
    definition = structs.replace(definition, earning=structs.replace(definition.earning, each="line"))
    books = Books(definition).live(history)
    other = data.draw(split(one))
    whole, parts = (books.weigh(each.posting(definition)).award for each in (one, other))
    more = len(other.lines) - len(one.lines)
    least, most = per_line_bounds(definition)

    assert whole.base - least * more <= parts.base <= whole.base + most * more
    unrounded = ("nights", "stays", "spend", "no_shows")
    assert [whole.counts.get(unit) for unit in unrounded[:2]] == [
        parts.counts.get(unit) for unit in unrounded[:2]
    ]
    assert whole.counts.get("spend") == parts.counts.get("spend")


def per_line_bounds(definition: Definition) -> tuple[int, int]:
    """Return how many points at most a line more takes away, and adds.

    A point by rounding. Where only whole units count, one more of them is lost, at the highest rate. Revenue that is
    exchanged, or that more rooms share, loses a minor unit each time; in such a unit's worth, or in another whole unit.
    """
    earning = definition.earning
    tables = [(earning.points, earning.per, earning.whole)]
    tables += [(rule.points, rule.per, rule.whole) for rule in earning.rule]
    worth = Fraction(0)
    for points, per, whole in tables:
        unit = Fraction(1) if whole else Fraction(2, 100) / Fraction(per)
        worth = max(worth, 2 * unit * max(map(Fraction, points.values())))
    return 1 + -(-worth.numerator // worth.denominator), 0 if earning.rounding == "down" else 1


# --- 2. more spend ----------------------------------------------------------------------------------------------------


def falls_with_spend(definition: Definition) -> Iterator[Promotion]:
    """Yield promotions that may take the place of a better one of their group once more is spent.

    Of a group the highest priority counts, whatever it gives: one that asks for spend, or gives a share of the base,
    may come in with less than what a lower one gave until then.
    """
    ranked = sorted(definition.promotion, key=lambda item: -item.priority)
    for high, low in combinations(ranked, 2):
        grows = high.least_spend or high.multiplier or high.percent
        if high.group is not None and high.group == low.group and grows:
            yield high


def steady(definition: Definition) -> Definition:
    """Return a program of which no promotion takes the place of another once more is spent."""
    alone = {item.code for item in falls_with_spend(definition)}
    promotion = [
        structs.replace(item, group=None) if item.code in alone else item for item in definition.promotion
    ]
    return structs.replace(definition, promotion=tuple(promotion))


@few
@given(
    programs().map(steady),
    guests,
    histories(),
    earning_stays,
    st.sampled_from([1, 100, 10_00, 2000_00]),
    st.data(),
)
def test_more_spend_never_lowers_points_nor_counts(
    definition: Definition, guest: Traits, history: list[Told], one: Told, more: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(one.lines) - 1))
    raised = structs_of(
        one,
        lines=tuple((what, amount + more * (at == place)) for at, (what, amount) in enumerate(one.lines)),
    )
    books = Books(definition, guest).live(history)
    less, rich = (books.weigh(each.posting(definition)) for each in (one, raised))

    grows(less.award, rich.award)
    assert less.reply["balance"]["available"] <= rich.reply["balance"]["available"]
    # The same as a revision: it takes nothing away.
    books.say(one)
    revised = books.weigh(raised.posting(definition))
    assert revised.award == rich.award
    assert revised.reply["change"] == rich.award.points - less.award.points
    if revised.decision.book is not None:
        grows_counters(books.member.counters, revised.decision.book.member.counters)


def grows(less: Award, more: Award) -> None:
    assert less.base <= more.base
    assert less.tier_bonus <= more.tier_bonus
    assert less.points <= more.points
    for code, points in less.promotions.items():
        assert points <= more.promotions.get(code, 0)
    for unit, amount in less.counts.items():
        assert amount <= more.counts.get(unit, 0)


def grows_counters(before: Counters, after: Counters) -> None:
    for key, counted in before.items():
        for unit, amount in counted.items():
            assert amount <= after.get(key, {}).get(unit, 0)


# --- 3. a higher tier -------------------------------------------------------------------------------------------------


def fair(definition: Definition) -> Definition:
    """Return a program without what is for some tiers and may leave a higher one worse off.

    That is what is warned of. Limits by member are left out where they go by tier: what a tier has used up of its own
    may leave it less than another one's leave to that. And where rates go by tier, the same holds as for more spend: a
    higher base may bring in a promotion that takes the place of a better one.
    """
    definition = steady(structs.replace(
        definition,
        earning=structs.replace(
            definition.earning,
            cap=tuple(cap if cap.per == "stay" else structs.replace(cap, tiers=()) for cap in definition.earning.cap),
        ),
        promotion=tuple(
            structs.replace(item, per_stay=None, per_member=None, times=None, budget=None)
            if item.tiers and item.group
            else item
            for item in definition.promotion
        ),
    ))  # fmt: skip
    while warned := [one.path for one in check_fair(definition)]:
        definition = for_all_tiers(definition, warned[0])
    return definition


def for_all_tiers(definition: Definition, path: Path) -> Definition:
    """Return a program in which one rule, promotion, cap or exclusion is for all tiers."""
    *section, place, _ = path
    owner = definition.earning if section[0] == "earning" else definition
    items = list(getattr(owner, str(section[-1])))
    items[int(place)] = structs.replace(items[int(place)], tiers=())
    changed = structs.replace(owner, **{str(section[-1]): tuple(items)})
    return changed if owner is definition else structs.replace(definition, earning=changed)


@settings(few, max_examples=100)
@given(programs().map(fair), guests, histories(2), dear_stays)
def test_a_higher_tier_never_earns_less(
    definition: Definition, guest: Traits, history: list[Told], one: Told
) -> None:
    books = Books(definition, guest).live(history)
    earned = [books.weigh(one.posting(definition), tier.code).award for tier in definition.tier]

    assert [tier.code for tier in definition.tier] == [award.tier for award in earned]
    for lower, higher in pairwise(earned):
        assert lower.base <= higher.base
        assert lower.tier_bonus <= higher.tier_bonus
        assert lower.points <= higher.points


# --- 4. other members -------------------------------------------------------------------------------------------------


@few
@given(programs().map(without_budgets), guests, histories(), histories(), st.randoms(use_true_random=False))
def test_another_member_changes_nothing(
    definition: Definition, guest: Traits, mine: list[Told], theirs: list[Told], chance: Any
) -> None:
    alone, beside = Books(definition, guest), Books(definition, guest, "T1", "T2")
    others = [structs_of(one, ref=f"O-{one.ref}") for one in theirs]
    turns = [True] * len(mine) + [False] * len(others)
    chance.shuffle(turns)
    waiting, replies = {True: list(mine), False: others}, []
    for turn in turns:
        reply = beside.say(waiting[turn].pop(0), "T1" if turn else "T2")
        if turn:
            replies.append(reply)

    assert [nameless(alone.say(one)) for one in mine] == list(map(nameless, replies))
    assert alone.standing() == beside.standing()


def nameless(said: Any) -> Any:
    """Return a reply without the ids in it."""
    if isinstance(said, dict):
        return {key: nameless(value) for key, value in said.items() if not key.endswith("_id")}
    return [nameless(one) for one in said] if isinstance(said, list) else said


# --- 5. earning, then reversing ---------------------------------------------------------------------------------------


def never_idle(definition: Definition) -> Definition:
    """Return a program in which points don't lapse: a stay that is taken back was an activity all the same."""
    return structs.replace(definition, expiry=structs.replace(definition.expiry, inactivity_months=None))


gone = st.sampled_from(["cancelled", "cancelled", "no_show"])


@few
@given(
    programs().map(never_idle), guests, histories(5), told("OWN"), st.lists(told("OWN"), max_size=2),
    st.integers(0, 3), st.sampled_from([0, 40]),
)  # fmt: skip
def test_earning_then_reversing_is_as_if_nothing_had_been(
    definition: Definition, guest: Traits, history: list[Told], one: Told, revised: list[Told], share: int,
    days_kept: int,
) -> None:  # fmt: skip
    with mock.patch.object(standing_file, "_MANY_DAYS", days_kept):
        books = Books(definition, guest).live(history)
        if share and books.member.available > 0:  # spends some, and owes it once the first stay is taken back
            books.adjust("T1", -max(1, books.member.available // share), "spend")
            books.say(structs_of(history[0], status="cancelled"))
        books.expire("T1")
        was = books.standing()
        for each in (one, *revised):
            books.say(structs_of(each, place=one.place))
        books.say(structs_of(one, status="cancelled"))
        is_now = books.standing()
    if not days_kept:  # what was folded no longer tells the tiers of past days
        was["tier"], is_now["tier"] = was["tier"][2:], is_now["tier"][2:]

    assert was == is_now
    accounts_sum_to_zero(books)
    available_is_what_lots_hold_less_debt(books)


@few
@given(programs().map(never_idle), guests, histories(), stayed, st.sampled_from([1, 10, 30, 100, 500]))
def test_it_is_so_too_when_points_have_opened_or_expired_between(
    definition: Definition, guest: Traits, history: list[Told], one: Told, wait: int
) -> None:
    with_it, without = (Books(definition, guest).live(history) for _ in range(2))
    with_it.say(one)
    for books in (with_it, without):
        books.travel(wait)
    with_it.say(structs_of(one, status="cancelled"))
    for books in (with_it, without):
        books.expire("T1")

    assert without.standing() == with_it.standing()


# --- 6. any order -----------------------------------------------------------------------------------------------------


def orderly(definition: Definition) -> Definition:
    """Return a program whose counts don't go by what was known of the guest when a stay was first seen.

    The tier then and the number of stays before are such: rules by tier, and nights that promotions give. Points for
    tiers are counted of the base, within caps for all stays: those of some stays share what is left with others.
    """
    earning, nobody = definition.earning, ()
    return structs.replace(
        definition,
        earning=structs.replace(
            earning, tier_points=("base",),
            rule=tuple(structs.replace(rule, tiers=nobody) for rule in earning.rule),
            cap=tuple(cap for cap in earning.cap if not cap.tiers and not cap.properties),
        ),
        exclusion=tuple(structs.replace(item, tiers=nobody) for item in definition.exclusion),
        promotion=tuple(structs.replace(item, nights=None) for item in definition.promotion if gives_points(item)),
    )  # fmt: skip


def gives_points(item: Promotion) -> bool:
    return bool(item.multiplier or item.percent or item.points or item.points_per_night)


def of_people(counters: Counters, *units: str) -> dict[tuple[str, str], int]:
    """Return what is counted by key and unit, of these units; without any, of all but points and what rules count."""
    return {
        (key, unit): amount
        for key, counted in counters.items()
        for unit, amount in counted.items()
        if unit in units or (not units and (unit in ("nights", "spend", "no_shows") or unit[:6] == "brand:"))
    }


@few
@given(programs().map(orderly), guests, histories(6), st.data())
def test_any_order_of_the_same_stays_comes_to_the_same_counts(
    definition: Definition, guest: Traits, history: list[Told], data: st.DataObject
) -> None:
    one = Books(definition, guest).live(history).member.counters
    other = Books(definition, guest).live(data.draw(st.permutations(history))).member.counters
    consecutive = definition.counting.consecutive

    assert of_people(one) == of_people(other)
    assert of_people(counting.by_year(one), "tier_points") == of_people(
        counting.by_year(other), "tier_points"
    )
    if consecutive:
        assert counting.over_all(one, "stays") == counting.over_all(other, "stays")
    else:
        assert of_people(one, "stays") == of_people(other, "stays")


# --- 7. reply and journal ---------------------------------------------------------------------------------------------

TO_SPEND = (AVAILABLE, PENDING)


@few
@given(programs(), guests, histories(), st.lists(told("OWN"), min_size=1, max_size=4), st.integers(0, 3))
def test_the_reply_the_journal_and_the_balance_agree(
    definition: Definition, guest: Traits, history: list[Told], said: list[Told], share: int
) -> None:
    books = Books(definition, guest).live(history)
    had = 0
    for place, each in enumerate(said):
        one = structs_of(each, place=said[0].place)
        if place == 1 and share and books.member.available > 0:
            books.adjust("T1", -max(1, books.member.available // share), "spend")
        books.travel(place * 9)
        before = deepcopy(books.member)
        outcome = books.weigh(one.posting(definition, revision=place))
        agree(before, outcome, had)
        books.say(one, revision=place)
        had = outcome.award.points


def agree(before: Member, outcome: Outcome, had: int) -> None:
    reply, book = outcome.reply, outcome.decision.book
    assert book is not None
    kinds: dict[UUID, str] = {one.journal_id: one.kind for one in book.journals}
    moved: dict[str, int] = defaultdict(int)
    accounts: dict[str, int] = defaultdict(int)
    for one in book.transfers:
        if one.unit == POINTS:
            for account, sign in ((one.credit, 1), (one.debit, -1)):
                accounts[account] += sign * one.amount
                if account in TO_SPEND:
                    stay = kinds[one.journal_id].startswith("stay_") and one.kind != "expiry"
                    moved[one.kind if stay else "else"] += sign * one.amount
    of_stay = sum(amount for kind, amount in moved.items() if kind != "else")

    assert reply["change"] == of_stay == outcome.award.points - had
    assert reply["points"]["total"] == outcome.award.points
    assert reply["points"]["total"] == sum(
        reply["points"][kind] for kind in ("base", "tier_bonus", "promotion")
    )
    assert (reply["balance"]["available"], reply["balance"]["pending"]) == (
        before.available + accounts[AVAILABLE], before.pending + accounts[PENDING],
    )  # fmt: skip
    after = book.member
    assert (after.available, after.pending) == (reply["balance"]["available"], reply["balance"]["pending"])
    explained = sum(one.get("points", 0) for one in reply["why"] if one["code"] == "tier_bonus")
    assert explained == reply["points"]["tier_bonus"]
