"""What of the catalogue is shown: prices by season, what is left of it, why not; and the catalogue as it grows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loyalty.partners.catalogue import Catalogue, Filed, House
from loyalty.partners.checks import Surroundings, check_offer, check_partner
from loyalty.partners.model import Contract, Limit, Offer, Partner, Price, SlotStock, Stock, Title
from loyalty.partners.offers import Guest, Listing, Taken, decide
from loyalty.partners.shelf import Look, OfferView, show
from tests.unit.test_offers import TIERS, listing, offer, price_lists, use

TODAY = date(2026, 5, 10)
GUEST = Guest("gold", 1_000)
LOOK = Look(TODAY, "en", GUEST)
AT = datetime(2026, 5, 10, tzinfo=UTC)
AROUND = Surroundings({"thai_air": "CNY"}, "CNY", frozenset(TIERS), frozenset({"SHA01"}))


def why(view: OfferView) -> list[str]:
    return [reason.code for reason in view.why_not]


def spa(stock: Stock) -> Listing:
    return listing(offer(kind="spa", prices=(Price(points=100),), stock=stock))


def test_a_limit_that_is_reached_is_told() -> None:
    one = listing(offer(limits=(Limit(2),)))

    assert [] == why(show(one, LOOK, {}, [Taken(1, TODAY)]))
    assert ["limit_reached"] == why(show(one, LOOK, {}, [Taken(2, TODAY)]))


def test_nobody_in_particular_is_shown_all_prices_that_are_not_over() -> None:
    prices = (
        Price(points=1, last=TODAY - timedelta(1)),
        Price(points=2, tiers=("gold",), cash="0.00"),
        Price(points=3, first=TODAY + timedelta(5)),
    )
    one = listing(offer(prices=prices, tiers=("platinum",), segments=("golfers",), limits=(Limit(1),)))
    anybody = show(one, Look(TODAY, "en"), {})
    that_day = show(one, Look(TODAY, "en", on=TODAY), {})

    assert ([2, 3], [2], []) == (
        [price.points for price in anybody.prices], [price.points for price in that_day.prices], why(anybody),
    )  # fmt: skip
    assert None is anybody.prices[0].cash


@pytest.mark.parametrize(
    ("stock", "left", "on", "slots", "gone"),
    [
        (Stock(amount=3), {"stock:umbrella": 1}, None, [], False),
        (Stock(amount=3), {"stock:umbrella": 0}, None, [], True),
        (Stock(amount=0), {}, None, [], True),
        (Stock(per="date", amount=3), {}, None, [], False),
        (Stock(per="date", amount=0), {}, None, [], True),
        (Stock(per="date", amount=3), {"stock:umbrella/2026-05-11": 0}, None, [("2026-05-11", 0)], False),
        (
            Stock(per="date", amount=3), {"stock:umbrella/2026-05-11": 0}, date(2026, 5, 11), [("2026-05-11", 0)], True,
        ),
        (Stock(per="date", amount=3), {"stock:umbrella/2026-05-11": 0}, date(2026, 5, 12), [], False),
        (Stock(per="date", amount=3), {"stock:umbrella/2026-05-09": 0, "stock:umbrella2": 9}, None, [], False),
        (Stock(per="date", slots=(SlotStock("2026-05-09", 5),)), {}, None, [], True),
        (
            Stock(per="slot", slots=(SlotStock("2026-05-11T10:00", 5),)),
            {"stock:umbrella/2026-05-11T10:00": 2, "stock:umbrella/2026-05-11T11:00": 1},
            None, [("2026-05-11T10:00", 2)], False,
        ),
        (Stock(per="slot", amount=3), {"stock:umbrella/2026-05-11T10:00": 0}, date(2026, 5, 11),
         [("2026-05-11T10:00", 0)], False),
    ],
)  # fmt: skip
def test_it_is_sold_out_when_none_can_be_had(
    stock: Stock, left: dict[str, int], on: date | None, slots: list[Any], *, gone: bool
) -> None:
    view = show(spa(stock), structs.replace(LOOK, on=on), left)

    assert view.stock
    assert slots == [(one.slot, one.left) for one in view.stock.slots]
    assert (["sold_out"] if gone else []) == why(view)


@given(price_lists, st.sampled_from(TIERS), st.integers(0, 6_000), st.dates(TODAY, TODAY + timedelta(700)))
def test_what_is_shown_for_a_day_is_what_a_redemption_would_be_told(
    prices: tuple[Price, ...], tier: str, available: int, day: date
) -> None:
    one, guest = listing(offer(prices=prices)), Guest(tier, available)
    view = show(one, Look(TODAY, "en", guest, day), {})
    decided = decide(one, guest, use(day), TODAY)

    if isinstance(decided, list):
        assert why(view) == [reason.code for reason in decided]
    else:
        assert ([], [decided.points]) == (why(view), [price.points for price in view.prices])


def test_a_view_says_nothing_of_what_is_not_there() -> None:
    encoded = msgspec.json.decode(msgspec.json.encode(show(listing(offer(prices=())), LOOK, {})))

    assert {"code", "version", "kind", "partner", "title", "name", "why_not"} == encoded.keys()
    assert ["no_price"] == [reason["code"] for reason in encoded["why_not"]]


# --- The catalogue ----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 99)), max_size=12), st.integers(0, 12))
def test_a_catalogue_that_grows_is_the_same_as_one_read_at_once(
    puts: list[tuple[str, int]], known: int
) -> None:
    filed = list[Filed[Offer]]()
    for generation, (code, minutes) in enumerate(puts, 1):
        version = sum(one.one.code == code for one in filed) + 1
        filed.append(Filed(offer(code=code, hold_minutes=minutes), version, generation, "x", AT))
    empty = Catalogue(House())
    grown = empty.with_these(known, [], filed[:known]).with_these(len(puts), [], filed[known:])
    whole = empty.with_these(len(puts), [], filed)

    assert (grown.offers, grown.listings()) == (whole.offers, whole.listings())
    for one in filed:
        found = grown.listing(one.one.code, one.version)
        assert found is not None
        assert one.one == found.offer


def test_a_new_version_of_a_partner_changes_its_offers() -> None:
    air = Partner(code="thai_air", name=Title("Thai Air", "泰航"), contract=Contract("CNY", "0.01"))
    ticket = Filed(offer(partner="thai_air"), 1, 2, "x", AT)
    first = Catalogue(House("CNY", ZoneInfo("UTC"))).with_these(2, [Filed(air, 1, 1, "x", AT)], [ticket])
    stopped = Filed(structs.replace(air, status="suspended", time_zone="Asia/Bangkok"), 2, 3, "x", AT)
    then = first.with_these(3, [stopped], [])
    before, after = first.listing("umbrella"), then.listing("umbrella")

    assert before
    assert after
    assert [("active", "UTC"), ("suspended", "Asia/Bangkok")] == [
        (one.partner and one.partner.status, str(one.zone)) for one in (before, after)
    ]
    assert ["partner_suspended"] == why(show(after, LOOK, {}))


# --- Whatever is put --------------------------------------------------------------------------------------------------


@given(price_lists, st.none() | st.from_type(Stock), st.sampled_from(["merchandise", "spa", "free_night"]))
def test_what_passes_the_checks_can_be_shown_and_decided(
    prices: tuple[Price, ...], stock: Stock | None, kind: Any
) -> None:
    one = offer(prices=prices, stock=stock, kind=kind, partner="thai_air")
    refusal = check_offer(one, None, AROUND)

    if refusal is None:
        assert prices
        view = show(listing(one), LOOK, {})
        assert (view.stock is None) == (stock is None)
    else:
        assert "invalid_offer" == refusal.code
        assert all(error.pointer.startswith(("/prices", "/stock")) for error in refusal.errors)


def test_what_is_good_is_not_refused() -> None:
    air = Partner(
        code="thai_air", name=Title("Thai Air", "泰航"), time_zone="Asia/Bangkok",
        contract=Contract("CNY", "0.01", "prepaid", "0.02", 5_000, 500),
    )  # fmt: skip

    assert None is check_partner(air, None) is check_partner(air, air)
    assert None is check_offer(offer(partner="thai_air"), None, AROUND)
