"""The guests of the demo: who they are, how they travel, and when they joined."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Final

from msgspec import Struct

from loyalty.demo.chance import chance
from loyalty.demo.group import PROPERTIES, Setting
from loyalty.demo.names import made_up_name

MOST_MEMBERS: Final = 100_000


class Habit(Struct, frozen=True):
    """How one kind of guest travels; all weights are relative to their neighbours.

    `per_mille` is its share of the members, `visits` how many stays it plans in a year, `nights` the weights
    of 1, 2, 3… nights, `weekdays` those of arriving on Monday to Sunday, `home` the percentage of its stays
    at one favourite property.
    """

    code: str
    per_mille: int
    visits: tuple[int, int]
    nights: tuple[int, ...]
    weekdays: tuple[int, int, int, int, int, int, int]
    in_holidays: int
    settings: Mapping[Setting, int]
    channels: Mapping[str, int]
    home: int


HABITS: Final[tuple[Habit, ...]] = (
    Habit(
        code="weekly",
        per_mille=60,
        visits=(26, 44),
        nights=(30, 40, 20, 10),
        weekdays=(40, 30, 15, 8, 2, 0, 5),
        in_holidays=5,
        settings={"business": 80, "city": 19, "resort": 1},
        channels={"corporate": 62, "app": 20, "direct": 8, "gds": 8, "phone": 2},
        home=70,
    ),
    Habit(
        code="business",
        per_mille=220,
        visits=(6, 16),
        nights=(45, 35, 15, 5),
        weekdays=(25, 25, 20, 15, 5, 3, 7),
        in_holidays=10,
        settings={"business": 65, "city": 32, "resort": 3},
        channels={"corporate": 38, "app": 22, "direct": 12, "gds": 10, "ota": 14, "walk_in": 4},
        home=35,
    ),
    Habit(
        code="family",
        per_mille=300,
        visits=(2, 5),
        nights=(5, 25, 30, 20, 12, 6, 2),
        weekdays=(8, 6, 6, 10, 25, 30, 15),
        in_holidays=600,
        settings={"business": 3, "city": 37, "resort": 60},
        channels={"app": 30, "web": 25, "direct": 15, "ota": 25, "phone": 5},
        home=25,
    ),
    Habit(
        code="tourist",
        per_mille=200,
        visits=(0, 1),
        nights=(15, 30, 25, 15, 10, 5),
        weekdays=(12, 12, 12, 14, 20, 18, 12),
        in_holidays=220,
        settings={"business": 5, "city": 60, "resort": 35},
        channels={"ota": 55, "wholesale": 8, "web": 22, "group": 8, "direct": 7},
        home=0,
    ),
    Habit(
        code="long_stay",
        per_mille=20,
        visits=(5, 9),
        nights=(0,) * 9 + (4, 3, 3, 3, 6, 3, 2, 2, 2, 2, 2, 6, 2, 2, 1, 1, 1, 1, 1, 1, 8),
        weekdays=(50, 20, 5, 5, 5, 5, 10),
        in_holidays=40,
        settings={"business": 60, "city": 30, "resort": 10},
        channels={"corporate": 70, "direct": 25, "phone": 5},
        home=85,
    ),
    Habit(
        code="agency",
        per_mille=200,
        visits=(3, 8),
        nights=(35, 35, 18, 8, 4),
        weekdays=(12, 10, 10, 12, 22, 22, 12),
        in_holidays=180,
        settings={"business": 30, "city": 45, "resort": 25},
        channels={"ota": 84, "wholesale": 4, "app": 7, "web": 5},
        home=10,
    ),
)
"""`in_holidays` is the weight of a holiday in percent of an ordinary day."""


class Guest(Struct, frozen=True):
    """A member of the demo. Guests of one household may be mixed up by a front desk."""

    index: int
    number: str
    household: int
    name: str
    email: str
    phone: str
    birthday: str
    language: str
    habit: Habit
    home: str
    joined: date

    def enrolment(self) -> dict[str, object]:
        """The body of `POST /v1/members`."""
        profile = {
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "birthday": self.birthday,
            "language": self.language,
        }
        return {"number": self.number, "enrolled_on": self.joined.isoformat(), "profile": profile}


def made_up_guests(seed: int, count: int, since: date, until: date) -> list[Guest]:
    """`count` guests; the first ones are the same whatever the count."""
    return [_guest(seed, index, since, until) for index in range(count)]


def _guest(seed: int, index: int, since: date, until: date) -> Guest:
    rng = Random(f"{seed}/guest/{index}")
    name = made_up_name(rng)
    habit = _habit(rng)
    first, last = name.latin
    return Guest(
        index=index,
        number=member_number(index),
        household=index // 2,
        name=name.written,
        email=f"{first}.{last}.{index + 1}@example.com",
        phone=f"+1202555{100 + index % 100:04d}",
        birthday=(date(2000, 1, 1) + timedelta(days=rng.randrange(366))).strftime("%m-%d"),
        language=name.language,
        habit=habit,
        home=_home(rng, habit),
        joined=_joined(rng, since, until),
    )


def member_number(index: int) -> str:
    """The number printed on the card of the guest with this index."""
    return f"HX{index + 1:06d}"


def _habit(rng: Random) -> Habit:
    return rng.choices(HABITS, [habit.per_mille for habit in HABITS])[0]


def _home(rng: Random, habit: Habit) -> str:
    weights = [hotel.weight(habit.settings) for hotel in PROPERTIES]
    return rng.choices(PROPERTIES, weights)[0].code


def _joined(rng: Random, since: date, until: date) -> date:
    """Six in ten were members before the two years began, the others join on the way."""
    if chance(rng, 6, 10):
        return since - timedelta(days=1 + rng.randrange(900))
    return since + timedelta(days=rng.randrange((until - since).days * 9 // 10))
