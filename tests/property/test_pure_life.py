"""The pure core against the oracle, with every invariant checked after every step."""

import pytest
from hypothesis import settings

from tests.builders import IDLE, LATER, idle_rules, later_rules, small_rules
from tests.property.invariants import check
from tests.property.machine import Life
from tests.property.shell import Shell
from tests.property.strategies import START

RULES = small_rules()


class PureLife(Life):
    """The life of members in books that are held in memory."""

    program = RULES

    def __init__(self) -> None:
        super().__init__()
        self.books: Shell = Shell(self.program, START)

    def after_each(self) -> None:
        check(self.books)
        shown = {number: self.books.outlook(number) for number in self.oracle.members}

        assert {one: self.oracle.available(one) for one in shown} == {
            one: has.available for one, has in shown.items()
        }
        assert {one: self.oracle.expiring(one) for one in shown} == {
            one: dict(has.expiring) for one, has in shown.items()
        }
        assert {one: self.oracle.opening(one) for one in shown} == {
            one: dict(has.opening) for one, has in shown.items()
        }


class LaterLife(PureLife):
    """The life of members whose points can't be spent at once."""

    program = later_rules()
    pending_days = LATER


class IdleLife(LaterLife):
    """The life of members whose points lapse when nothing is done with them."""

    program = idle_rules()
    idle_months = IDLE


TestThePureCoreAgreesWithTheOracle = PureLife.TestCase
TestThePureCoreAgreesWithTheOracle.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPointsThatOpenLater = LaterLife.TestCase
TestPointsThatOpenLater.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPointsThatLapse = IdleLife.TestCase
TestPointsThatLapse.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.nightly
class TestThePureCoreAgreesWithTheOracleForLong(PureLife.TestCase):
    settings = settings(max_examples=2000, stateful_step_count=60, deadline=None)


@pytest.mark.nightly
class TestPointsThatOpenLaterForLong(LaterLife.TestCase):
    settings = settings(max_examples=2000, stateful_step_count=60, deadline=None)


@pytest.mark.nightly
class TestPointsThatLapseForLong(IdleLife.TestCase):
    settings = settings(max_examples=2000, stateful_step_count=60, deadline=None)
