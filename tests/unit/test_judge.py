"""What a stay is worth, and why: rates, caps, rooms, award nights, exclusions, promotions, and what is pinned."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loyalty.commands.judge import Before, Case, Pinned, judge
from loyalty.commands.rulebook import Rulebook, join
from loyalty.ledger.counters import over_all
from loyalty.ledger.model import Counters, Member, Traits
from loyalty.program.reading import decode
from loyalty.program.visit import Guest, Why
from loyalty.program.wording import Wording
from loyalty.stays.model import Award, Line, StayPosting
from loyalty.stays.rules import Folio, read_folio
from tests.builders import PROGRAM, changed, counted, lines, posting, reply, small_rules
from tests.property.invariants import check
from tests.property.shell import Shell

FIRST = date(2026, 5, 1)


def rules_with(earning: str = "", text: str = "", **counting: str) -> Rulebook:
    """Return the small program with more in `[earning]`, more tables, and its own `[counting]`."""
    table = "\n".join(f"{key} = {value}" for key, value in counting.items())
    program = PROGRAM.replace("[[exclusion]]", f"{earning}\n[[exclusion]]", 1)
    return small_rules(f"{program}\n{text}\n[counting]\n{table}\n")


def judged(
    rules: Rulebook, *, tier: str = "silver", brand: str = "", counters: Counters | None = None,
    own: Award | None = None, pinned: Pinned | None = None, guest: Guest | None = None,
    budgets: Mapping[str, int] = {}, **fields: Any,
) -> tuple[Award, list[Why]]:  # fmt: skip
    said = posting(**fields)
    folio = read_folio(said, 365)
    assert isinstance(folio, Folio)
    known = pinned or Pinned(tier, brand)
    return judge(Case(rules, said, folio, known, Before(counted(counters or {}), own), guest, budgets))


def codes(why: list[Why]) -> list[str]:
    return [one.code for one in why]


# --- rates by rule ----------------------------------------------------------------------------------------------------

BY_BRAND = """
[[earning.rule]]
code = "room_only"
brands = ["hampton"]
points = { room = "2" }

[[earning.rule]]
code = "extended"
brands = ["long_stay"]
points = { room = "0.5", food = "0.5" }
nights = "0.5"
"""


def test_a_brand_earns_by_its_own_rule_and_the_reason_names_it() -> None:
    rules = rules_with(BY_BRAND)
    amounts = lines(room="100.00", food="50.00")
    found = {brand: judged(rules, brand=brand, lines=amounts) for brand in ("", "hampton", "long_stay")}

    assert {"": 150, "hampton": 200, "long_stay": 75} == {
        brand: one.base for brand, (one, _) in found.items()
    }
    assert {"": None, "hampton": "room_only", "long_stay": "extended"} == {
        brand: next(one.rule for one in why if one.code == "base") for brand, (_, why) in found.items()
    }
    # Food earns nothing at Hampton, so it doesn't count as spend either.
    assert 100_00 == found["hampton"][0].counts["spend"]


def test_a_night_may_count_for_half() -> None:
    award, _ = judged(rules_with(BY_BRAND), brand="long_stay", departure=FIRST + timedelta(days=3))

    assert 15 == award.counts["nights"]


def test_the_tier_bonus_is_of_the_base_points_only() -> None:
    award, why = judged(rules_with(BY_BRAND), tier="gold", brand="hampton", lines=lines(room="100.50"))

    # 100.50 at 2 a yuan are 201; a quarter of 201 is 50.25.
    assert (201, 50) == (award.base, award.tier_bonus)
    assert Why("tier_bonus", tier="gold", percent=25, points=50) == why[-1]


PLAIN_EVENTS = """
[[earning.rule]]
code = "events"
rate_codes = ["EVENT*"]
points = { room = "1" }
bonus = false
"""


def test_a_rule_may_earn_without_the_tiers_bonus_and_says_so() -> None:
    rules = rules_with(PLAIN_EVENTS)
    award, why = judged(rules, tier="gold", rate_code="EVENT1", lines=lines(room="100.00"))
    other, _ = judged(rules, tier="gold", lines=lines(room="100.00"))

    assert [(100, 0), (100, 25)] == [(one.base, one.tier_bonus) for one in (award, other)]
    assert Why("no_tier_bonus", tier="gold", rule="events") == why[-1]
    # Silver has no bonus that could be missed.
    assert "no_tier_bonus" not in codes(judged(rules, rate_code="EVENT1")[1])
    assert ["Gold bonus: none by the rule events."] == Wording(rules.definition, "en").explain(why[-1:])
    assert ["金卡奖励：按规则 events 不适用。"] == Wording(rules.definition, "zh").explain(why[-1:])


def test_of_three_nights_one_may_count_without_fractions() -> None:
    rules = rules_with(BY_BRAND.replace('nights = "0.5"', "nights_per = 3"))
    found = [
        judged(rules, brand="long_stay", departure=FIRST + timedelta(days=n))[0].counts.get("nights", 0)
        for n in (1, 2, 3, 5, 6, 10)
    ]

    assert [0, 0, 10, 10, 20, 30] == found


# --- caps -------------------------------------------------------------------------------------------------------------

CAPS = """
[[earning.cap]]
code = "a_stay"
per = "stay"
points = 400

[[earning.cap]]
code = "a_day"
per = "day"
points = 500

[[earning.cap]]
code = "a_year"
per = "year"
points = 1000
"""


def test_a_stay_earns_no_more_than_its_cap() -> None:
    award, why = judged(rules_with(CAPS), tier="gold", lines=lines(room="900.00"))

    assert (400, 100) == (award.base, award.tier_bonus)
    assert Why("capped", rule="a_stay", limit=400, points=400) in why
    assert (400, 400) == (award.counts["cap:a_day"], award.counts["cap:a_year"])
    assert "cap:a_stay" not in award.counts


def test_what_other_stays_of_the_day_have_earned_leaves_the_rest_of_its_cap() -> None:
    other: Counters = {"2026-05-03": {"cap:a_day": 300, "cap:a_year": 300}, "2026-05-02": {"cap:a_day": 500}}
    award, why = judged(rules_with(CAPS), counters=other, lines=lines(room="900.00"))

    assert 200 == award.base
    assert Why("capped", rule="a_day", limit=500, points=200) in why


def test_the_cap_of_a_year_begins_anew_with_each_year() -> None:
    other: Counters = {
        "2026": {"cap:a_year": 800},
        "2026-05-01": {"cap:a_year": 150},
        "2025": {"cap:a_year": 999},
    }

    assert 50 == judged(rules_with(CAPS), counters=other, lines=lines(room="900.00"))[0].base


def test_what_the_stay_itself_had_of_a_cap_is_its_own() -> None:
    rules = rules_with(CAPS)
    first, _ = judged(rules, lines=lines(room="300.00"))
    again, _ = judged(
        rules, own=first, counters={"2026-05-03": dict(first.counts)}, lines=lines(room="350.00")
    )

    assert 350 == again.base


def test_a_day_that_is_no_longer_kept_leaves_no_more_than_its_cap() -> None:
    rules = rules_with(CAPS)
    first, _ = judged(rules, lines=lines(room="300.00"))
    folded, _ = judged(rules, own=first, counters={"2026": dict(first.counts)}, lines=lines(room="900.00"))

    # 400 by the stay's cap; had the day's own 300 been taken off nothing, 800 would have been left of it.
    assert 400 == folded.base


# --- other currencies -------------------------------------------------------------------------------------------------

LATER_RATE = """
[[exchange_from]]
day = 2026-07-01
rates = { JPY = "0.05" }

[[tier]]"""


def test_a_foreign_stay_tells_its_amounts_the_rate_since_when_it_holds_and_what_they_come_to() -> None:
    one = Rulebook(decode(PROGRAM.replace("[[tier]]", LATER_RATE, 1)))
    two = Rulebook(decode(changed(PROGRAM, version="2")))
    rules = join([(date(1970, 1, 1), one), (date(2026, 9, 1), two)])
    yen = lines(room="10001", tax="509")

    def told(day: date) -> list[Why]:
        version = rules.at(day)
        _, why = judged(version, currency="JPY", lines=yen, arrival=day - timedelta(days=1), departure=day)
        return why

    first, later, next_version = (told(date(2026, month, 1)) for month in (6, 7, 9))

    # 10,001 yen at 0.047 are 470.047 yuan, 509 are 23.923: 493.97 in all, of which 493.96 are left.
    assert [
        Why("exchanged", amount="10510", rate="0.047", currency="JPY", worth="493.96"),
        Why("category_eligible", "room", "470.04", rate="1"),
    ] == first[:2]
    assert (
        Why("exchanged", amount="10510", rate="0.05", currency="JPY", worth="525.50", since=date(2026, 7, 1))
        == later[0]
    )
    assert ("0.047", date(2026, 9, 1)) == (next_version[0].rate, next_version[0].since)


def test_of_an_excluded_foreign_stay_only_what_earns_is_exchanged() -> None:
    named = 'code = "crew"\nname = { en = "Crew", zh = "机组" }'
    rules = rules_with(text=f'[[exclusion]]\n{named}\nrate_codes = ["CREW"]\nearns = ["food"]\n')
    said: dict[str, Any] = {"currency": "JPY", "lines": lines(room="10000", food="2000")}
    _, nothing = judged(rules, channel="ota", **said)
    award, some = judged(rules, rate_code="CREW", **said)

    assert ["channel_excluded"] == codes(nothing)
    assert ["crew", "exchanged", "category_eligible", "base"] == codes(some)
    assert ("2000", "94.00", 94) == (some[1].amount, some[1].worth, award.base)


# --- rooms and award nights -------------------------------------------------------------------------------------------


def test_of_more_rooms_than_earn_the_revenue_counts_in_proportion() -> None:
    rules = rules_with(rooms="3")
    three, _ = judged(rules, rooms=3, lines=lines(room="400.00"))
    four, why = judged(rules, rooms=4, lines=lines(room="400.00"))

    assert (400, 300) == (three.base, four.base)
    assert 300_00 == four.counts["spend"]
    assert Why("rooms_capped", limit=3) == why[0]
    assert 20 == four.counts["nights"]


def test_each_room_that_earns_may_count_its_nights() -> None:
    rules = rules_with(rooms="3", room_nights="true")

    assert [20, 60, 60] == [judged(rules, rooms=rooms)[0].counts["nights"] for rooms in (1, 3, 5)]


MORE_ROOMS = """
[[earning.rule]]
code = "america"
properties = ["US*"]
points = { room = "1" }
rooms = 3
"""


def test_a_rule_may_let_another_number_of_rooms_earn() -> None:
    rules = rules_with(MORE_ROOMS, rooms="1", room_nights="true")
    found = [
        judged(rules, property=place, rooms=4, lines=lines(room="400.00"))[0] for place in ("US01", "SHA01")
    ]

    # Of four rooms three earn, or one; two nights each.
    assert [(300, 60), (100, 20)] == [(one.base, one.counts["nights"]) for one in found]


def test_by_line_the_rooms_of_a_rule_count_as_well() -> None:
    rules = rules_with('each = "line"\n' + MORE_ROOMS, rooms="1")
    award, _ = judged(rules, property="US01", rooms=4, lines=[Line("room", "10.50"), Line("room", "10.50")])

    # Three quarters of 10.50 are 7.875, kept as 7.87: 7 points a line.
    assert 14 == award.base


def test_nights_paid_by_points_count_or_don_t_or_spoil_the_stay() -> None:
    found = {
        how: judged(rules_with(award_nights=f'"{how}"'), award_nights=1)
        for how in ("count", "none", "whole_stay")
    }

    assert {"count": 20, "none": 10, "whole_stay": 0} == {
        how: award.counts.get("nights", 0) for how, (award, _) in found.items()
    }
    assert {"count": 100, "none": 100, "whole_stay": 0} == {how: one.base for how, (one, _) in found.items()}
    assert [Why("award_stay", nights="1")] == found["whole_stay"][1]
    assert {} == found["whole_stay"][0].counts


def test_an_award_stay_may_count_though_it_earns_nothing() -> None:
    rules = rules_with(award_nights='"whole_stay"', award_stay_counts='["nights"]')
    award, why = judged(rules, award_nights=1, departure=FIRST + timedelta(days=3))

    assert (0, {"nights": 30}) == (award.points, award.counts)
    assert [Why("award_stay_counts", nights="1")] == why
    assert ["1 night paid by points or voucher: the stay earns nothing."] == Wording(
        rules.definition, "en"
    ).explain(why)
    # At a rate that counts for nothing, it doesn't either; through an agency its nights do.
    assert {} == judged(rules, award_nights=1, rate_code="FREE")[0].counts
    assert {"nights": 20} == judged(rules, award_nights=1, channel="ota")[0].counts


def test_an_award_stay_may_count_as_a_stay_and_for_its_brand() -> None:
    units = '["nights", "stays", "spend", "brands"]'
    rules = rules_with(units=units, award_nights='"whole_stay"', award_stay_counts='["stays", "brands"]')

    assert {"stays": 1, "brand:grand": 1} == judged(rules, brand="grand", award_nights=1)[0].counts


def test_award_nights_are_taken_off_before_nights_are_halved() -> None:
    rules = rules_with(BY_BRAND, award_nights='"none"')
    award, _ = judged(rules, brand="long_stay", departure=FIRST + timedelta(days=4), award_nights=1)

    assert 15 == award.counts["nights"]


def test_more_award_nights_than_nights_count_as_none() -> None:
    award, _ = judged(rules_with(award_nights='"none"'), award_nights=9)

    assert "nights" not in award.counts


# --- no-shows, brands, exclusions -------------------------------------------------------------------------------------


def test_a_no_show_earns_nothing_and_is_counted_where_the_program_asks() -> None:
    asked = rules_with(units='["nights", "stays", "spend", "no_shows"]')
    award, why = judged(asked, status="no_show")

    assert ({"no_shows": 1}, 0, ["not_checked_out"]) == (award.counts, award.points, codes(why))
    assert {} == judged(small_rules(), status="no_show")[0].counts
    assert {} == judged(asked, status="cancelled")[0].counts


def test_brands_are_counted_one_by_one() -> None:
    rules = rules_with(units='["nights", "stays", "spend", "brands"]')

    others = {"nights": 20, "stays": 1, "spend": 100_00}

    assert others | {"brand:hampton": 1} == judged(rules, brand="hampton")[0].counts
    assert others == judged(rules)[0].counts


def test_an_excluded_stay_counts_only_what_its_exclusion_names() -> None:
    award, why = judged(small_rules(), channel="ota")

    assert ({"nights": 20}, 0) == (award.counts, award.points)
    assert "channel_excluded" == why[-1].code
    assert award.expires_on is None


EARNS = """
[[exclusion]]
code = "package_excluded"
name = { en = "Package", zh = "套餐" }
rate_codes = ["PKG*"]
counts = ["stays"]
earns = ["spa"]

[[promotion]]
code = "double"
name = { en = "Double", zh = "双倍" }
multiplier = "2"
"""


def test_an_excluded_stay_may_earn_on_some_categories_but_no_promotion() -> None:
    rules = rules_with(text=EARNS)
    award, why = judged(rules, tier="gold", rate_code="PKG1", lines=lines(room="100.00", spa="20.00"))

    # Spa alone, at 2.5 a yuan, and a quarter of it.
    assert (50, 12, {}) == (award.base, award.tier_bonus, award.promotions)
    assert {"stays": 1} == award.counts
    assert ["package_excluded", "category_eligible", "base", "tier_bonus"] == codes(why)
    assert 0 == judged(rules, rate_code="PKG1")[0].points


def test_a_cap_is_counted_for_an_excluded_stay_that_earns() -> None:
    rules = rules_with(CAPS, text=EARNS)
    award, _ = judged(rules, rate_code="PKG1", lines=lines(spa="20.00"))

    assert {"stays": 1, "cap:a_day": 50, "cap:a_year": 50} == award.counts


# --- promotions -------------------------------------------------------------------------------------------------------

LIMITED = """
[[promotion]]
code = "thousand"
name = { en = "Thousand", zh = "一千" }
points = 700
per_member = 1000
times = 3

[[promotion]]
code = "shared"
name = { en = "Shared", zh = "共享" }
percent = "50"
budget = 120
"""


def test_a_limit_leaves_what_other_stays_have_not_taken() -> None:
    rules = rules_with(text=LIMITED)
    other: Counters = {"2026": {"promotion:thousand": 600, "times:thousand": 1}}
    award, why = judged(rules, counters=other, budgets={"shared": 120})

    assert {"thousand": 400, "shared": 50} == award.promotions
    assert 1 == award.counts["times:thousand"]
    assert Why("promotion_capped", points=400, rule="thousand", limit=1000) in why
    spent, why = judged(rules, counters={"2025": {"times:thousand": 3}}, budgets={"shared": 120})
    assert {"shared": 50} == spent.promotions
    assert Why("times_spent", points=0, rule="thousand", limit=3) in why


def test_a_budget_gives_what_is_left_and_says_what_it_lacks() -> None:
    award, why = judged(rules_with(text=LIMITED), budgets={"shared": 30}, lines=lines(room="100.00"))

    assert 30 == award.promotions["shared"]
    assert Why("budget_spent", points=30, rule="shared", limit=20) in why


def test_points_for_tiers_are_those_that_the_program_names() -> None:
    counted = {
        kinds: judged(
            rules_with(
                f"tier_points = [{kinds}]", text=EARNS, units='["nights", "stays", "spend", "tier_points"]'
            ),
            tier="gold",
        )[0].counts["tier_points"]
        for kinds in ('"base"', '"base", "tier_bonus"', '"base", "tier_bonus", "promotion"')
    }

    assert [100, 125, 225] == list(counted.values())


GUESTS = """
[[promotion]]
code = "families"
name = { en = "Families", zh = "家庭" }
segments = ["families"]
points = 10

[[promotion]]
code = "golfers"
name = { en = "Golfers", zh = "高尔夫" }
segments = ["golfers"]
points = 1000
"""
FAMILY = Guest("silver", segments=frozenset({"families"}))


def test_who_the_guest_is_counts_when_the_stay_is_first_seen_whatever_became_of_it() -> None:
    rules = rules_with(text=GUESTS)
    first = {
        status: judged(rules, guest=FAMILY, status=status)[0].entitled
        for status in ("checked_out", "cancelled", "no_show")
    }
    excluded, _ = judged(rules, guest=FAMILY, channel="ota")

    assert {("families",)} == set(first.values())
    assert ("families",) == excluded.entitled


def test_what_is_pinned_stands_for_all_revisions() -> None:
    rules = rules_with(text=GUESTS + BY_BRAND)
    pinned = Pinned("gold", "hampton", ("families",), FIRST)
    award, _ = judged(rules, pinned=pinned, guest=Guest("platinum", segments=frozenset({"golfers"})))

    assert ("gold", "hampton", ("families",), FIRST) == (
        award.tier, award.brand, award.entitled, award.seen_on
    )  # fmt: skip
    assert {"families": 10} == award.promotions
    assert (200, 50) == (award.base, award.tier_bonus)


def test_a_stay_is_judged_by_the_version_in_force_at_its_check_out_but_keeps_its_tier() -> None:
    second = small_rules(
        changed(PROGRAM, version="2", bonus_percent="50").replace('room = "1"', 'room = "3"')
    )
    join([(date(1970, 1, 1), small_rules()), (date(2026, 5, 4), second)])
    shell = Shell(second.versions[0], date(2026, 6, 1))
    shell.enrol("T1", "enrol")
    answers = [
        reply(shell.post_raw(posting(revision=number, departure=FIRST + timedelta(days=days))))
        for number, days in enumerate((2, 3, 2))
    ]

    assert [("small@1", 100), ("small@2", 300), ("small@1", 100)] == [
        (one["program"], one["points"]["base"]) for one in answers
    ]
    check(shell)


# --- stays that follow each other -------------------------------------------------------------------------------------

CONSECUTIVE = rules_with(consecutive="true", units='["nights", "stays", "spend"]', day_use_is_stay="true")
TODAY = FIRST + timedelta(days=40)


def counted_as_one(told: Mapping[str, StayPosting], number: str) -> int:
    """Return what stays must come to: those of a member without another one that ends where and when they begin."""
    mine = [one for one in told.values() if one.member == number and one.status == "checked_out"]
    nights = [one for one in mine if one.arrival < one.departure]
    ends = {(one.property, one.departure) for one in nights}
    day_uses = len(mine) - len(nights)
    return day_uses + sum((one.property, one.arrival) not in ends for one in nights)


@st.composite
def chains(draw: st.DrawFn) -> list[StayPosting]:
    """Return postings of a few stays, revised, cancelled and moved, each under the next revision."""
    told: list[StayPosting] = []
    for revision in range(draw(st.integers(1, 10))):
        arrival = FIRST + timedelta(days=draw(st.integers(0, 5)))
        told.append(
            posting(
                stay_ref=f"R-{draw(st.integers(1, 4))}", member=draw(st.sampled_from(["T1", "T1", "T1", "T2"])),
                property=draw(st.sampled_from(["SHA01", "SHA01", "TYO01"])), revision=revision, arrival=arrival,
                departure=arrival + timedelta(days=draw(st.integers(0, 3))),
                status=draw(st.sampled_from(["checked_out", "checked_out", "cancelled"])),
            )
        )  # fmt: skip
    return told


def lived(told: list[StayPosting]) -> Shell:
    shell = Shell(CONSECUTIVE, TODAY)
    for number in ("T1", "T2"):
        shell.enrol(number, f"enrol-{number}")
    for one in told:
        reply(shell.post_raw(one))
    return shell


def stays_of(shell: Shell, number: str) -> int:
    member = shell.find(number)
    assert member is not None
    return over_all(member.counters, "stays")


@given(chains())
def test_stays_that_follow_each_other_are_one_whatever_is_revised_cancelled_or_moved(
    told: list[StayPosting],
) -> None:
    shell = lived(told)
    last = {(one.property, one.stay_ref): one for one in told}

    for number in ("T1", "T2"):
        assert counted_as_one({f"{key}": one for key, one in last.items()}, number) == stays_of(shell, number)
    check(shell)


@given(chains(), st.data())
def test_the_order_of_posting_changes_nothing_about_how_stays_are_joined(
    told: list[StayPosting], data: st.DataObject
) -> None:
    last = list({(one.property, one.stay_ref): one for one in told}.values())
    shuffled = data.draw(st.permutations(last))

    assert [stays_of(lived(last), number) for number in ("T1", "T2")] == [
        stays_of(lived(shuffled), number) for number in ("T1", "T2")
    ]


def test_a_stay_between_two_others_makes_one_of_three() -> None:
    parts = [("R-1", 0, 2), ("R-3", 4, 2), ("R-2", 2, 2)]
    told = [
        posting(
            stay_ref=ref,
            arrival=FIRST + timedelta(days=start),
            departure=FIRST + timedelta(days=start + nights),
        )
        for ref, start, nights in parts
    ]
    counts = [stays_of(lived(told[:number]), "T1") for number in (1, 2, 3)]
    shell = lived(told)
    member = shell.find("T1")
    assert isinstance(member, Member)

    assert [1, 2, 1] == counts
    assert Traits(by_day=("at:",)) == member.traits
    assert 60 == over_all(member.counters, "nights")
    shell.post_raw(
        posting(stay_ref="R-2", status="cancelled", arrival=told[2].arrival, departure=told[2].departure)
    )
    assert 2 == stays_of(shell, "T1")


def test_lines_are_rounded_each_on_its_own_where_the_program_says_so() -> None:
    rules = rules_with('each = "line"', rooms="2")
    parts = [Line("room", "1.50"), Line("room", "1.50"), Line("tax", "9.00")]

    assert 2 == judged(rules, lines=parts)[0].base
    # Two of three rooms earn: 1.00 of each line.
    assert 2 == judged(rules, lines=parts, rooms=3)[0].base
    # 100 yen are 4.70, each; 0.05 yuan are nothing.
    assert 8 == judged(rules, currency="JPY", lines=[Line("room", "100"), Line("room", "100")])[0].base
