"""Expressions: exact, typed before the first row, and able to do nothing else."""

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.importing.expressions import Compiled, ExpressionError, compile_expression
from loyalty.importing.functions import digest
from loyalty.importing.mapping import decode
from loyalty.importing.problems import UnusableValueError
from loyalty.importing.scope import FileScope
from loyalty.importing.values import ROUNDINGS, Row, quotient, rounded, to_number

HEADER = ("a", "b", "word", "day", "year", "month", "Arrival date")
MAPPING = """
[mapping]
name = "test"
[file]
null = ["", "NULL"]
[columns]
a = "decimal"
b = "decimal"
day = { type = "date", formats = ["%Y-%m-%d"] }
year = "integer"
month = "month"
[derive]
twice = "a * 2"
[words.greeting]
words = { hello = "hi" }
[stay]
source = { constant = "x" }
property = { constant = "x" }
stay_ref = { constant = "x" }
status = { constant = "no_show" }
arrival = "day"
departure = "day"
channel = { constant = "ota" }
currency = { constant = "EUR" }
[member]
number = "word"
"""


def compiled(source: str) -> Compiled:
    return compile_expression(source, FileScope(decode(MAPPING, "test"), HEADER))


def evaluate(source: str, **texts: str | None) -> object:
    return compiled(source).read(Row(7, 8, {"a": "1", "b": "2", "word": "x", "day": "2024-02-28"} | texts))


numbers = st.decimals(-(10**9), 10**9, places=3).map(lambda number: format(number, "f"))


@st.composite
def arithmetic(draw: st.DrawFn, depth: int = 4) -> tuple[str, Fraction]:
    """Draw an expression and, by another way, its value."""
    if depth == 0 or draw(st.booleans()):
        digits = draw(st.decimals(0, 10**6, places=2).map(lambda number: format(number, "f")))
        return digits, Fraction(digits)
    (left, one), (right, two) = draw(arithmetic(depth - 1)), draw(arithmetic(depth - 1))
    symbol, value = draw(st.sampled_from([("+", one + two), ("-", one - two), ("*", one * two)]))
    return f"({left} {symbol} {right})", value


@given(arithmetic(depth=3))
def test_sums_and_products_are_exact(drawn: tuple[str, Fraction]) -> None:
    source, value = drawn
    assert Fraction(evaluate(source)) == value


def test_a_literal_is_its_digits_and_not_a_binary_fraction() -> None:
    assert evaluate("0.1 + 0.2") == Decimal("0.3")
    assert evaluate("a * 0.1", a="3") == Decimal("0.3")


@given(numbers, st.integers(0, 6), st.sampled_from(sorted(ROUNDINGS)))
def test_rounding_goes_to_a_nearest_value_on_the_stated_side(text: str, places: int, rounding: str) -> None:
    exact, step = Fraction(text), Fraction(1, 10**places)
    result = Fraction(rounded(Decimal(text), places, rounding))

    assert result / step == floor(result / step)
    match rounding:
        case "floor":
            assert exact - step < result <= exact
        case "ceiling":
            assert exact <= result < exact + step
        case _:
            assert abs(result - exact) <= step / 2


@pytest.mark.parametrize(
    ("number", "half_even", "half_up", "floored", "ceiled"),
    [
        ("0.125", "0.12", "0.13", "0.12", "0.13"),
        ("0.135", "0.14", "0.14", "0.13", "0.14"),
        ("-0.125", "-0.12", "-0.13", "-0.13", "-0.12"),
    ],
)
def test_half_a_cent_goes_where_the_rounding_says(
    number: str, half_even: str, half_up: str, floored: str, ceiled: str
) -> None:
    expected = [half_even, half_up, floored, ceiled]
    actual = [
        str(evaluate(f'round(a, 2, "{one}")', a=number))
        for one in ("half_even", "half_up", "floor", "ceiling")
    ]

    assert expected == actual


@given(numbers, numbers, st.integers(0, 6), st.sampled_from(sorted(ROUNDINGS)))
def test_a_quotient_is_the_rounded_fraction(one: str, two: str, places: int, rounding: str) -> None:
    left, right = Decimal(one), Decimal(two)
    if not right:
        with pytest.raises(UnusableValueError, match="divided by zero"):
            quotient(left, right, places, rounding)
        return
    scaled = Fraction(left) / Fraction(right) * 10**places
    whole = floor(scaled)
    expected = {
        "floor": whole,
        "ceiling": -floor(-scaled),
        "half_even": round(scaled),
        "half_up": floor(abs(scaled) + Fraction(1, 2)) * (1 if scaled >= 0 else -1),
    }[rounding]

    assert Fraction(expected, 10**places) == Fraction(quotient(left, right, places, rounding))


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 400))
def test_a_date_and_nights_is_the_date_so_many_days_later(day: date, nights: int) -> None:
    assert evaluate("day + a", day=day.isoformat(), a=str(nights)) == day + timedelta(nights)
    assert evaluate("(day + a) - day", day=day.isoformat(), a=str(nights)) == nights
    assert evaluate("day - a", day=day.isoformat(), a=str(nights)) == day - timedelta(nights)


@given(st.dates())
def test_a_date_is_made_of_its_parts(day: date) -> None:
    parts = {"year": str(day.year), "month": day.strftime("%B"), "a": str(day.day)}

    assert evaluate("date(year, month, a)", **parts) == day


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"R-" + pad(row, 4)', "R-0007"),
        ('word + "!"', "x!"),
        ("upper(word)", "X"),
        ('words("greeting", "hello")', "hi"),
        ("twice + twice", Decimal(4)),
        ("max(a, b, 3)", Decimal(3)),
        ("min(a, b)", Decimal(1)),
        ("-a if a < b and not a == b else b", Decimal(-1)),
        ("first(number(word), b) if not is_empty(word) else b", None),
        ('column("Arrival date")', "tomorrow"),
        ("text_of_number(a * 100)", "100"),
        ("text_of_date(day)", "2024-02-28"),
        ('replace(left("a-b-c", 3), "-", "")', "ab"),
    ],
)
def test_expressions_give_what_they_say(source: str, expected: object) -> None:
    texts = {"Arrival date": "tomorrow", "word": "5" if "number" in source else "x"}
    actual = evaluate(source, **texts)

    assert (Decimal(5) if expected is None else expected) == actual


def test_a_digest_is_the_head_of_sha256_in_base_32_without_letters_that_are_misread() -> None:
    number = int.from_bytes(hashlib.sha256(b"PRT\x1f\x1f240").digest(), "big")
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    expected = "".join(alphabet[number >> (256 - 5 * place) & 31] for place in range(1, 13))

    assert expected == digest(["PRT", None, "240"], 12)
    assert expected == evaluate("hash(12, word, a, b)", word="PRT", a="NULL", b="240")


def test_values_do_not_run_into_each_other_in_a_digest() -> None:
    assert digest(["ab", "c"], 12) != digest(["a", "bc"], 12)


@pytest.mark.parametrize(
    "source",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__",
        "word.upper()",
        "word[0]",
        "lambda: 1",
        "[one for one in word]",
        "{1: 2}",
        "f'{word}'",
        "(a := 1)",
        "2 ** 999999",
        "a / b",
        "a // b",
        "word * 999999999",
        "1e400",
        "1j",
        "0x10",
        "True",
        "None",
        "b'x'",
        "max(*a)",
        "round(a, places=2)",
        "eval(word)",
        "compile(word)",
        "a < b < 3",
        "a is b",
        "round(a, 13)",
        "round(a, True)",
        'round(a, 2, "up")',
        "round(a, b)",
        "hash(0, a)",
        "words(word, word)",
        'words("nowhere", word)',
        'words("greeting", a)',
        "first(a, word)",
        "first()",
        "is_empty(a, b)",
        "column(a)",
        "column()",
        "words(word)",
        "a if a else b",
        "a + word",
        "day + day",
        "date(a, b)",
        "nothing",
        "-word",
        "~a",
        "a; b",
        "a\nb",
        "",
        "(" * 300 + "a" + ")" * 300,
        "-" * 400 + "a",
        "a" + " + a" * 200,
    ],
)
def test_what_is_not_on_the_list_is_refused_before_the_first_row(source: str) -> None:
    with pytest.raises(ExpressionError):
        compiled(source)


@given(st.text(alphabet=st.sampled_from("ab12.,()+-*/ \"'<>=!rowundfist_[]{}:\x00\n\\é"), max_size=60))
def test_any_text_compiles_or_is_refused_and_nothing_else(source: str) -> None:
    try:
        read = compiled(source).read
    except ExpressionError:
        return
    try:
        read(Row(1, 2, {"a": "1", "b": "2"}))
    except UnusableValueError:
        return


@pytest.mark.parametrize(
    ("source", "texts", "code", "reason"),
    [
        ("a + b", {"a": "NULL"}, "empty_value", "a is empty"),
        ("a + b", {"a": " 1,5 "}, "not_a_number", "a: '1,5' isn't a number"),
        ("a", {"a": "nan"}, "not_a_number", "nan"),
        ("a", {"a": "1e5"}, "not_a_number", "1e5"),
        ("year", {"year": "2015.5"}, "not_whole", "isn't a whole number"),
        ("month", {"month": "Smarch"}, "not_a_month", "month: 'Smarch'"),
        ("month", {"month": "13"}, "not_a_month", "month: '13'"),
        ("day", {"day": "2023-02-29"}, "not_a_date", "day: '2023-02-29'"),
        ("date(2023, 2, 29)", {}, "no_such_date", "2023-2-29"),
        ("day + 999999999", {}, "date_out_of_range", "no date"),
        ("day + 0.5", {}, "not_whole", "0.5"),
        ('words("greeting", word)', {"word": "bye"}, "unknown_word", "'bye' isn't a word of words.greeting"),
        ("a * a * a * a", {"a": "9" * 18 + ".1"}, "number_out_of_range", "too many digits"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    source: str, texts: dict[str, str], code: str, reason: str
) -> None:
    with pytest.raises(UnusableValueError) as caught:
        evaluate(source, **texts)

    assert code == caught.value.code
    assert reason in caught.value.reason


def test_a_decimal_comma_is_read_only_where_the_mapping_says_so() -> None:
    assert to_number("1.234,56", ",", ".") == Decimal("1234.56")
    with pytest.raises(UnusableValueError):
        to_number("1.5", ",")
