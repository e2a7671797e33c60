"""The pure core against the oracle, with every invariant checked after every step."""

import pytest
from hypothesis import settings

from tests.builders import small_rules
from tests.property.invariants import check
from tests.property.machine import Life
from tests.property.shell import Shell
from tests.property.strategies import START

RULES = small_rules()


class PureLife(Life):
    """The life of members in books that are held in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.books: Shell = Shell(RULES, START)

    def after_each(self) -> None:
        check(self.books)
        expected = {
            (number, day): points
            for number in self.oracle.members
            for day, points in self.oracle.expiring(number).items()
        }
        left = {
            place: points for place, points in self.books.open_points().items() if place[1] > self.books.today
        }

        assert expected == left


TestThePureCoreAgreesWithTheOracle = PureLife.TestCase
TestThePureCoreAgreesWithTheOracle.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.nightly
class TestThePureCoreAgreesWithTheOracleForLong(PureLife.TestCase):
    settings = settings(max_examples=2000, stateful_step_count=60, deadline=None)
