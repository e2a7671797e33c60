"""What the demo's guests have to do with each other: the same every time, and each thing apart from the others."""

import tomllib
from collections import Counter
from datetime import date

import pytest

from loyalty.demo.bonds import CHOICES, Bonds, choice_of, made_up_bonds, meets
from loyalty.demo.guests import Guest
from loyalty.demo.history import History, made_up_history
from loyalty.demo.own_service import ADDITIONS, write_program
from loyalty.demo.pms import Kind
from loyalty.program.model import HOUSE, Choice
from loyalty.program.reading import decode

UNTIL = date(2026, 10, 31)


PROGRAM = decode(f"{HOUSE.read_text('utf-8')}\n{ADDITIONS.read_text('utf-8')}")


@pytest.fixture(scope="module")
def history() -> History:
    return made_up_history(7, 600, UNTIL)


@pytest.fixture(scope="module")
def bonds(history: History) -> Bonds:
    return made_up_bonds(7, history)


def taking_part(bonds: Bonds) -> list[Guest]:
    pairs = [
        *bonds.families,
        *bonds.merges,
        *bonds.mistakes,
        *((one, other) for one, other, _ in bonds.gifts),
    ]
    alone = [*(guest for guest, _ in bonds.buyers), *(one.guest for one in bonds.complaints)]
    return [*(guest for pair in pairs for guest in pair), *alone]


def test_the_same_seed_and_history_give_the_same_bonds_and_another_seed_others(
    history: History, bonds: Bonds
) -> None:
    assert bonds == made_up_bonds(7, history)
    assert bonds != made_up_bonds(8, history)


def test_nobody_takes_part_in_two_things(bonds: Bonds) -> None:
    times = Counter(guest.number for guest in taking_part(bonds))

    assert set(times.values()) == {1}


@pytest.mark.parametrize("members", [2, 3, 7, 60])
def test_with_few_guests_less_happens(members: int) -> None:
    few = made_up_history(1, members, UNTIL)
    part = taking_part(made_up_bonds(1, few))

    assert 0 < len(part) <= members


def test_however_many_guests_there_are_one_key_can_make_good_what_they_complain_of() -> None:
    bonds = made_up_bonds(1, made_up_history(1, 3000, date(2024, 2, 1)))
    rules = PROGRAM.compensation
    points = [one.points for one in bonds.complaints]
    above = [one.agreed for one in bonds.complaints if one.points > (rules.approval_above or 0)]

    assert sum(points) <= (rules.agent_a_day or 0)
    assert [True, False] == above
    assert {one.reason for one in bonds.complaints} <= rules.reasons.keys()


def test_newcomers_are_brought_by_older_members_and_none_of_their_stays_is_taken_back(
    history: History, bonds: Bonds
) -> None:
    joined = {guest.number: guest.joined for guest in history.guests}
    taken_back = {
        (posting.body["property"], posting.body["stay_ref"])
        for posting in history.postings
        if posting.kind in {Kind.UNDONE, Kind.MOVED, Kind.CORRECTION}
    }
    stays = [
        (posting.body["property"], posting.body["stay_ref"])
        for posting in history.postings
        if posting.body.get("member") in bonds.friends
    ]

    assert 5 < len(bonds.friends) < 30
    assert all(joined[old] < history.since <= joined[new] for new, old in bonds.friends.items())
    assert stays
    assert taken_back.isdisjoint(stays)


def test_choices_are_among_what_the_program_offers_and_some_are_left_open() -> None:
    made = Counter(choice_of(1, f"HX{number:06}", "forty_nights", 0) for number in range(200))
    [offered] = [one.choice for one in PROGRAM.milestone if isinstance(one.choice, Choice)]

    assert set(CHOICES) == {one.code for one in offered.among}
    assert {*CHOICES, None} == set(made)
    assert 50 < made[None] < 110


def test_some_take_the_meeting_room() -> None:
    assert 40 < sum(meets(1, f"HX{number:06}") for number in range(200)) < 90


def test_the_program_is_the_house_with_additions(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write_program(tmp_path_factory.mktemp("demo") / "new")
    written = tomllib.loads(path.read_text("utf-8"))

    assert ("house", 1) == (written["id"], written["version"])
    assert ["friend"] == [promotion["code"] for promotion in written["promotion"]]
    assert ["tenth_stay", "forty_nights"] == [milestone["code"] for milestone in written["milestone"]]
