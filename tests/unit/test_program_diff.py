"""What differs between two definitions, key by key and in words."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from msgspec import Struct

from loyalty.program.diff import Change, Place, by_code, differences
from loyalty.program.diff_words import KINDS, SENTENCES
from loyalty.program.model import Definition, Name
from loyalty.program.reading import decode
from loyalty.program.sentences import no_change, sentences
from tests.program_strategies import FULL, definitions, toml_of

BASE = decode(FULL)


def changed(*replacements: tuple[str, str]) -> Definition:
    text = FULL
    for right, wrong in replacements:
        assert 1 == text.count(right), right
        text = text.replace(right, wrong)
    return decode(text)


def told(before: Definition, after: Definition, language: Any = "en") -> list[str]:
    return sentences(differences(before, after), before, after, language)


CASES = {
    ("version = 1", "version = 2"): ("Version 2, was 1", "版本 2，原为 1"),
    ('reach = { nights = "10"', 'reach = { nights = "12"'): (
        "Silver now takes 12 nights, was 10",
        "银卡现需12晚，原为10晚",
    ),
    ('spend = "5000" }\nkeep', 'spend = "6000" }\nkeep'): (
        "Silver now takes 6000 CNY, was 5000",
        "银卡现需6000 CNY，原为5000 CNY",
    ),
    ('spend = "5000" }\nkeep', 'spend = "5000", stays = "1" }\nkeep'): (
        "Silver can now be reached by 1 stay",
        "银卡现可凭1次入住达到",
    ),
    (', spend = "20000" }\nrequire', " }\nrequire"): (
        "Gold can no longer be reached by 20000 CNY",
        "金卡不再可凭20000 CNY达到",
    ),
    ('require = { brands = "2" }', 'require = { brands = "3" }'): (
        "Gold now needs 3 brands as well, was 2",
        "金卡另需3个品牌，原为2个品牌",
    ),
    ('keep = { nights = "8"', 'keep = { nights = "7"'): (
        "Keeping Silver now takes 7 nights, was 8",
        "保级银卡现需7晚，原为8晚",
    ),
    ("bonus_percent = 20", "bonus_percent = 25"): (
        "Gold earns 25 % more, was 20 %",
        "金卡加赠25%积分，原为20%",
    ),
    ('benefits = ["late"]\nyearly', 'benefits = ["suite", "late"]\nyearly'): (
        "Gold now brings Suite",
        "金卡现享套房",
    ),
    ('benefits = ["late"]\nyearly', "yearly"): ("Gold no longer brings Late check-out", "金卡不再享延迟退房"),
    ("yearly = { suite = 2 }", "yearly = { suite = 3 }"): (
        "Gold brings Suite 3 times a year, was 2",
        "金卡每年享套房 3 次，原为 2 次",
    ),
    ('room = "1", food', 'room = "1.5", food'): (
        "Room earns 1.5 points per 10 CNY, was 1",
        "客房每 10 CNY 得1.5积分，原为1积分",
    ),
    ('room = "1", food', 'room = "1", late_fees = "1", food'): (
        "Late fees now earns 1 point per 10 CNY",
        "late_fees现每 10 CNY 得1积分",
    ),
    ('points = { room = "2", spa = "1" }', 'points = { room = "2" }'): (
        "By the rule villas Spa no longer earns points, was 1",
        "按规则 villas，水疗不再积分，原为1积分",
    ),
    ("pending_days = 3", "pending_days = 1"): (
        "Points can be spent 1 day after check-out, was 3",
        "积分于离店1天后可用，原为3天",
    ),
    ("months = 24\nat", "months = 18\nat"): (
        "Expiry after 18 months, was 24",
        "积分18个月后到期，原为24个月",
    ),
    ("months = 24\nat", "at"): ("Points no longer expire, was after 24 months", "积分不再到期，原为24个月后"),
    ("by_tier = { gold = 0", "by_tier = { gold = 48"): (
        "Expiry at Gold: 48 months, was never",
        "金卡积分有效期：48个月，原为永不",
    ),
    ("by_tier = { gold = 0, silver = 36 }", "by_tier = { gold = 0, silver = 0 }"): (
        "Expiry at Silver: never, was 36",
        "银卡积分有效期：永不，原为36个月",
    ),
    ('USD = "7.10"', 'USD = "7.15"'): ("1 USD is 7.15 CNY, was 7.10", "1 USD 折合 7.15 CNY，原为 7.10"),
    ('JPY = "0.047"', 'JPY = "0.047"\nEUR = "7.8"'): (
        "EUR is now taken, at 7.8 CNY",
        "现接受 EUR，1 EUR 折合 7.8 CNY",
    ),
    ("last = 2027-12-31", "last = 2028-01-31"): (
        "Double now ends on 2028-01-31, was 2027-12-31",
        "双倍现至 2028-01-31 止，原为 2027-12-31",
    ),
    ("last = 2027-12-31\n", ""): (
        "Double no longer ends, was 2027-12-31",
        "双倍不再有截止日，原为 2027-12-31",
    ),
    ('multiplier = "2"', 'multiplier = "3"'): (
        "Double now gives 3 times the points, was 2",
        "双倍现为 3 倍积分，原为 2 倍",
    ),
    ("points = 500\n", "points = 600\n"): (
        "Welcome now gives 600 points, was 500",
        "欢迎现赠600积分，原为500积分",
    ),
    ('every = "10"', 'every = "12"'): (
        "Tenth stay is now every 12 stays, was 10",
        "第十次现为每12次入住，原为每10次入住",
    ),
    ('at = ["20", "40.5"]', 'at = ["20", "50"]'): (
        "Ladder is now at 20 nights, 50 nights, was 20, 40.5",
        "阶梯现设于20晚、50晚，原为20晚、40.5晚",
    ),
    ('downgrade = "one_level"', 'downgrade = "counters"'): (
        "qualification.downgrade: counters, was one_level",
        "qualification.downgrade：counters，原为 one_level",
    ),
    ('period = "calendar_year"', 'period = "membership_year"'): (
        "Tiers are now earned within a year of membership, was within a calendar year",
        "等级现按会员年评定，原按自然年",
    ),
    ('channels = ["ota", "wholesale"]', 'channels = ["ota"]'): (
        "exclusion agency.channels: [ota], was [ota, wholesale]",
        "exclusion agency.channels：[ota]，原为 [ota、wholesale]",
    ),
    ("whole = true\nrounding", "whole = false\nrounding"): (
        "earning.whole: no, was yes",
        "earning.whole：否，原为 是",
    ),
    ('zh = "银卡"', 'zh = "白银"'): (
        "tier silver.name: Silver (白银), was Silver (银卡)",
        "tier silver.name：Silver (白银)，原为 Silver (银卡)",
    ),
    ("[household]\nmembers = 4\naccount_days = 30\n", ""): (
        "No more households that pool their points: members 4, account days 30",
        "取消家庭积分共享：成员 4，入会天数 30",
    ),
    ("step = 500", "step = 250"): ("transfers.step: 250, was 500", "transfers.step：250，原为 500"),
    ("times = 3\n", ""): (
        "promotion double.times: no longer set, was 3",
        "promotion double.times：不再设定，原为 3",
    ),
    ("nth_stay = [1]", "nth_stay = [1]\ntimes = 2"): (
        "promotion welcome.times: 2, was not set",
        "promotion welcome.times：2，原未设定",
    ),
}


@pytest.mark.parametrize("replaced", CASES)
def test_a_change_is_told_in_a_sentence(replaced: tuple[str, str]) -> None:
    english, chinese = CASES[replaced]
    after = changed(replaced)

    assert [english] == told(BASE, after)
    assert [chinese] == told(BASE, after, "zh")


NEW = """
[[promotion]]
code = "lunar"
name = { en = "Lunar New Year", zh = "新春双倍" }
first = 2028-01-20
last = 2028-02-20
multiplier = "2"
weekdays = ["sat", "sun"]
channels = ["app"]
"""


def test_a_new_promotion_is_told_with_its_dates_and_all_that_it_says() -> None:
    after = decode(FULL + NEW)
    dates = "from 2028-01-20 to 2028-02-20"
    rest = "channels app, weekdays Saturday, Sunday, multiplier 2"

    assert [f"New promotion: Lunar New Year, {dates}, {rest}"] == told(BASE, after)
    assert ["新增活动：新春双倍，2028-01-20 至 2028-02-20，渠道 app，星期 周六、周日，倍数 2"] == told(
        BASE, after, "zh"
    )
    assert told(after, BASE)[0].startswith("No more promotion: Lunar New Year, from 2028-01-20")


@pytest.mark.parametrize(
    ("dates", "said"),
    [("first = 2028-01-20", "from 2028-01-20 on"), ("last = 2028-02-20", "until 2028-02-20"), ("", "")],
)
def test_a_promotion_may_be_open_at_an_end(dates: str, said: str) -> None:
    after = decode(FULL + NEW.replace("first = 2028-01-20\nlast = 2028-02-20", dates))

    assert told(BASE, after)[0].startswith(
        f"New promotion: Lunar New Year{', ' if said else ''}{said}, channels app"
    )


def test_another_currency_is_told_with_each_amount() -> None:
    after = changed(
        ('currency = "CNY"', 'currency = "EUR"'), ('spend = "5000" }\nkeep', 'spend = "7000" }\nkeep')
    )

    assert ["currency: EUR, was CNY", "Silver now takes 7000 EUR, was 5000 CNY"] == told(BASE, after)
    assert ["currency：EUR，原为 CNY", "银卡现需7000 EUR，原为5000 CNY"] == told(BASE, after, "zh")


def test_another_order_is_told_where_it_is_a_rule() -> None:
    turned = msgspec.structs.replace(BASE, exclusion=BASE.exclusion[::-1], benefit=BASE.benefit[::-1])

    assert ["The order of exclusion is now [staff, agency], was [agency, staff]"] == told(BASE, turned)


def test_entries_without_a_code_are_known_by_what_they_are_for() -> None:
    lifetime = BASE.qualification.lifetime[0]
    more = (lifetime, msgspec.structs.replace(lifetime, years=20))
    after = msgspec.structs.replace(
        BASE, qualification=msgspec.structs.replace(BASE.qualification, lifetime=more)
    )
    (change,) = differences(BASE, after)

    assert ("qualification.lifetime gold 2", "added") == (change.place.key, change.kind)
    assert "qualification.lifetime gold 2: tier gold, require nights 500, years 20, was not set" in told(
        BASE, after
    )


def test_an_amount_that_is_written_otherwise_is_no_change() -> None:
    assert [] == differences(BASE, changed(('reach = { nights = "10"', 'reach = { nights = "10.0"')))


def test_what_is_left_out_is_as_its_default() -> None:
    assert [] == differences(BASE, changed(("months = 12\neffective", "effective")))


def test_no_change_is_told_too() -> None:
    assert ("No change.", "没有变化。") == (no_change("en"), no_change("zh"))


@settings(max_examples=40, deadline=None)
@given(definitions())
def test_nothing_differs_from_itself(definition: Definition) -> None:
    assert [] == differences(definition, decode(toml_of(definition)))


@settings(max_examples=40, deadline=None)
@given(definitions(), definitions())
def test_all_that_differs_is_told_in_both_languages(before: Definition, after: Definition) -> None:
    changes = differences(before, after)
    english, chinese = told(before, after), told(before, after, "zh")

    assert bool(changes) == (before != after)
    assert len(changes) <= len(english)
    assert len(chinese) == len(english)
    assert all(text.strip() and "{" not in text for text in (*english, *chinese))


# --- every key --------------------------------------------------------------------------------------------------------

START = Place()


def fields(value: Any, place: Place = START) -> Iterator[tuple[Place, Any]]:
    """Yield every value of a definition that isn't a table; of a list of tables and of a table of codes, the first."""
    if isinstance(value, Struct) and not isinstance(value, Name):
        for name in value.__struct_fields__:
            yield from fields(getattr(value, name), place.field(name))
    elif isinstance(value, tuple) and value and isinstance(value[0], Struct):
        yield from fields(value[0], place.entry(next(iter(by_code(value)))))
    elif isinstance(value, dict):
        yield from (found for key in list(value)[:1] for found in fields(value[key], place.item(key)))
    elif value is not None:
        yield place, value


def other(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, tuple):
        return () if value else ("other",)
    if isinstance(value, Name):
        return Name("Other", "其他")
    return date(2030, 1, 1) if isinstance(value, date) else "77"


def set_at(value: Any, path: tuple[str, ...], replacement: Any) -> Any:
    """Return a copy in which the value at the end of a way is another; of a list, in its first entry."""
    if not path:
        return replacement
    if isinstance(value, tuple):
        return (set_at(value[0], path[1:], replacement), *value[1:])
    if isinstance(value, dict):
        return value | {path[0]: set_at(value[path[0]], path[1:], replacement)}
    return msgspec.structs.replace(value, **{path[0]: set_at(getattr(value, path[0]), path[1:], replacement)})


NAMING = ("code", "unit", "tier", "day")
"""Keys that entries of a list are known by: another one is another entry."""
EVERY = [(place, value) for place, value in fields(BASE) if value is not None]


@pytest.mark.parametrize(("place", "value"), EVERY, ids=[place.key for place, _ in EVERY])
def test_a_change_of_any_key_is_found_and_told(place: Place, value: Any) -> None:
    after = set_at(BASE, place.path, other(value))
    changes = differences(BASE, after)

    assert changes
    if not (place.path[-1] in NAMING and " " in place.key):
        assert [Change(place, "changed", value, other(value))] == changes
    for language in ("en", "zh"):
        assert all(told(BASE, after, language))


def test_each_sentence_is_for_a_key_that_there_is() -> None:
    entries = [
        msgspec.structs.replace(BASE, **{name: (entry,)})
        for name in ("promotion", "milestone", "tier", "exclusion")
        for entry in getattr(BASE, name)
    ]
    shapes = {place.shape for definition in entries for place, _ in fields(definition)}
    above = {shape.rsplit(".", number)[0] for shape in shapes for number in range(1, 5)}

    assert set() == SENTENCES.keys() - shapes
    assert set() == KINDS.keys() - above
