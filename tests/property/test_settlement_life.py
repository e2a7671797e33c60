"""Whatever partners give, take, refund and dispute, month after month: statements add up to it, each thing once."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty import settling
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.partners.statements import hash_of
from loyalty.program.reading import decode
from tests.builders import PROGRAM
from tests.conftest import run_sql
from tests.desk import Desk
from tests.property.live import opened

PRICE = 40
FUND = 500
LIMIT = 5000

deeds = st.lists(
    st.one_of(
        st.tuples(st.just("give"), st.integers(0, 1), st.integers(1, 200), st.integers(0, 1)),
        st.tuples(st.just("take_back"), st.integers(0, 5)),
        st.tuples(st.just("redeem"), st.integers(0, 1), st.integers(1, 4)),
        st.tuples(st.just("refund"), st.integers(0, 5), st.integers(1, 3)),
        st.tuples(st.just("stay"), st.integers(0, 1), st.integers(1, 90)),
        st.tuples(st.just("adjust"), st.integers(0, 5), st.integers(-9, 9).filter(bool)),
        st.tuples(st.just("issue")),
    ),
    max_size=16,
)
disputes = st.lists(
    st.one_of(
        st.tuples(
            st.just("adjust"), st.integers(0, 1), st.sampled_from([1, LIMIT + 1, LIMIT + 1, -LIMIT - 1])
        ),
        st.tuples(st.just("judge"), st.integers(0, 5), st.sampled_from(["approved", "approved", "rejected"])),
    ),
    min_size=8,
    max_size=20,
).map(lambda some: [("give", 0, 50, 0), ("give", 1, 60, 0), ("issue",), *some])


@pytest.fixture(scope="module")
def desk(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    run_sql(postgres.dsn, f"CREATE DATABASE settling TEMPLATE {migrated_template}")
    with opened(
        postgres.dsn_of("settling"), Rulebook(decode(PROGRAM)), tmp_path_factory.mktemp("settling")
    ) as live:
        yield Desk(live)


class Life:
    """A partner with two members, played beside what it should be owed."""

    def __init__(self, desk: Desk, *, prepaid: bool) -> None:
        desk.live.clock.set(datetime(2026, 3, 5, 12, tzinfo=UTC))
        self.desk, self.month, self.prepaid = desk, 3, prepaid
        self.name = f"p{next(desk.keys)}"
        terms: dict[str, Any] = {"account": "prepaid"} if prepaid else {}
        desk.partner(self.name, accrual_price="0.02", **terms)
        if prepaid:
            desk.pay(self.name, "PAY", FUND)
        desk.offer(f"o_{self.name}", self.name, PRICE)
        self.members = [desk.member(f"{self.name.upper()}-{place}", 100) for place in range(2)]
        self.given: dict[str, int] = {}
        self.taken: list[str] = []
        self.redeemed: list[str] = []
        self.adjusted: Counter[str] = Counter()
        self.proposed: list[Any] = []
        self.issued: list[Any] = []
        self.owed = self.events = 0
        self.left = FUND

    def play(self, deed: tuple[Any, ...]) -> None:
        getattr(self, deed[0])(*deed[1:])

    def _happened(self, points: int) -> None:
        self.owed += points
        self.events += 1

    def give(self, whom: int, points: int, late: int) -> None:
        name = f"F-{len(self.given)}"
        day = date(2026, self.month - late, 2)
        done = self.desk.accrue(self.name, self.members[whom], name, points, day)
        if self.prepaid and points > self.left:
            assert ("fund_exhausted", {"left": self.left}) == (done.code, done.numbers)
            return
        assert not isinstance(done, Problem), done
        self.given[name] = points
        self.left -= points
        self._happened(-points)

    def take_back(self, which: int) -> None:
        names = list(self.given)
        if not names:
            return
        name = names[which % len(names)]
        done = self.desk.take_back(self.name, name)
        if name in self.taken:
            assert "accrual_reversed" == done.code
            return
        self.taken.append(name)
        self.left += self.given[name]
        self._happened(self.given[name])

    def redeem(self, whom: int, quantity: int) -> None:
        done = self.desk.ask(self.members[whom], f"o_{self.name}", quantity)
        if not isinstance(done, Problem):
            self.redeemed.append(done["redemption_id"])
            self._happened(PRICE * quantity)

    def refund(self, which: int, quantity: int) -> None:
        if not self.redeemed:
            return
        done = self.desk.refund(self.redeemed[which % len(self.redeemed)], quantity)
        if not isinstance(done, Problem):
            self._happened(-PRICE * quantity)

    def stay(self, whom: int, amount: int) -> None:
        self.desk.stay(self.members[whom], f"{amount}.00")

    def adjust(self, which: int, points: int) -> None:
        if not self.issued or not self.given:
            return
        name = list(self.given)[which % len(self.given)]
        done = self.desk.adjust(self.name, self.issued[0].statement.period, points, reference=name)
        if abs(points) > LIMIT:
            assert "proposed" == done["status"]
            self.proposed.append((done, self.adjusted[name]))
            return
        assert "posted" == done["status"]
        self._adjusted(done)

    def judge(self, which: int, verdict: Any) -> None:
        if not self.proposed:
            return
        proposed, before = self.proposed[which % len(self.proposed)]
        done = self.desk.judge(proposed, verdict)
        if verdict == "approved" and before != self.adjusted[proposed["reference"]]:
            assert "already_resolved" == done.code
            return
        assert verdict == done["status"]
        self.proposed.remove((proposed, before))
        if verdict == "approved":
            self._adjusted(proposed)

    def _adjusted(self, done: Any) -> None:
        self.adjusted[done["reference"]] += 1
        self._happened(done["points"])

    def issue(self) -> None:
        """Go on to the next month, and issue the statement of this one."""
        if self.month == 12:
            return
        self.month += 1
        self.desk.live.clock.set(datetime(2026, self.month, 5, 12, tzinfo=UTC))
        self.issued.append(self.desk.issue(self.name, f"2026-{self.month - 1:02}"))


@settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=deeds | disputes, prepaid=st.booleans())
def test_statements_are_all_that_happened_once(
    desk: Desk, life: list[tuple[Any, ...]], *, prepaid: bool
) -> None:
    one = Life(desk, prepaid=prepaid)
    for deed in life:
        one.play(deed)
    for place in reversed(range(len(one.proposed))):
        one.judge(place, "approved")
    one.month = min(one.month, 11)
    one.issue()
    lines = [line for drawn in one.issued for line in drawn.lines]
    [account] = desk.live.query(
        "SELECT coalesce(sum(amount), 0)::bigint AS points FROM account_balance"
        " WHERE account IN ('partner:' || $1, 'accrued:' || $1) AND unit = 'points'",
        one.name,
    )

    assert one.owed == sum(line.points for line in lines) == account["points"]
    assert one.events == len(lines) == len({line.journal_id for line in lines})
    assert [*range(1, len(one.issued) + 1)] == [drawn.statement.number for drawn in one.issued]
    assert all(
        drawn.statement.hash == hash_of(drawn.statement.code, "CNY", drawn.lines) for drawn in one.issued
    )
    assert one.left == desk.does(settling.fund(desk.live.service, one.name)).left or not prepaid
    assert {} == desk.live.verify()
