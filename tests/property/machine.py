"""The life of a small hotel's members, played at the same time in the books and in the oracle."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule

from tests.property.oracle import Oracle, Stay
from tests.property.strategies import (
    MEMBERS,
    START,
    changes,
    ended,
    members,
    plain_shapes,
    shaped,
    shapes,
    styles,
)

points = st.one_of(st.integers(-400, 400), st.sampled_from([-5000, 5000, 0, 5001, -5001]))


class Books(Protocol):
    """What the machine plays on: the pure core, or the service on a database."""

    def travel(self, days: int) -> None: ...
    def enrol(self, number: str, key: str) -> dict[str, Any]: ...
    def adjust(self, number: str, points: int, key: str) -> dict[str, Any]: ...
    def expire(self, number: str) -> None: ...
    def post(self, stay: Stay, style: int = 0) -> dict[str, Any]: ...
    def post_many(self, stays: list[Stay]) -> list[dict[str, Any]]: ...


class Life(RuleBasedStateMachine):
    """Requests in any order; each answer must be what the oracle predicts."""

    told = Bundle("told")
    asked = Bundle("asked")

    books: Books

    pending_days = 0
    idle_months = 0

    def __init__(self) -> None:
        super().__init__()
        self.oracle = Oracle(START, pending_days=self.pending_days, idle_months=self.idle_months)
        self.keys = 0

    def after_each(self) -> None:
        """Look at the books after each step."""

    def _compare(self, expected: dict[str, Any], actual: dict[str, Any]) -> None:
        assert expected == actual
        self.after_each()

    def _fresh(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    def _post(self, stay: Stay, style: int = 0) -> None:
        self._compare(self.oracle.post(stay), self.books.post(stay, style))

    @initialize()
    def enrol_two(self) -> None:
        for number in MEMBERS[:2]:
            self.enrol(number)

    @rule(number=members)
    def enrol(self, number: str) -> None:
        key = self._fresh()
        self._compare(self.oracle.enrol(number, key), self.books.enrol(number, key))

    @rule(target=told, shape=shapes)
    def post(self, shape: dict[str, Any]) -> Stay:
        stay = shaped(shape, self.oracle.today)
        self._post(stay)
        return stay

    @rule(target=told, shape=plain_shapes)
    def post_without_a_revision(self, shape: dict[str, Any]) -> Stay:
        return self.post(shape)

    @rule(stay=told, style=styles)
    def send_again(self, stay: Stay, style: int) -> None:
        self._post(stay, style)

    @rule(target=told, stay=told, change=changes, step=st.sampled_from([None, 1, 1, 3, 3, -1, -2, 0]))
    def revise(self, stay: Stay, change: dict[str, Any], step: int | None) -> Stay:
        head = self.oracle.stays[stay.ref].head if stay.ref in self.oracle.stays else 0
        revision = None if step is None else max(0, head + step)
        revised = ended(replace(stay, **change, revision=revision), self.oracle.today)
        self._post(revised)
        return revised

    @rule(target=told, shapes=st.lists(plain_shapes | shapes, min_size=1, max_size=6))
    def post_many(self, shapes: list[dict[str, Any]]) -> Any:
        """Post a batch: it must be as if its stays were posted one by one, in this order."""
        batch = [shaped(shape, self.oracle.today) for shape in shapes]
        expected = [self.oracle.post(stay) for stay in batch]
        assert expected == self.books.post_many(batch)
        self.after_each()
        return multiple(*batch)

    @rule(target=asked, number=members, amount=points)
    def adjust(self, number: str, amount: int) -> tuple[str, int, str]:
        key = self._fresh()
        self._compare(self.oracle.adjust(number, amount, key), self.books.adjust(number, amount, key))
        return number, amount, key

    @rule(number=members, part=st.sampled_from([1, 1, 2, 3]))
    def spend(self, number: str, part: int) -> None:
        """Spend all a member has, or part of it: what is reversed afterwards is then owed."""
        available = self.oracle.available(number) if number in self.oracle.members else 0
        if available > 0:
            self.adjust(number, -min(available // part or 1, 5000))

    @rule(stay=told)
    def cancel(self, stay: Stay) -> None:
        self._post(replace(stay, status="cancelled", revision=None))

    @rule(ask=asked)
    def ask_again(self, ask: tuple[str, int, str]) -> None:
        self._compare(self.oracle.adjust(*ask), self.books.adjust(*ask))

    @rule(ask=consumes(asked), number=members, amount=points)
    def use_a_key_for_something_else(self, ask: tuple[str, int, str], number: str, amount: int) -> None:
        self._compare(self.oracle.adjust(number, amount, ask[2]), self.books.adjust(number, amount, ask[2]))

    @rule(ask=asked, number=members)
    def use_a_key_to_enrol(self, ask: tuple[str, int, str], number: str) -> None:
        self._compare(self.oracle.enrol(number, ask[2]), self.books.enrol(number, ask[2]))

    @rule(days=st.sampled_from([1, 1, 7, 31, 45, 100]))
    def travel(self, days: int) -> None:
        self.oracle.today += timedelta(days=days)
        self.books.travel(days)

    @rule(number=members)
    def expire(self, number: str) -> None:
        if number in self.oracle.members:
            self.oracle.expire(number)
            self.books.expire(number)
            self.after_each()
