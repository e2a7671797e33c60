"""The leaf hash of a journal: all that was written of it, so that nothing can be changed unseen."""

from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from msgspec import structs

from loyalty.ids import UUID
from loyalty.ledger.leaf import leaf
from loyalty.ledger.model import Journal, Transfer

ONE, OTHER = UUID(bytes(15) + b"\x01"), UUID(bytes(15) + b"\x02")
DAY = date(2026, 5, 3)
JOURNAL = Journal(ONE, OTHER, 7, "stay_posted", DAY, "checked_out SHA01 R-1", "key-1", ONE, None, 100)
TRANSFER = Transfer(ONE, 1, "points", "base", "issued", "available", 100, DAY)

CHANGES: dict[str, Any] = {
    "journal_id": OTHER, "member_id": ONE, "version": 8, "kind": "stay_revised", "effective_on": date(2026, 5, 4),
    "reason": "another", "actor": "key-2", "stay_id": None, "linked_id": ONE, "balance": -100,
}  # fmt: skip
OTHER_TRANSFER: dict[str, Any] = {
    "line": 2, "unit": "nights", "kind": "tier_bonus", "debit": "expired", "credit": "held", "amount": 101,
    "effective_on": date(2026, 5, 4),
}  # fmt: skip


def test_a_leaf_is_the_hash_of_the_documented_bytes() -> None:
    def text(word: str) -> bytes:
        return len(word.encode()).to_bytes(4, "big") + word.encode()

    journal = structs.replace(JOURNAL, balance=-5, reason="退房", linked_id=OTHER)
    day = (739_739).to_bytes(4, "big")  # 3 May 2026, where 1 January of year 1 is day 1
    documented = (
        b"loyalty journal 1" + (3).to_bytes(2, "big") + ONE.bytes + OTHER.bytes + (7).to_bytes(8, "big") + day
        + (-5).to_bytes(8, "big", signed=True) + ONE.bytes + OTHER.bytes
        + text("stay_posted") + text("退房") + text("key-1")
        + (1).to_bytes(2, "big") + (100).to_bytes(8, "big") + day
        + text("points") + text("base") + text("issued") + text("available")
    )  # fmt: skip

    assert sha256(documented).digest() == leaf(3, journal, [TRANSFER])


def test_a_leaf_stays_the_same_from_one_release_to_the_next() -> None:
    assert (
        "ac425fdef93a40325f59aa2829b58cf0b7d0c3fb19f603ce201057a7f4cd08bd"
        == leaf(3, JOURNAL, [TRANSFER]).hex()
    )


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_of_a_journal_is_in_its_leaf(field: str) -> None:
    changed = structs.replace(JOURNAL, **{field: CHANGES[field]})

    assert leaf(0, JOURNAL, [TRANSFER]) != leaf(0, changed, [TRANSFER])


@pytest.mark.parametrize("field", OTHER_TRANSFER)
def test_every_field_of_a_transfer_is_in_the_leaf(field: str) -> None:
    changed = structs.replace(TRANSFER, **{field: OTHER_TRANSFER[field]})

    assert leaf(0, JOURNAL, [TRANSFER]) != leaf(0, JOURNAL, [changed])


def test_no_field_of_either_was_forgotten_here() -> None:
    assert set(Journal.__struct_fields__) == set(CHANGES)
    assert set(Transfer.__struct_fields__) - {"journal_id"} == set(OTHER_TRANSFER)


def test_the_shard_and_the_order_of_transfers_are_in_the_leaf() -> None:
    second = structs.replace(TRANSFER, line=2)

    assert leaf(0, JOURNAL, [TRANSFER]) != leaf(1, JOURNAL, [TRANSFER])
    assert leaf(0, JOURNAL, [TRANSFER, second]) != leaf(0, JOURNAL, [second, TRANSFER])
    assert leaf(0, JOURNAL, []) != leaf(0, JOURNAL, [TRANSFER])


def test_texts_that_only_together_are_the_same_are_told_apart() -> None:
    first, second = (
        structs.replace(JOURNAL, reason=one, actor=two) for one, two in (("ab", "c"), ("a", "bc"))
    )

    assert leaf(0, first, []) != leaf(0, second, [])
