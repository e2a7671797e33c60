"""The definition of a program: what is read, and how each mistake is named by its key."""

from pathlib import Path

import pytest

from loyalty.program.model import HOUSE
from loyalty.program.reading import ProgramError, decode, read
from tests.builders import PROGRAM, changed

CASES = {
    "time_zone": ('time_zone = "Mars/Olympus"', 'time_zone: "Mars/Olympus" is not a time zone'),
    "unit": ('[counting]\nunits = ["nights", "stays", "spend", "smiles"]', 'counting.units: "smiles" is unknown'),
    "uncounted tier unit": (
        '[counting]\nunits = ["nights", "stays"]', 'tier gold.reach: "spend" is not among counting.units'
    ),
    "uncounted milestone unit": (
        '[counting]\nunits = ["nights", "spend"]', 'milestone every_third.unit: "stays" is not among counting.units'
    ),
    "uncounted exclusion unit": (
        '[counting]\nunits = ["stays", "spend"]', 'exclusion channel_excluded.counts: "nights" is not among'
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_that_is_added_is_named_by_its_key(case: str) -> None:
    added, message = CASES[case]
    text = f"{added}\n{PROGRAM}" if "=" in added.splitlines()[0] else f"{PROGRAM}\n{added}"
    with pytest.raises(ProgramError) as raised:
        decode(text, "my.toml")

    assert message in str(raised.value)
    assert str(raised.value).startswith("my.toml: ")


REPLACED = {
    "the lowest tier can't be reached": (
        'name = { en = "Silver", zh = "银卡" }', 'name = { en = "S", zh = "银" }\nreach = { nights = "1" }',
        "tier silver: the lowest tier is everybody's",
    ),
    "a tier without thresholds": (
        'reach = { nights = "4", spend = "900" }', "reach = {}", "tier gold.reach: say what it takes"
    ),
    "a tier below the one under it": (
        'reach = { nights = "9", spend = "2500" }', 'reach = { nights = "9", spend = "900" }',
        "tier platinum.reach.spend: must be above that of gold",
    ),
    "a tier given twice": ('code = "platinum"', 'code = "gold"', "tier gold: given twice"),
    "a milestone given twice": ('code = "seven_nights"', 'code = "every_third"', "milestone every_third: given twice"),
    "an exclusion given twice": (
        'code = "rate_excluded"', 'code = "channel_excluded"', "exclusion channel_excluded: given twice"
    ),
    "a currency worth nothing": ('JPY = "0.047"', 'JPY = "0.00"', "exchange.JPY: must be above zero"),
    "points per nothing": ('per = "1.00"', 'per = "0"', "earning.per: must be above zero"),
    "a milestone at every zero": ('every = "3"', 'every = "0"', "milestone every_third.every: must be above zero"),
    "a limit finer than money": ('amount = "100000"', 'amount = "0.001"', "limits.amount: finer than CNY"),
    "a threshold finer than a tenth of a night": (
        'nights = "4"', 'nights = "4.25"', 'tier gold.reach.nights: "4.25" is finer than nights are counted'
    ),
    "a milestone finer than a stay": (
        'every = "3"', 'every = "3.5"', 'milestone every_third.every: "3.5" is finer than stays are counted'
    ),
    "an unknown key": ("[expiry]", "[expiry]\nweeks = 3", "unknown field `weeks` - at `$.expiry`"),
    "a missing key": ('currency = "CNY"', "", "missing required field `currency`"),
    "a wrong type": ("months = 3", 'months = "3"', "Expected `int | null`, got `str` - at `$.expiry.months`"),
    "months out of range": ("months = 3", "months = 0", "`int` >= 1 - at `$.expiry.months`"),
    "a number where text is exact": ('per = "1.00"', "per = 1.00", "Expected `str`, got `float` - at `$.earning.per`"),
    "a currency that is none": ('currency = "CNY"', 'currency = "Yuan"', "at `$.currency`"),
    "a code in capitals": ('code = "gold"', 'code = "Gold"', "at `$.tier[1].code`"),
    "a negative rate": ('laundry = "0.5"', 'laundry = "-0.5"', "at `$.earning.points[...]`"),
    "not TOML": ("[earning]", "[earning", "my.toml: "),
    "no tiers": ("[[tier]]", "[[tiers]]", "unknown field `tiers`"),
}  # fmt: skip


@pytest.mark.parametrize("case", REPLACED)
def test_a_mistake_is_named_by_its_key(case: str) -> None:
    right, wrong, message = REPLACED[case]
    assert right in PROGRAM
    with pytest.raises(ProgramError) as raised:
        decode(PROGRAM.replace(right, wrong), "my.toml")

    assert message in str(raised.value)


def test_all_mistakes_are_told_at_once() -> None:
    wrong = (
        changed(PROGRAM, per='"0"')
        .replace('JPY = "0.047"', 'JPY = "0"')
        .replace('every = "3"', 'every = "0"')
    )
    with pytest.raises(ProgramError) as raised:
        decode(wrong)

    assert 3 == len(str(raised.value).splitlines())


def test_a_file_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"nowhere\.toml: No such file"):
        read(tmp_path / "nowhere.toml")


def test_what_is_left_out_has_the_mildest_meaning() -> None:
    definition = decode(
        'id = "p"\nversion = 1\ncurrency = "CNY"\nname = { en = "P", zh = "P" }\n'
        '[earning]\npoints = { room = "1" }\n[[tier]]\ncode = "all"\nname = { en = "A", zh = "A" }\n'
    )

    assert (None, (), (), {}) == (
        definition.expiry.months, definition.exclusion, definition.milestone, definition.exchange
    )  # fmt: skip
    assert ("nights", "stays", "spend") == definition.counting.units
    assert ("1", False, "UTC") == (definition.earning.per, definition.earning.whole, definition.time_zone)


def test_the_house_program_is_what_the_hotels_asked_for() -> None:
    house = read(HOUSE)

    assert ["silver", "gold", "platinum", "diamond"] == [tier.code for tier in house.tier]
    assert ["银卡", "金卡", "铂金卡", "钻石卡"] == [tier.name.zh for tier in house.tier]
    assert [0, 20, 50, 100] == [tier.bonus_percent for tier in house.tier]
    assert ("10", "stays") == (house.milestone[0].every, house.milestone[0].unit)
    assert 24 == house.expiry.months
    assert ("ota", "wholesale") == house.exclusion[0].channels
