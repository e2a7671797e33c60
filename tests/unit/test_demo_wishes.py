"""What the demo's guests want for their points: the same every time, one thing each, and what they can afford."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from loyalty.demo.group import BY_CODE
from loyalty.demo.partners import AIRLINE, CHECK, EVENING, MILES, NAMES, PLACES, contracts, offers
from loyalty.demo.wire import Balance, Year
from loyalty.demo.wishes import Asker, Fate, Wish, Wishes, made_up_wishes
from loyalty.partners import checks, details
from loyalty.partners.model import Offer, Partner

TODAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
CHINA = ZoneInfo("Asia/Shanghai")
ON_FILE = msgspec.convert(offers(), dict[str, Offer])


def balance_of(place: int, points: int) -> Balance:
    return Balance(f"mem_{place}", f"HX{place:06}", points, 0, 0, Year("0", "0", "0.00"))


BALANCES = [balance_of(place, 97 * place) for place in range(600)]
WISHES = made_up_wishes(7, BALANCES, TODAY)


def everything(wishes: Wishes) -> list[Wish]:
    return [*wishes.apart, *wishes.queue]


def test_the_same_seed_and_balances_give_the_same_wishes_in_whatever_order_they_come() -> None:
    assert made_up_wishes(7, BALANCES[::-1], TODAY) == WISHES
    assert made_up_wishes(8, BALANCES, TODAY) != WISHES


def test_nobody_wants_two_things() -> None:
    assert {1} == set(Counter(wish.number for wish in everything(WISHES)).values())
    assert len(everything(WISHES)) == len(WISHES)


def test_guests_can_afford_what_they_want_but_for_some_who_ask_for_what_is_too_dear() -> None:
    points = {balance.number: balance.available for balance in BALANCES}
    short = [wish for wish in everything(WISHES) if wish.points > points[wish.number]]

    assert short
    assert {(CHECK, Asker.SITE)} == {(wish.offer, wish.asker) for wish in short}


def test_everything_that_can_become_of_points_does_and_each_offer_is_asked_for() -> None:
    fates = defaultdict(set)
    for wish in everything(WISHES):
        fates[wish.offer].add(wish.fate)

    assert ON_FILE.keys() == fates.keys()
    assert set(Fate) == set().union(*fates.values())
    assert set(Asker) == {wish.asker for wish in everything(WISHES)}
    assert {AIRLINE} == {wish.partner for wish in everything(WISHES) if wish.asker is Asker.PARTNER}


def test_more_guests_than_there_are_places_ask_for_the_evening() -> None:
    assert [EVENING] * (PLACES + 2) == [wish.offer for wish in WISHES.queue]


@pytest.mark.parametrize("members", [0, 1, 2, 7, 60])
def test_with_few_guests_less_is_wanted(members: int) -> None:
    assert len(made_up_wishes(1, BALANCES[:members], TODAY)) <= members


def test_partners_and_offers_are_as_an_operator_may_put_them_on_file() -> None:
    whose = msgspec.convert(contracts(), dict[str, Partner])
    currencies = {code: one.contract.currency for code, one in whose.items()}
    around = checks.Surroundings(currencies, "CNY", frozenset(), frozenset(BY_CODE))
    wrong = [checks.check_offer(one, None, around) for one in ON_FILE.values()]

    assert NAMES.keys() == whose.keys()
    assert {one.partner for one in ON_FILE.values()} == {None, *NAMES}
    assert {None} == {*wrong, *(checks.check_partner(one, None) for one in whose.values())}


@pytest.mark.parametrize("today", [TODAY, date(2027, 12, 31), date(2028, 2, 28)])
def test_details_are_what_each_kind_asks_for(today: date) -> None:
    now = NOW + (today - TODAY)
    for wish in everything(made_up_wishes(3, BALANCES, today)):
        use = details.read(ON_FILE[wish.offer], wish.details, wish.quantity, today, now, CHINA)

        assert isinstance(use, details.Use), use
        assert use.begins is None or use.begins > now + timedelta(days=2)
        assert wish.offer != MILES or use.points == wish.points
