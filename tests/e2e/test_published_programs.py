"""The published programs, case by case over the API, against what was worked out by hand.

A file of `tests/programs` holds cases; a case is a play of steps under a program, each with a day, what is sent, and
what must come of it. What a case leaves out isn't looked at. Stays are told in short: `nights` up to `departure`
(today, if left out) at a hotel of a `brand`; `history` are stays that only lead up to the case.
"""

import asyncio
import itertools
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import httpx
import pytest
from litestar import Litestar

from loyalty.app import ROUTES
from loyalty.clock import ManualClock
from loyalty.db import connect
from loyalty.embedded import EmbeddedPostgres
from loyalty.http.auth import KeyRing, Role, permission_gate, postgres_keys
from loyalty.http.edge import Edge
from loyalty.http.keys_command import create_key
from loyalty.http.problems import EXCEPTION_HANDLERS, StrictRequest
from loyalty.opening import open_service
from loyalty.program.reading import read
from loyalty.settings import Settings
from tests.conftest import run_sql

ROOT: Final = Path(__file__).parents[2]
CASES: Final = ROOT / "tests/programs"
PUBLISHED: Final = ROOT / "loyalty/program/published"
AT_LEAST: Final = 10
"""Cases of each published program."""
_NOON: Final = time(12, tzinfo=UTC)
_ENROLLED: Final = date(2010, 1, 1)
_SAID: Final = ("Sources:", "Assumed:", "Left out", "not the operator's own")
"""What the head of a published program tells its reader."""
_OTHER_KEYS: Final = {"today", "history", "gives", "balance", "statement", "rewards", "refused"}
"""What a step may say besides the verbs."""
_EXPECTED: Final = {"gives", "balance", "statement", "rewards", "refused"}
"""What a step may expect."""

Table = Mapping[str, Any]


def definition_of(program: str) -> Path:
    """Return the file of a program: a published one by its name, or one of the tests' own by its place."""
    return CASES / f"{program}.toml" if "/" in program else PUBLISHED / f"{program}.toml"


def _cases() -> list[Any]:
    return [
        pytest.param({"program": told.get("program")} | case, id=f"{path.stem}: {case['name']}")
        for path in sorted(CASES.glob("*.toml"))
        for told in [tomllib.loads(path.read_text(encoding="utf-8"))]
        for case in told["case"]
    ]


# --- the service ------------------------------------------------------------------------------------------------------


class House:
    """A service under one program, on a database of its own, with a clock that is set."""

    def __init__(self, postgres: EmbeddedPostgres, template: str, data_dir: Path, program: str) -> None:
        self.program = program
        self.currency = read(definition_of(program)).currency
        self.clock = ManualClock()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._hotels: set[str] = set()
        self.numbers = itertools.count(1)
        name = f"program_{data_dir.name}"
        run_sql(postgres.dsn, f'CREATE DATABASE "{name}" TEMPLATE {template}')
        settings = Settings(data_dir=data_dir, program=definition_of(program), deadline_ms=60_000)
        self._client = self._runner.run(self._open(postgres.dsn_of(name), settings))

    async def _open(self, dsn: str, settings: Settings) -> httpx.AsyncClient:
        service = await self._stack.enter_async_context(open_service(settings, dsn, clock=self.clock))
        connection = await connect(dsn)
        key, _ = await create_key(connection, Role.OPERATOR, "cases")
        await connection.close()
        routes = Litestar(
            ROUTES,
            middleware=[permission_gate],
            exception_handlers=EXCEPTION_HANDLERS,
            request_class=StrictRequest,
            logging_config=None,
        )
        routes.state.service = service
        app = Edge(routes, KeyRing(postgres_keys(lambda: service.pool)))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", app)),
            base_url="http://case",
            headers={"authorization": f"Bearer {key.key}", "content-type": "application/json"},
        )
        return await self._stack.enter_async_context(client)

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Send a request, a second after the last one."""
        self.clock.advance(timedelta(seconds=1))
        content = None if body is None else json.dumps(body, default=str)
        headers = {"idempotency-key": f"case-{next(self.numbers)}"} if method == "POST" else {}
        return self._runner.run(self._client.request(method, path, content=content, headers=headers))

    def hotel(self, brand: str, currency: str, code: str | None = None) -> str:
        """Return the code of a hotel of a brand, which is added when it isn't there yet."""
        code = code or f"{brand or 'house'}-{currency}"
        if code not in self._hotels:
            name = {"en": code, "zh": "酒店"}
            body = {"code": code, "name": name, "time_zone": "UTC", "currency": currency, "brand": brand}
            answer = self.send("PUT", f"/v1/properties/{code}", body)
            assert answer.is_success, answer.text
            self._hotels.add(code)
        return code


@pytest.fixture(scope="module")
def house_of(
    postgres: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], House]]:
    """Return the house of a program; one is open at a time."""
    with closing(_Houses(postgres, migrated_template, tmp_path_factory)) as houses:
        yield houses.get


class _Houses:
    def __init__(self, postgres: EmbeddedPostgres, template: str, paths: pytest.TempPathFactory) -> None:
        self._open: House | None = None
        self._postgres, self._template, self._paths = postgres, template, paths

    def get(self, program: str) -> House:
        if self._open is None or self._open.program != program:
            self.close()
            self._open = House(self._postgres, self._template, self._paths.mktemp("house"), program)
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None


# --- a case as it is played -------------------------------------------------------------------------------------------


class Play:
    """One case: its members, and the day it is."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.today = date.min
        self.members: dict[str, str] = {}
        self._refs = (f"R-{next(house.numbers)}" for _ in itertools.count())
        self._named: dict[str, str] = {}

    def step(self, step: Table) -> None:
        """Play one step: what is sent first, then what must have come of it."""
        unknown = step.keys() - _OTHER_KEYS - self._verbs().keys()
        assert not unknown, f"a step can't say {unknown}"
        if "today" in step:
            self.today = step["today"]
            self.house.clock.set(datetime.combine(self.today, _NOON))
        answer: httpx.Response | None = None
        for verb, send in self._verbs().items():
            if verb == "stay":
                for one in step.get("history", ()):
                    self.lead_up(one)
            if verb in step:
                answer = send(step[verb])
                code = answer.json().get("code") if answer.is_error else None
                assert step.get("refused") == code, answer.text
        if "gives" in step:
            assert answer is not None
            _compare(step["gives"], _STAY_SEEN, answer.json())
        if "balance" in step:
            told = dict(step["balance"])
            _compare(told, _BALANCE_SEEN, self._read(told.pop("member", "member"), "balance"))
        if "rewards" in step:
            given = {one["code"]: one.get("valid_to") for one in self._read("member", "rewards")["rewards"]}
            assert {code: str(day) for code, day in step["rewards"].items()} == {
                code: given.get(code) for code in step["rewards"]
            }
        if "statement" in step:
            lines = self._read("member", "statement")["lines"]
            shown = [f"{line['kind']} {line['points']}" for line in lines]
            assert step["statement"] == shown[: len(step["statement"])]

    def _verbs(self) -> dict[str, Callable[[Any], httpx.Response]]:
        return {
            "enrol": self.enrol,
            "register": self.register,
            "status": lambda told: self._post(f"/v1/members/{self.members['member']}/statuses", told),
            "stay": self.stay,
            "adjust": lambda told: self._post("/v1/adjustments", dict(told) | {"member": self._who(told)}),
            "choose": self.choose,
            "transfer": self.transfer,
            "purchase": lambda told: self._post("/v1/purchases", dict(told) | {"member": self._who(told)}),
        }

    def enrol(self, told: Table) -> httpx.Response:
        body: dict[str, Any] = {"enrolled_on": _ENROLLED, **told}
        name = body.pop("as", "member")
        answer = self._post("/v1/members", body)
        self.members[name] = answer.json()["number"]
        return answer

    def register(self, promotion: str) -> httpx.Response:
        return self._post(f"/v1/members/{self.members['member']}/promotions/{promotion}")

    def choose(self, told: Table) -> httpx.Response:
        """Choose one thing each of open rewards, by their milestones."""
        path = f"/v1/members/{self.members['member']}/rewards"
        [(milestone, code)] = told.items()
        rewards = self._read("member", "rewards")["rewards"]
        open_ = next(one for one in rewards if (one["milestone"], one["status"]) == (milestone, "open"))
        return self._post(f"{path}/{open_['reward_id']}/choose", {"codes": [code]})

    def transfer(self, told: Table) -> httpx.Response:
        ends = {end: self.members[told.get(end, "member")] for end in ("from", "to")}
        return self._post("/v1/transfers", dict(told) | ends)

    def lead_up(self, told: Table) -> None:
        """Post stays that lead up to a case: one, or `times` of them, `every` so many days, the last one on its day."""
        body = dict(told)
        times, every = body.pop("times", 1), body.pop("every", 0)
        for place in reversed(range(times)):
            day = told["departure"] - timedelta(days=place * every)
            answer = self.stay(body | {"departure": day})
            assert answer.is_success, answer.text

    def stay(self, told: Table) -> httpx.Response:
        body = dict(told)
        brand, nights = body.pop("brand", ""), body.pop("nights")
        departure = body.get("departure", self.today)
        currency = body.get("currency", self.house.currency)
        ref, lines, hotel = body.pop("ref", None), body.pop("lines", {}), body.pop("hotel", None)
        posting: dict[str, object] = {
            "source": "pms", "property": self.house.hotel(brand, currency, hotel), "stay_ref": self._ref(ref),
            "status": "checked_out", "channel": "direct", "currency": currency, "departure": departure,
            "arrival": departure - timedelta(days=nights),
            "lines": [{"category": category, "amount": amount} for category, amount in lines.items()],
        }  # fmt: skip
        return self._post("/v1/stays", posting | body | {"member": self._who(told)})

    def _ref(self, name: str | None) -> str:
        """Return a reference that no other stay has; one that is named stays the same within a case."""
        if name is None:
            return next(self._refs)
        if name not in self._named:
            self._named[name] = next(self._refs)
        return self._named[name]

    def _who(self, told: Table) -> str:
        return self.members[told.get("member", "member")]

    def _post(self, path: str, body: object = None) -> httpx.Response:
        return self.house.send("POST", path, body)

    def _read(self, member: str, what: str) -> Any:
        answer = self.house.send("GET", f"/v1/members/{self.members[member]}/{what}")
        assert answer.is_success, answer.text
        return answer.json()


# --- what is compared -------------------------------------------------------------------------------------------------


def _compare(told: Table, seen: Mapping[str, Callable[[Table, Any], object]], answer: Table) -> None:
    expected = {key: _in_form(key, value) for key, value in told.items()}
    actual = {key: seen[key](answer, value) for key, value in told.items()}

    assert expected == actual


def _in_form(key: str, value: Any) -> object:
    """Return what a case says in the form that is compared: amounts as numbers, dates as text, lists in order."""
    if key == "nights":
        return Decimal(value)
    if key == "year":
        return {unit: Decimal(amount) for unit, amount in value.items()}
    if key == "choices":
        return {milestone: str(day) for milestone, day in value.items()}
    if isinstance(value, list):
        return sorted(cast("list[str]", value))
    return str(value) if isinstance(value, date) else value


def _rules(answer: Table) -> set[str]:
    """Return what an explanation names: its codes, and the rules behind them."""
    return {line.get(key) for line in answer["why"] for key in ("code", "rule")}


_STAY_SEEN: Final[dict[str, Callable[[Table, Any], object]]] = {
    "base": lambda answer, _: answer["points"]["base"],
    "tier_bonus": lambda answer, _: answer["points"]["tier_bonus"],
    "promotion": lambda answer, _: answer["points"]["promotion"],
    "total": lambda answer, _: answer["points"]["total"],
    "change": lambda answer, _: answer["change"],
    "nights": lambda answer, _: Decimal(answer["nights"]),
    "tier": lambda answer, _: answer["tier"]["after"],
    "fee": lambda answer, _: answer["fee"]["amount"],
    "milestones": lambda answer, _: sorted(
        f"{one['code']}/{one['ordinal']} {one['status']}" for one in answer["milestones"]
    ),
    "why": lambda answer, told: sorted(_rules(answer).intersection(told)),
}
_BALANCE_SEEN: Final[dict[str, Callable[[Table, Any], object]]] = {
    "available": lambda answer, _: answer["available"],
    "debt": lambda answer, _: answer["debt"],
    "held": lambda answer, _: answer["held"],
    "tier": lambda answer, _: answer["tier"]["code"],
    "valid_to": lambda answer, _: answer["tier"]["valid_to"],
    "expires": lambda answer, _: {one["on"]: one["points"] for one in answer["expiring"]},
    "year": lambda answer, told: {unit: Decimal(answer["year"][unit]) for unit in told},
    "choices": lambda answer, _: {one["milestone"]: one["choose_by"] for one in answer["choices"]},
}


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", _cases())
def test_a_case_comes_out_as_worked_out_by_hand(case: Table, house_of: Callable[[str], House]) -> None:
    play = Play(house_of(case["program"]))
    for step in case["step"]:
        play.step(step)


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.toml")), ids=lambda path: path.stem)
def test_a_published_program_holds_and_says_what_it_is_modelled_on(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    definition = read(path)

    assert path.stem == definition.id
    assert text.startswith("# Modelled on the published rules of ")
    assert [] == [word for word in _SAID if word not in text]


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.toml")), ids=lambda path: path.stem)
def test_a_published_program_has_cases_that_show_their_arithmetic(path: Path) -> None:
    told = tomllib.loads((CASES / path.name).read_text(encoding="utf-8"))
    names = [case["name"] for case in told["case"]]

    assert path.stem == told["program"]
    assert AT_LEAST <= len(set(names)) == len(names)
    assert [] == [case["name"] for case in told["case"] if not case["by_hand"].strip()]
    assert [] == [
        case["name"] for case in told["case"] if not any(_EXPECTED & step.keys() for step in case["step"])
    ]
