"""The made-up history: the same every time, plausible, and valid except where it means to be bad."""

import hashlib
import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import pytest

from loyalty.demo.calendar import Season, end_of_last_month, season_of, two_years_up_to
from loyalty.demo.flaws import FLAWS
from loyalty.demo.group import BY_CODE, PROPERTIES
from loyalty.demo.guests import HABITS, MOST_MEMBERS, member_number
from loyalty.demo.history import History, made_up_history
from loyalty.demo.pms import Kind, Posting
from loyalty.money import digits, to_minor
from loyalty.stays.model import StayPosting

UNTIL = date(2026, 10, 31)
SINCE = date(2024, 11, 1)

SNAPSHOTS = {Kind.STAY, Kind.CORRECTION, Kind.OUTDATED, Kind.MOVED, Kind.DUPLICATE}
WITHOUT_STAY = {Kind.CANCELLED, Kind.NO_SHOW, Kind.UNDONE}

REFUSED_BY_THEIR_FORM = {
    "emoji_in_reference",
    "missing_field",
    "negative_amount",
    "thirty_decimals",
    "unknown_field",
    "unknown_status",
    "wrong_type",
}


@pytest.fixture(scope="module")
def history() -> History:
    return made_up_history(7, 600, UNTIL)


@pytest.fixture(scope="module")
def good(history: History) -> list[Posting]:
    return [posting for posting in history.postings if posting.kind is not Kind.BAD]


def digest(history: History) -> str:
    return hashlib.sha256(msgspec.json.encode([history.guests, history.postings])).hexdigest()


def by_stay(postings: list[Posting]) -> dict[tuple[object, ...], list[Posting]]:
    stays: dict[tuple[object, ...], list[Posting]] = defaultdict(list)
    for posting in postings:
        body = posting.body
        stays[body["source"], body["property"], body["stay_ref"]].append(posting)
    return stays


def day(body: dict[str, object], field: str) -> date:
    return date.fromisoformat(str(body[field]))


def test_the_same_seed_date_and_members_give_the_same_bytes(history: History) -> None:
    again = made_up_history(7, 600, UNTIL)

    assert digest(history) == digest(again)


def test_the_bytes_of_a_small_history_are_known() -> None:
    expected = "186a0d1134bec59ea7b004c91a6cc5ad3cb03998ae2c77d480e8febea33d535f"

    assert expected == digest(made_up_history(1, 40, UNTIL))


@pytest.mark.parametrize(
    ("seed", "members", "until"), [(8, 600, UNTIL), (7, 599, UNTIL), (7, 600, date(2026, 9, 30))]
)
def test_another_seed_count_or_date_gives_another_history(
    history: History, seed: int, members: int, until: date
) -> None:
    assert digest(history) != digest(made_up_history(seed, members, until))


def test_the_first_guests_do_not_depend_on_how_many_follow(history: History) -> None:
    fewer = made_up_history(7, 100, UNTIL)

    assert history.guests[:100] == fewer.guests


def test_two_years_end_with_the_given_day(history: History) -> None:
    departures = [day(posting.body, "departure") for posting in history.postings if posting.kind is Kind.STAY]

    assert (history.since, history.until) == (SINCE, UNTIL)
    assert min(departures) > SINCE
    assert max(departures) == UNTIL


def test_postings_come_in_the_order_of_the_days_they_are_sent(history: History) -> None:
    days = [posting.sent_on for posting in history.postings]

    assert sorted(days) == days
    assert days[-1] <= UNTIL


def test_nobody_can_post_a_stay_before_it_is_over(good: list[Posting]) -> None:
    early = [posting for posting in good if posting.sent_on < day(posting.body, "departure")]

    assert early == []


def test_every_property_and_every_habit_occurs(history: History, good: list[Posting]) -> None:
    assert {hotel.code for hotel in PROPERTIES} == {posting.body["property"] for posting in good}
    assert {habit.code for habit in HABITS} == {guest.habit.code for guest in history.guests}


def test_shares_of_kinds_are_plausible(history: History) -> None:
    kinds = Counter(posting.kind for posting in history.postings)
    per_mille = {kind: kinds[kind] * 1000 // len(history.postings) for kind in Kind}

    assert 840 <= per_mille[Kind.STAY] <= 920
    assert 25 <= per_mille[Kind.CANCELLED] <= 75
    assert 5 <= per_mille[Kind.NO_SHOW] <= 25
    assert 15 <= per_mille[Kind.DUPLICATE] <= 35
    assert 20 <= per_mille[Kind.CORRECTION] <= 45
    assert all(kinds[kind] > 0 for kind in Kind)
    assert per_mille[Kind.BAD] < 10


def test_three_thousand_members_make_thirty_to_forty_thousand_postings() -> None:
    postings = made_up_history(1, 3000, UNTIL).postings

    assert 30_000 <= len(postings) <= 40_000


def test_agencies_bring_a_fifth_to_a_third_of_the_stays(good: list[Posting]) -> None:
    through_agencies = sum(posting.body["channel"] == "ota" for posting in good)

    assert 20 <= through_agencies * 100 // len(good) <= 33


def test_families_come_in_the_holidays_and_offices_do_not(history: History) -> None:
    habits = {guest.number: guest.habit.code for guest in history.guests}
    arrivals: dict[str, Counter[bool]] = defaultdict(Counter)
    for posting in history.postings:
        if posting.kind is Kind.STAY:
            arrivals[habits[str(posting.body["member"])]][
                season_of(day(posting.body, "arrival")).is_holiday
            ] += 1

    assert arrivals["family"][True] > arrivals["family"][False] // 2
    assert arrivals["weekly"][True] < arrivals["weekly"][False] // 25


def test_weekly_guests_do_not_arrive_on_saturdays(history: History) -> None:
    weekly = {guest.number for guest in history.guests if guest.habit.code == "weekly"}
    weekdays = {day(posting.body, "arrival").weekday() for posting in history.postings
                if posting.kind is Kind.STAY and posting.body["member"] in weekly}  # fmt: skip

    assert {0, 1, 2, 3, 4, 6} == weekdays


def test_every_good_posting_has_the_form_of_a_stay(good: list[Posting]) -> None:
    for posting in good:
        msgspec.json.decode(msgspec.json.encode(posting.body), type=StayPosting)


def test_every_good_posting_is_in_order(history: History, good: list[Posting]) -> None:
    joined = {guest.number: guest.joined for guest in history.guests}
    for posting in good:
        body = posting.body
        hotel = BY_CODE[str(body["property"])]

        assert hotel.currency == body["currency"]
        assert joined[str(body["member"])] <= day(body, "arrival") < day(body, "departure")
        assert (day(body, "departure") - day(body, "arrival")).days <= 31


def test_amounts_have_the_decimals_of_their_currency_and_days_within_the_stay(good: list[Posting]) -> None:
    for posting in good:
        body = posting.body
        for line in msgspec.convert(body["lines"], list[dict[str, str]]):
            assert to_minor(line["amount"], digits(str(body["currency"])))
            assert str(body["arrival"]) <= line.get("date", str(body["arrival"])) < str(body["departure"])


def test_stays_that_did_not_happen_have_no_folio(good: list[Posting]) -> None:
    for posting in good:
        assert (posting.kind in WITHOUT_STAY) == (posting.body["status"] != "checked_out")
        if posting.kind in WITHOUT_STAY:
            assert posting.body["lines"] == []


def test_nobody_is_in_two_places_at_once(history: History) -> None:
    stays: dict[object, list[tuple[date, date]]] = defaultdict(list)
    for posting in history.postings:
        if posting.kind is Kind.STAY:
            stays[posting.body["member"]].append(
                (day(posting.body, "arrival"), day(posting.body, "departure"))
            )
    for nights in stays.values():
        for (_, departure), (arrival, _) in pairwise(sorted(nights)):
            assert departure <= arrival


def test_a_stay_is_first_posted_once_and_its_newer_revisions_count_up(good: list[Posting]) -> None:
    first = {Kind.STAY, Kind.CANCELLED, Kind.NO_SHOW}
    for postings in by_stay(good).values():
        newer = [posting for posting in postings if posting.kind not in {Kind.DUPLICATE, Kind.OUTDATED}]
        revisions = [int(str(posting.body["revision"])) for posting in newer if "revision" in posting.body]

        assert [posting.kind in first for posting in postings] == [True] + [False] * (len(postings) - 1)
        assert sorted(set(revisions)) == revisions


def test_a_duplicate_is_the_same_body_again(good: list[Posting]) -> None:
    duplicated = [postings for postings in by_stay(good).values() if postings[-1].kind is Kind.DUPLICATE]

    assert duplicated
    assert all(first.body == again.body for first, again in duplicated)


def test_a_correction_says_something_else(good: list[Posting]) -> None:
    corrected = [postings for postings in by_stay(good).values() if postings[-1].kind is Kind.CORRECTION]

    assert corrected
    for first, later in corrected:
        changed = {field for field in first.body if first.body[field] != later.body[field]} - {"revision"}

        assert changed
        assert changed <= {"lines", "departure"}


def test_an_outdated_revision_comes_after_the_newer_one(good: list[Posting]) -> None:
    overtaken = [postings for postings in by_stay(good).values() if postings[-1].kind is Kind.OUTDATED]

    assert overtaken
    assert {(2, 1)} == {(newer.body["revision"], older.body["revision"]) for newer, older in overtaken}


def test_a_stay_moves_within_its_household(history: History) -> None:
    households = {guest.number: guest.household for guest in history.guests}
    moved = [postings for postings in by_stay(history.postings).values() if postings[-1].kind is Kind.MOVED]

    assert moved
    for first, later in moved:
        assert first.body["member"] != later.body["member"]
        assert {first.household} == {households[str(each.body["member"])] for each in (first, later)}


def test_the_postings_of_a_stay_share_a_household(history: History) -> None:
    for postings in by_stay(history.postings).values():
        assert len({posting.household for posting in postings}) == 1


def test_a_bad_posting_is_mended_the_next_day(history: History) -> None:
    stays = by_stay(history.postings)
    mended = [postings for postings in stays.values() if postings[0].kind is Kind.BAD and len(postings) > 1]

    assert mended
    assert {(Kind.BAD, Kind.STAY)} == {(bad.kind, right.kind) for bad, right in mended}
    assert all(right.sent_on - bad.sent_on == timedelta(days=1) for bad, right in mended)


@pytest.mark.parametrize("flaw", sorted(FLAWS))
def test_a_flaw_makes_a_bad_posting_of_a_good_one(good: list[Posting], flaw: str) -> None:
    body = next(posting.body for posting in good if posting.kind is Kind.STAY)
    before = msgspec.json.encode(body)
    bad = msgspec.json.encode(FLAWS[flaw](body))

    assert before == msgspec.json.encode(body)
    assert before != bad
    if flaw in REFUSED_BY_THEIR_FORM:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(bad, type=StayPosting)


def test_the_unknown_member_of_the_flaw_is_beyond_every_number() -> None:
    number = str(FLAWS["unknown_member"]({})["member"])

    assert member_number(MOST_MEMBERS - 1) < number


def test_member_numbers_are_a_prefix_and_digits() -> None:
    assert re.fullmatch(r"HX\d{6}", member_number(0))
    assert member_number(2999) == "HX003000"


def test_spring_festival_follows_the_lunar_calendar() -> None:
    assert Season.SPRING_FESTIVAL is season_of(date(2025, 1, 28))
    assert Season.SPRING_FESTIVAL is season_of(date(2026, 2, 17))
    assert Season.ORDINARY is season_of(date(2026, 1, 29))
    assert Season.SPRING_FESTIVAL is season_of(date(2050, 2, 6))


def test_the_default_period_ends_with_the_last_full_month() -> None:
    assert date(2026, 10, 31) == end_of_last_month(date(2026, 11, 22))
    assert date(2025, 12, 31) == end_of_last_month(date(2026, 1, 1))
    assert date(2026, 3, 1) == two_years_up_to(date(2028, 2, 28))
    assert date(2026, 3, 1) == two_years_up_to(date(2028, 2, 29))
