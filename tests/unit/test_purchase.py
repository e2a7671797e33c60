"""Points that are bought: their price, their limits, and that they count for no tier."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.commands.model import Facts, Prior
from loyalty.commands.price import price_of
from loyalty.commands.purchase import Purchase, PurchaseRequest, decide
from tests.builders import PROGRAM, decided, key, member, moment, moves, refused, reply, small_rules

TODAY = date(2026, 6, 1)
TERMS = """
[purchase]
price = "0.075"
least = 100
step = 50
a_year = 1000
account_days = 10
"""
RULES = small_rules(PROGRAM + TERMS)


def ask(points: int) -> Purchase:
    return Purchase("T1", PurchaseRequest("T1", points, "PAY-7"), "test", key())


def asked(points: int, **fields: Any) -> Any:
    return decide(Facts(member(**fields)), RULES, ask(points), moment(TODAY))


def test_bought_points_are_credited_against_what_was_sold() -> None:
    result = decided(asked(150))
    assert result.book is not None

    assert [
        ("points", "purchase", "sold", "available", 150),
        ("bought", "count", "issued", "counted", 150),
    ] == moves(result)
    assert ({"amount": "11.25", "currency": "CNY"}, 150) == (
        reply(result)["price"], reply(result)["balance"]["available"],
    )  # fmt: skip
    assert date(2026, 9, 1) == result.book.new_lots[0].expires_on
    assert "purchase: PAY-7" == result.book.journals[0].reason
    assert RULES.ladder.levels[0] == RULES.tiers.on(result.book.member, TODAY)


@pytest.mark.parametrize(
    ("points", "fields", "expected"),
    [
        (50, {}, ("invalid_value", "/points")),
        (120, {}, ("invalid_value", "/points")),
        (150, {"status": "closed"}, ("member_closed", "/member")),
        (150, {"enrolled_on": date(2026, 5, 23)}, ("account_too_young", "/member")),
        (150, {"counters": {"2026": {"bought": 900}}}, ("limit_reached", "/points")),
    ],
)
def test_what_the_program_does_not_sell_is_refused(
    points: int, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected == refused(asked(points, **fields))


def test_what_just_meets_the_limits_is_sold() -> None:
    decided(
        asked(
            100, enrolled_on=date(2026, 5, 22), counters={"2026": {"bought": 900}, "2025": {"bought": 1000}}
        )
    )


def test_a_program_without_a_price_sells_nothing_and_nobody_unknown_buys() -> None:
    assert ("not_offered", "") == refused(decide(Facts(member()), small_rules(), ask(100), moment(TODAY)))
    assert ("unknown_member", "/member") == refused(decide(Facts(None), RULES, ask(100), moment(TODAY)))


def test_a_key_has_one_outcome() -> None:
    facts = Facts(member(), prior=Prior(key().fingerprint, 201, b'{"first": true}'))

    assert {"first": True} == reply(decide(facts, RULES, ask(150), moment(TODAY)))


@given(st.integers(1, 10**9), st.decimals("0.000001", 1000, places=6), st.sampled_from(["CNY", "JPY", "BHD"]))
def test_a_price_is_rounded_up_by_less_than_the_smallest_unit(points: int, price: Any, currency: str) -> None:
    smallest = {"CNY": Fraction(1, 100), "JPY": Fraction(1), "BHD": Fraction(1, 1000)}[currency]
    amount = Fraction(price_of(points, f"{price:f}", currency).amount)
    exact = Fraction(f"{price:f}") * points

    assert 0 <= amount - exact < smallest
    assert amount % smallest == 0
