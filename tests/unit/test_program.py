"""The definition of a program: what is read, and how each mistake is named by its key."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.program.mistakes import Mistake
from loyalty.program.model import HOUSE, Definition
from loyalty.program.reading import ProgramError, decode, examine, find, read, read_text, shipped
from tests.builders import PROGRAM, changed
from tests.program_strategies import FULL, definitions, toml_of

WRONG: dict[str, tuple[str, str, str, str]] = {
    "an unknown key": (
        "[expiry]",
        "[expiry]\nweeks = 3",
        "expiry.weeks: there is no key `weeks` here; there are: months, at_end_of",
        "weeks",
    ),
    "a key spelled wrong": (
        "bonus_percent = 25",
        "bonus_pct = 25",
        "tier gold.bonus_pct: there is no key `bonus_pct` here. Did you mean `bonus_percent`?",
        "bonus_pct = 25",
    ),
    "a needed key spelled wrong": (
        'currency = "CNY"',
        'curency = "CNY"',
        "curency: there is no key `curency` here. Did you mean `currency`?",
        'curency = "CNY"',
    ),
    "a key behind a header": (
        'JPY = "0.047"',
        'JPY = "0.047"\npoint_value = "1"',
        'exchange.point_value: "point_value" is not an ISO 4217 code like CNY. It belongs to the top of the file',
        "point_value",
    ),
    "a key of the top in a table": (
        "months = 3",
        'months = 3\ntime_zone = "UTC"',
        "expiry.time_zone: there is no key `time_zone` here. It belongs to the top of the file",
        "time_zone",
    ),
    "a key of a table at the top": (
        "version = 1",
        "version = 1\nwarn_days = [3]",
        "warn_days: there is no key `warn_days` here. It belongs to [expiry]",
        "warn_days",
    ),
    "a missing key": (
        'currency = "CNY"',
        "",
        "currency: is missing. The currency that spend is counted in",
        "",
    ),
    "a missing key of an entry": (
        'code = "gold"\n',
        "",
        "tier 2.code: is missing. What it is called in the books",
        '[[tier]]\nname = { en = "Gold"',
    ),
    "a missing name": (
        'name = { en = "Gold", zh = "金卡" }',
        'name = { en = "Gold" }',
        "tier gold.name.zh: is missing",
        'name = { en = "Gold" }',
    ),
    "a name that is a text": (
        'name = { en = "Gold", zh = "金卡" }',
        'name = "金卡"',
        'tier gold.name: "金卡" is not a table. Write { en = "…", zh = "…" }',
        'name = "金卡"',
    ),
    "a number in quotes": (
        "months = 3",
        'months = "3"',
        'expiry.months: "3" is not a whole number from 1 to 600. Write 3, without quotes',
        'months = "3"',
    ),
    "words for a number": (
        "months = 3",
        'months = "three"',
        'expiry.months: "three" is not a whole number from 1 to 600',
        'months = "three"',
    ),
    "months out of range": (
        "months = 3",
        "months = 0",
        "expiry.months: 0 is not a whole number from 1 to 600",
        "months = 0",
    ),
    "a number below": (
        "nights = 60",
        "nights = 0",
        "limits.nights: 0 is not a whole number from 1 to 1000000000",
        "nights = 0",
    ),
    "a number where text is exact": (
        'per = "1.00"',
        "per = 1.00",
        'earning.per: 1.00 is not a decimal number in quotes, like "0.5": at most 12 digits and 6 decimals',
        "per = 1.00",
    ),
    "a number that can't be exact": (
        'per = "1.00"',
        "per = 1e-9",
        'is not a decimal number in quotes, like "0.5": at most 12 digits and 6 decimals. Write it in quotes',
        "per = 1e-9",
    ),
    "a truth in quotes": (
        'per = "1.00"',
        'whole = "True"',
        'earning.whole: "True" is not true or false. Write true, without quotes',
        'whole = "True"',
    ),
    "a word of a few": (
        'per = "1.00"',
        'each = "lines"',
        'earning.each: "lines" is not one of "stay", "line". Did you mean `line`?',
        'each = "lines"',
    ),
    "a word like none of a few": (
        'per = "1.00"',
        'each = "bill"',
        'earning.each: "bill" is not one of "stay", "line"',
        'each = "bill"',
    ),
    "a currency that is none": (
        'currency = "CNY"',
        'currency = "Yuan"',
        'currency: "Yuan" is not an ISO 4217 code like CNY',
        'currency = "Yuan"',
    ),
    "a currency in small letters": (
        'currency = "CNY"',
        'currency = "cny"',
        "Did you mean `CNY`?",
        'currency = "cny"',
    ),
    "a code in capitals": (
        'code = "gold"',
        'code = "Gold Card"',
        'tier Gold Card.code: "Gold Card" is not a name of 1 to 32 lower-case letters',
        'code = "Gold Card"',
    ),
    "a code that is a number": ('code = "gold"', "code = 3", "tier 2.code: 3 is not a name of", "code = 3"),
    "a negative rate": (
        'laundry = "0.5"',
        'laundry = "-0.5"',
        'earning.points.laundry: "-0.5" is not a decimal number',
        'laundry = "-0.5"',
    ),
    "a category in capitals": (
        'laundry = "0.5"',
        'Laundry = "0.5"',
        'earning.points.Laundry: "Laundry" is not a name of 1 to 32 lower-case letters',
        'Laundry = "0.5"',
    ),
    "a text for a list": (
        'counts = ["nights"]',
        'counts = "nights"',
        'exclusion channel_excluded.counts: "nights" is not a list. Write ["nights"]',
        'counts = "nights"',
    ),
    "a number in a list": (
        'counts = ["nights"]',
        'counts = ["nights", 3]',
        'exclusion channel_excluded.counts: 3 is not a text in quotes. Write "3"',
        'counts = ["nights", 3]',
    ),
    "a list for a table": (
        'reach = { nights = "4", spend = "900" }',
        'reach = ["nights"]',
        'tier gold.reach: a list is not a table. Write { key = "value" }',
        'reach = ["nights"]',
    ),
    "a list of tables for one": (
        "[expiry]",
        "[[expiry]]",
        "expiry: is one table, not a list of tables. Write [expiry] in single brackets",
        "[[expiry]]",
    ),
    "a table for a list of them": (
        '[[exclusion]]\ncode = "channel_excluded"',
        '[festival]\ncode = "x"\n\n[[exclusion]]\ncode = "channel_excluded"',
        "festival: is a list of tables, not one table. Write [[festival]] in double brackets",
        "[festival]",
    ),
    "a text for a list of tables": (
        "version = 1",
        'version = 1\npromotion = "x"',
        'promotion: "x" is not a list',
        "promotion =",
    ),
    "a time for a date": (
        "[limits]",
        '[[exchange_from]]\nday = 2027-01-01T00:00:00\nrates = { JPY = "1" }\n[limits]',
        "exchange_from 2027-01-01 00:00:00.day: 2027-01-01T00:00:00 is not a date like 2027-01-31. Write 2027-01-01",
        "day =",
    ),
    "no date": (
        "[limits]",
        '[[exchange_from]]\nday = "2027-02-30"\nrates = { JPY = "1" }\n[limits]',
        'exchange_from 2027-02-30.day: "2027-02-30" is not a date like 2027-01-31',
        "day =",
    ),
    "one reward to choose from": (
        'reward = { code = "gift", name = { en = "Gift", zh = "礼" } }',
        'choice.among = [{ code = "gift", name = { en = "Gift", zh = "礼" } }]',
        "milestone seven_nights.choice.among: there must be at least 2",
        'choice.among = [{ code = "gift", name = { en = "Gift", zh = "礼" } }]',
    ),
    "no tiers": (
        "[[tier]]",
        "[[tiers]]",
        "tiers: there is no key `tiers` here. Did you mean `tier`?",
        "[[tiers]]",
    ),
}
"""What is written instead of what, what is said, and the text whose line is told."""


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_of_form_is_told_by_its_line_and_key(name: str) -> None:
    right, wrong, message, at = WRONG[name]
    assert right in PROGRAM
    text = PROGRAM.replace(right, wrong)
    line = text.count("\n", 0, text.index(at)) + 1
    with pytest.raises(ProgramError) as raised:
        decode(text, "my.toml")
    first, *more = str(raised.value).splitlines()

    assert first.startswith(f"my.toml:{line}: ")
    assert message in first
    assert [] == [other for other in more if "tiers" not in other]
    assert line == raised.value.mistakes[0].line


@pytest.mark.parametrize(
    ("right", "wrong", "suggestion"),
    [
        ('code = "gold"', 'code = "Gold Card"', "Did you mean `gold_card`?"),
        ('code = "gold"', 'code = "金卡"', None),
        ('code = "gold"', "code = 3", "Write it in quotes"),
        ('currency = "CNY"', 'currency = "cny"', "Did you mean `CNY`?"),
        ("months = 3", 'months = " 3 "', "Write 3, without quotes"),
        ("months = 3", 'months = "soon"', None),
        ('per = "1.00"', "per = 1.50", 'Write "1.50"'),
        ('per = "1.00"', "per = 1e-9", "Write it in quotes"),
        ('per = "1.00"', 'per = "-1"', "It can't be below zero"),
        ('per = "1.00"', "per = -1", "It can't be below zero"),
        ('per = "1.00"', 'per = "1,000"', 'Write "1000"'),
        ('per = "1.00"', 'per = "0,5"', 'Write "0.5"'),
        ('per = "1.00"', 'per = "１０"', 'Write "10"'),
        ('per = "1.00"', 'per = "1e3"', None),
        ("bonus_percent = 25", 'bonus_percent = "25%"', "Write 25, without quotes"),
        ("bonus_percent = 25", 'bonus_percent = "2.5 %"', None),
        ('per = "1.00"', 'whole = "False"', "Write false, without quotes"),
        ('per = "1.00"', 'whole = "maybe"', None),
        ('per = "1.00"', "whole = 1", None),
    ],
)
def test_what_would_be_right_is_suggested_when_it_is_plain(
    right: str, wrong: str, suggestion: str | None
) -> None:
    found = examine(PROGRAM.replace(right, wrong)).mistakes

    assert [suggestion] == [one.suggestion for one in found]


VALUES = (
    "1", "-1", "0.5", '"x"', "true", "[]", "[1]", '["x"]', "{}", "{ a = 1 }", "[{}]", "2027-01-01", "07:00:00",
    "2027-01-01T00:00:00", "99999999999999999999", "nan", f'"{"x" * 99}"',
)  # fmt: skip
"""One of each kind that TOML has."""


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_value_of_a_wrong_kind_is_told_in_words(data: st.DataObject) -> None:
    lines = FULL.splitlines()
    keys = [
        place for place, line in enumerate(lines) if " = " in line and not line.startswith((" ", "among"))
    ]
    place, value = data.draw(st.sampled_from(keys)), data.draw(st.sampled_from(VALUES))
    lines[place] = f"{lines[place].partition(' = ')[0]} = {value}"
    found = examine("\n".join(lines))

    assert (found.definition is None) == bool(found.mistakes)
    for one in found.mistakes:
        assert one.line
        assert one.key
        assert "Expected" not in one.message
    # What isn't among a list that became shorter is told where it stands.
    wrong = [one.message for one in found.mistakes if " is not among " not in one.message]
    if any(word in message for message in wrong for word in (" is not ", " is missing")):
        assert place + 1 in [one.line for one in found.mistakes]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("priority = 2", 'priority = "high"', '"high" is not a whole number from -1000000 to 1000000'),
        ('time_zone = "Asia/Shanghai"', "time_zone = [3]", "a list is not a text in quotes"),
        ('time_zone = "Asia/Shanghai"', "time_zone = { a = 3 }", "a table is not a text in quotes"),
        (
            "least_nights = 2",
            f'least_nights = "{"x" * 99}"',
            f'"{"x" * 39}…" is not a whole number from 1 to 1000000000',
        ),
        (
            "budget = 1000000",
            "budget = 99999999999999999999",
            "99999999999999999999 is not a whole number from 1 to 1000000000000",
        ),
        ("nth_stay = [1]", "nth_stay = [0]", "0 is not a whole number from 1 to 1000000000"),
    ],
)
def test_a_value_is_shown_as_it_is_written(right: str, wrong: str, message: str) -> None:
    assert [message] == [one.message for one in examine(FULL.replace(right, wrong)).mistakes]


_AFTER_A_STATEMENT = "this is not TOML: expected newline or end of document after a statement"

NOT_TOML = {
    "a header that doesn't end": (
        "[earning]",
        "[earning",
        "this is not TOML: expected ']' at the end of a table declaration",
    ),
    "a key twice": (
        'id = "small"',
        'id = "small"\nversion = 2',
        "`version` is given twice, first on line 3. Leave one of them",
    ),
    "a table twice": ("[limits]", "[limits]\n[expiry]", "[expiry] is given twice, first on line "),
    "a table once and several times": (
        '[[tier]]\ncode = "silver"',
        '[tier]\ncode = "silver"',
        "[tier] is given twice, first on line 32. Write [[tier]] each time, in double brackets",
    ),
    "quotes of a word processor": (
        'id = "small"',
        "id = “small”",
        'this is not TOML: `“` at column 6 is not `"`. Write `"`, as on an English keyboard',
    ),
    "a text that ends in a full-width quote": (
        'id = "small"',
        'id = "small＂',
        'this is not TOML: `＂` at column 12 is not `"`',
    ),
    "a comma in full width": (
        'en = "Small",',
        'en = "Small"，',
        "this is not TOML: `，` at column 22 is not `,`",
    ),
    "an equals sign in full width": (
        "version = 1",
        "version＝1",
        "this is not TOML: `＝` at column 8 is not `=`",
    ),
    "a number in full width": (
        "version = 1",
        "version = １",
        "this is not TOML: `１` at column 11 is not `1`",
    ),
    "brackets in full width": ("[expiry]", "【expiry】", "this is not TOML: `【` at column 1 is not `[`"),
    "a blank that is none": (
        "version = 1",
        "version\u00a0= 1",
        "this is not TOML: the blank at column 8 is not a plain space. Write a plain space, or nothing",
    ),
    "a text without quotes": (
        '"CNY"',
        "CNY",
        'this is not TOML: invalid value, at column 12. Write it in quotes, "CNY"',
    ),
    "a truth in capitals": (
        'per = "1.00"',
        "whole = True # yes",
        "this is not TOML: invalid value, at column 9. Write true, in small letters",
    ),
    "a yes": (
        'per = "1.00"',
        "whole = yes",
        "this is not TOML: invalid value, at column 9. Write true or false",
    ),
    "a sign of percent": (
        "bonus_percent = 25",
        "bonus_percent = 25%",
        f"{_AFTER_A_STATEMENT}, at column 19. Write 25, without the %",
    ),
    "a colon": (
        "version = 1",
        "version: 1",
        "this is not TOML: expected '=' after a key in a key/value pair, at column 8. Write version = 1",
    ),
    "a table over several lines": (
        'name = { en = "Small", zh = "小" }',
        'name = {\n  en = "Small",\n  zh = "小" }',
        "this is not TOML: invalid initial character for a key part, at column 9. What is in { } stands on one line",
    ),
    "a day with slashes": (
        "version = 1",
        "version = 2026/7/1",
        f"{_AFTER_A_STATEMENT}, at column 15. Write 2026-07-01",
    ),
    "a day that is none": (
        "version = 1",
        "version = 2026-02-30",
        "this is not TOML: invalid date or datetime, at column 11. There is no such day",
    ),
    "the day first": (
        "version = 1",
        "version = 01.07.2026",
        f"{_AFTER_A_STATEMENT}, at column 12. Write a date like 2027-01-31",
    ),
    "a key of a table that is closed": (
        "[limits]",
        "[limits]\nadjustment.a = 1\n",
        "this key or table is given twice",
    ),
    "no value": ('id = "small"', "id =", "this is not TOML: invalid value"),
    "a byte order mark": (
        '\nid = "small"',
        '\ufeff\nid = "small"',
        "the file begins with a byte order mark. Save it as UTF-8 without BOM",
    ),
    "lists in lists": ('\nid = "small"', f"id = {'[' * 5000}", "lists or tables are nested too deep"),
}
TOLD_ON = {
    "a key twice": "version = 1",
    "a table once and several times": '[[tier]]\ncode = "gold"',
    "a table over several lines": "name = {\n",
    "a table twice": "[expiry]",
    "a key of a table that is closed": "adjustment = 5000",
}


@pytest.mark.parametrize("name", NOT_TOML)
def test_what_is_not_toml_is_told_by_its_line(name: str) -> None:
    right, wrong, message = NOT_TOML[name]
    text = PROGRAM.replace(right, wrong, 1)
    line = text.count("\n", 0, text.rindex(TOLD_ON.get(name, wrong))) + 1
    with pytest.raises(ProgramError) as raised:
        decode(text, "my.toml")

    assert str(raised.value).startswith(f"my.toml:{line}: {message}")
    assert 1 == len(raised.value.mistakes)


def test_a_text_that_ends_too_early_is_told_by_its_last_line() -> None:
    with pytest.raises(ProgramError, match=r"my\.toml:3: this is not TOML"):
        decode("id = \"x\"\n\nname = '''x", "my.toml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('id = "x"\nname = "金"'.encode("gb18030"), "my.toml:2: this line is not in UTF-8. Save the file as UTF-8"),
        ('# é\nid = "x"'.encode("latin-1"), "my.toml:1: this line is not in UTF-8. Save the file as UTF-8"),
        ('id = "x"'.encode("utf-16"), "my.toml:1: the file is in UTF-16. Save it as UTF-8"),
        (b"\xef\xbb\xbf" + b'id = "x"', "my.toml:1: the file begins with a byte order mark. Save it as UTF-8 with"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_plain_utf_8_is_told_how_to_save_it(
    tmp_path: Path, data: bytes, message: str
) -> None:
    (tmp_path / "my.toml").write_bytes(data)
    with pytest.raises(ProgramError) as raised:
        read(tmp_path / "my.toml")

    assert str(raised.value).startswith(f"{tmp_path}/{message}")
    assert 1 == len(raised.value.mistakes)


def test_a_file_with_chinese_and_line_ends_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(PROGRAM.replace("\n", "\r\n").encode())

    assert "金卡" == read(tmp_path / "my.toml").tier[1].name.zh


def test_mistakes_of_form_are_all_told_in_the_order_of_their_lines() -> None:
    wrong = PROGRAM
    for right, instead in (
        ("months = 3", "months = 0"),
        ('zh = "小"', "zh = 1"),
        ('code = "silver"', 'cod = "silver"'),
    ):
        wrong = wrong.replace(right, instead)
    found = examine(wrong)

    assert found.definition is None
    assert ["name.zh", "tier 1.cod", "expiry.months"] == [one.key for one in found.mistakes]
    assert sorted(one.line or 0 for one in found.mistakes) == [one.line for one in found.mistakes]
    assert ["Did you mean `code`?"] == [one.suggestion for one in found.mistakes if "cod" in one.message]


def test_a_mistake_without_a_place_is_told_by_its_source_alone() -> None:
    assert "my.toml: it is wrong" == Mistake((), "it is wrong").told("my.toml")
    assert "my.toml:3: warning: a.b: odd. Mend it" == Mistake(
        ("a", "b"), "odd", "Mend it", "warning", key="a.b", line=3
    ).told("my.toml")


def test_warnings_hold_nobody_up() -> None:
    found = examine(changed(PROGRAM, points='{ room = "0" }'))

    assert ["earning.points.room"] == [one.key for one in found.warnings]
    assert found.definition is not None
    assert () == found.mistakes


@settings(max_examples=40, deadline=None)
@given(definitions(), st.booleans())
def test_a_definition_that_holds_is_read_as_it_was(definition: Definition, headers: bool) -> None:  # noqa: FBT001 - drawn
    found = examine(toml_of(definition, headers=headers))

    assert () == found.mistakes
    assert definition == found.definition


def test_every_shipped_definition_holds() -> None:
    names = list(shipped())

    assert "house" == names[0]
    assert dict.fromkeys(names, ()) == {name: examine(read_text(find(name))).mistakes for name in names}


def test_what_is_no_shipped_name_is_a_path() -> None:
    assert Path("my/own.toml") == find("my/own.toml")


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
