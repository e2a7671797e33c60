"""A redemption: the table of its steps, and what parts of it come to."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loyalty.ids import UUID
from loyalty.partners.redemption import MOVES, Redemption, Share, status_after

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def redemption(**fields: Any) -> Redemption:
    values: dict[str, Any] = {
        "redemption_id": UUID(bytes(16)), "member_id": UUID(bytes(16)), "offer": "monet", "offer_version": 1,
        "partner": "museum", "reference": None, "status": "held", "quantity": 3, "points": 1000, "cash": 100,
        "value": 700, "currency": "CNY", "tier": "silver", "details": "{}", "draws": "{}", "slot": "", "venue": "",
        "begins": None, "booked_on": date(2026, 6, 1), "expires_at": AT, "captured": 0, "refunded": 0, "step": 1,
    }  # fmt: skip
    return Redemption(**values | fields)


@st.composite
def redemptions(draw: st.DrawFn) -> Redemption:
    quantity = draw(st.integers(1, 1000))
    captured = draw(st.integers(1, quantity))
    return redemption(
        status="captured", quantity=quantity, captured=captured,
        points=draw(st.integers(quantity, 10**9)), cash=draw(st.integers(0, 10**9)),
        value=draw(st.integers(0, 10**9)), draws=f'{{"stock:a":{quantity},"stock:b":{draw(st.integers(1, 9))}}}',
    )  # fmt: skip


def test_the_table_begins_with_a_hold_and_whatever_it_leads_to_may_end_there() -> None:
    reached = {status for ways in MOVES.values() for status in ways}

    assert {"held", "captured", "released", "expired", "refunded"} == reached
    assert {"", "held", "captured"} == {status for status, _ in MOVES}
    assert [("", "held")] == [move for move in MOVES if move[0] == ""]


def test_a_refund_of_all_that_is_left_ends_it() -> None:
    assert ("captured", "refunded") == (
        status_after("captured", "refunded", 1),
        status_after("captured", "refunded"),
    )


@pytest.mark.parametrize("kind", ["captured", "released", "expired", "extended", "refunded"])
@pytest.mark.parametrize("status", ["released", "expired", "refunded"])
def test_nothing_follows_an_end(status: str, kind: Any) -> None:
    with pytest.raises(KeyError):
        status_after(status, kind)


@given(one=redemptions(), data=st.data())
def test_whatever_parts_are_refunded_together_they_are_what_was_captured(
    one: Redemption, data: st.DataObject
) -> None:
    total, taken = one.captures(one.captured), Share(0, 0, 0, 0)
    stock = one.gives_back(0)
    back: dict[str, int] = {}
    while one.refunded < one.captured:
        quantity = data.draw(st.integers(1, one.captured - one.refunded))
        share = one.refunds(quantity)
        taken = Share(
            taken.quantity + share.quantity, taken.points + share.points, taken.cash + share.cash,
            taken.value + share.value,
        )  # fmt: skip
        for name, number in one.gives_back(one.kept - quantity).items():
            back[name] = back.get(name, 0) + number
        one = structs.replace(one, refunded=one.refunded + quantity)

    assert (total, stock) == (taken, back)
    assert total.points >= 1


@given(one=redemptions())
def test_a_capture_takes_a_part_and_the_rest_goes_back(one: Redemption) -> None:
    held = structs.replace(one, status="held", captured=0)
    share, rest = held.captures(one.captured), held.share(held.quantity) - held.captures(one.captured)

    assert 0 <= rest.points < held.points
    assert (held.points, held.cash, held.value) == (
        share.points + rest.points, share.cash + rest.cash, share.value + rest.value,
    )  # fmt: skip
    assert {} == held.gives_back(held.quantity)


def test_a_day_of_several_nights_comes_back_once_no_part_of_it_is_kept() -> None:
    one = redemption(quantity=2, draws='{"stock:suite/2026-07-01":1,"stock:suite/2026-07-02":1}')

    assert {} == one.gives_back(1)
    assert {"stock:suite/2026-07-01": -1, "stock:suite/2026-07-02": -1} == one.gives_back(0)
