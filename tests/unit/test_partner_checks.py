"""What partners and offers must be beyond their form: each mistake, with its field; the same that the API is asked."""

from typing import Any

import msgspec
import pytest
from msgspec import structs

from loyalty.errors import Problem
from loyalty.partners.checks import Surroundings, check_offer, check_partner
from loyalty.partners.model import Offer, Partner
from tests.e2e.test_api_offers import BAD_OFFERS, BAD_PARTNERS, offer, partner
from tests.unit.test_offers import TIERS

AROUND = Surroundings({"CODE": "CNY"}, "CNY", frozenset(TIERS), frozenset({"SHA01"}))
GOOD = msgspec.convert(offer("good"), Offer)


def mistakes(cases: list[tuple[dict[str, Any], tuple[int, str, str]]]) -> list[tuple[dict[str, Any], str]]:
    """Return those of the cases whose form is good, each with the field of its first mistake."""
    return [(changes, pointer) for changes, (status, _, pointer) in cases if status == 422]


def pointers(found: Problem | None) -> list[str]:
    assert found is not None
    return [error.pointer for error in found.errors]


@pytest.mark.parametrize(("changes", "pointer"), mistakes(BAD_OFFERS))
def test_each_mistake_of_an_offer_is_told_by_its_field(changes: dict[str, Any], pointer: str) -> None:
    # The code of the partner that stands for one on file isn't of its form: it goes in afterwards.
    changes = dict(changes)
    whose = changes.pop("partner", None)
    one = structs.replace(msgspec.convert(offer("bad", **changes), Offer), partner=whose)

    assert pointer == pointers(check_offer(one, None, AROUND))[0]


@pytest.mark.parametrize(("changes", "pointer"), mistakes(BAD_PARTNERS))
def test_each_mistake_of_a_partner_is_told_by_its_field(changes: dict[str, Any], pointer: str) -> None:
    one = msgspec.convert(partner("bad") | changes, Partner)

    assert [pointer] == pointers(check_partner(one, None))


def test_all_mistakes_are_told_at_once() -> None:
    one = structs.replace(
        GOOD, tiers=("tin", "gold", "zinc"), venues=("a", "a"), hold_until_use=True, transferable=True
    )
    found = check_offer(one, structs.replace(GOOD, kind="spa", partner="CODE"), AROUND)

    assert [
        "/kind", "/partner", "/tiers/0", "/tiers/2", "/venues", "/venues/1", "/hold_until_use", "/transferable",
    ] == pointers(found)  # fmt: skip


def test_the_currency_of_a_contract_stays_as_it_is() -> None:
    before = msgspec.convert(partner("air"), Partner)
    after = structs.replace(before, contract=structs.replace(before.contract, currency="JPY"))

    assert ["/contract/currency"] == pointers(check_partner(after, before))
    assert None is check_partner(after, None) is check_partner(before, before)
