"""Nobody gives to an own account with a key of the staff: what that is, and where the refusal comes in the order."""

from datetime import date
from typing import Any

import pytest

from loyalty.commands import accrue, adjust, compensate, give_status, merge, purchase, transfer
from loyalty.commands.accrue import AccrualRequest, Accrue
from loyalty.commands.adjust import Adjust, AdjustmentRequest
from loyalty.commands.compensate import Circumstances, Compensate, CompensationRequest
from loyalty.commands.give_status import GiveStatus, StatusRequest
from loyalty.commands.merge import Merge
from loyalty.commands.model import Facts
from loyalty.commands.own import is_own
from loyalty.commands.purchase import Purchase, PurchaseRequest
from loyalty.commands.transfer import Transfer, TransferRequest
from loyalty.ids import UUID, show
from loyalty.ledger.model import Traits
from loyalty.partners.model import Contract, Partner, Title
from tests.builders import MINT, PROGRAM, key, member, moment, refused, small_rules

TERMS = """
[transfers]
least = 10

[purchase]
price = "0.10"

[compensation.reasons]
noise = { en = "Noise", zh = "噪音" }
"""
RULES = small_rules(PROGRAM + TERMS)
TODAY = date(2026, 6, 1)
NOW = moment(TODAY)


def adjusted(one: Facts, other: Facts, person: UUID | None) -> Any:
    del other
    command = Adjust("T1", AdjustmentRequest("T1", 10, "goodwill"), "test", key(), person)
    return adjust.decide(one, RULES, command, NOW)


def compensated(one: Facts, other: Facts, person: UUID | None) -> Any:
    del other
    request = CompensationRequest("T1", 10, "noise")
    command = Compensate(None, None, request, "test", key(), person)
    return compensate.decide(one, Circumstances(), RULES, command, NOW)


def given(one: Facts, other: Facts, person: UUID | None) -> Any:
    del other
    command = GiveStatus("T1", StatusRequest("gold", "gifted", "x"), "test", key(), person)
    return give_status.decide(one, RULES, command, NOW)


def sold(one: Facts, other: Facts, person: UUID | None) -> Any:
    del other
    command = Purchase("T1", PurchaseRequest("T1", 10, "PAY-1"), "test", key(), person)
    return purchase.decide(one, RULES, command, NOW)


def credited(one: Facts, other: Facts, person: UUID | None) -> Any:
    del other
    air = Partner(
        code="air", name=Title("Air", "航空"), contract=Contract("CNY", "0.01", accrual_price="0.02")
    )
    command = Accrue(air, None, AccrualRequest("T1", "F-1", 10, TODAY), "test", key(), person)
    return accrue.decide(one, [], {}, RULES, command, NOW)


def sent(one: Facts, other: Facts, person: UUID | None) -> Any:
    command = Transfer(None, None, TransferRequest("T2", "T1", 10), "test", key(), person)
    return transfer.decide(other, one, RULES, command, NOW)


def brought(one: Facts, other: Facts, person: UUID | None) -> Any:
    return merge.decide(other, one, (), RULES, Merge(None, None, "test", key(), person), NOW)


def joined(one: Facts, other: Facts, person: UUID | None) -> Any:
    return merge.decide(one, other, (), RULES, Merge(None, None, "test", key(), person), NOW)


@pytest.mark.parametrize(
    ("gain", "at"),
    [
        (adjusted, "/member"), (compensated, "/member"), (given, ""), (sold, "/member"), (credited, "/member"),
        (sent, "/to"),
        (brought, "/into"), (joined, ""),
    ],
)  # fmt: skip
def test_what_an_own_account_would_gain_is_refused_before_it_is_looked_at(gain: Any, at: str) -> None:
    mine, other = Facts(member(status="closed")), Facts(member(number="T2"))
    assert mine.member is not None

    assert ("own_account", at) == refused(gain(mine, other, mine.member.member_id))
    assert "member_closed" == refused(gain(mine, other, MINT(0)))[0]
    assert "member_closed" == refused(gain(mine, other, None))[0]


def test_an_own_account_is_one_that_ones_own_was_merged_into() -> None:
    old = MINT(0)
    one = member(traits=Traits(merged=(show("mem", old),)))

    assert [True, True, False, False] == [
        is_own(one, person) for person in (old, one.member_id, MINT(0), None)
    ]
