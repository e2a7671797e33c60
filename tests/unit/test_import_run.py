"""The import as a whole, into a sink that keeps books in memory."""

import asyncio
import csv
import os
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from click.testing import Result as Ran
from rich.console import Console

from loyalty.commands.model import Answer
from loyalty.errors import Problem
from loyalty.importing import command
from loyalty.importing.mapping import read
from loyalty.importing.problems import ImportFailedError
from loyalty.importing.progress import Lines, progress
from loyalty.importing.refused import RefusedFile, default_path
from loyalty.importing.run import CHUNK, Interrupted, StayImport, choose_mapping
from loyalty.importing.service_sink import result_of
from loyalty.importing.sink import Enrolment, Refusal, Result, ServiceFailedError
from loyalty.stays.model import StayPosting
from loyalty.stays.properties import Property

HEADER = "source,property,stay_ref,member,status,arrival,departure,channel,currency,room"


def line(
    number: int, member: str = "HX1", status: str = "checked_out", channel: str = "direct", **other: str
) -> str:
    cells = {
        "source": "pms",
        "property": "SHA01",
        "stay_ref": f"R-{number}",
        "member": member,
        "status": status,
        "arrival": "2026-01-01",
        "departure": "2026-01-03",
        "channel": channel,
        "currency": "CNY",
        "room": "100.00",
    }
    return ",".join((cells | other).values())


class Books:
    """A sink with the service's promises: a point per unit, nothing for agencies, nothing twice."""

    def __init__(self, before_post: Callable[[], None] = lambda: None) -> None:
        self.stays: dict[str, tuple[StayPosting, int]] = {}
        self.members: dict[str, date] = {}
        self.properties: list[str] = []
        self.chunks: list[int] = []
        self._before_post = before_post

    async def prepare(self, properties: Sequence[Property]) -> None:
        self.properties += [one.code for one in properties]

    async def enrol(self, members: Sequence[Enrolment]) -> int:
        new = {one.number: one.enrolled_on for one in members if one.number not in self.members}
        self.members |= new
        return len(new)

    async def post(self, stays: Sequence[StayPosting]) -> Sequence[Result]:
        self._before_post()
        self.chunks.append(len(stays))
        return [self._post(stay) for stay in stays]

    def _post(self, stay: StayPosting) -> Result:
        if stay.member == "HX404":
            return Result("refused", refusal=Refusal("unknown_member", "/member", "There is no such member."))
        earns = stay.status == "checked_out" and stay.channel != "ota"
        points = int(Decimal(stay.lines[0].amount)) if earns else 0
        excluded = ("channel_excluded",) if stay.channel == "ota" else ()
        known, had = self.stays.get(stay.stay_ref, (None, 0))
        self.stays[stay.stay_ref] = stay, points
        outcome = "posted" if known is None else "unchanged" if known == stay else "revised"
        return Result(outcome, points, points - had, Decimal(2 if earns else 0), excluded)


class Never:
    """Progress that nobody watches."""

    def begin(self, what: str, size: int) -> None: ...

    def at(self, rows: int, position: int) -> None: ...


def imported(
    path: Path, books: Books, *, stop: Callable[[], bool] = lambda: False, mapping: str | None = None
) -> StayImport:
    with RefusedFile(default_path(path)) as refused:
        work = StayImport(path, choose_mapping(path, mapping), refused, Never(), stop)
        try:
            asyncio.run(work.run(books))
        except Interrupted:
            return work
    return work


@pytest.fixture
def stays(tmp_path: Path) -> Path:
    path = tmp_path / "stays.csv"
    rows = [
        line(1),
        line(2, channel="ota"),
        line(3, status="cancelled"),
        line(4, member="HX404"),
        line(5, room="-1"),
        "torn",
        line(6, status="no_show", channel="ota"),
        line(7, room="0"),
    ]
    path.write_text("\n".join([HEADER, *rows]))
    return path


def test_every_row_is_counted_once(stays: Path) -> None:
    summary = imported(stays, Books()).summary

    assert summary.read == 8 == sum(summary.rows.values())
    assert dict(summary.rows) == {
        ("checked_out", "posted"): 3,
        ("cancelled", "posted"): 1,
        ("no_show", "posted"): 1,
        ("checked_out", "refused"): 2,
        ("(unreadable)", "refused"): 1,
    }
    assert {key: tuple(award) for key, award in summary.awards.items()} == {
        ("direct", "earned"): (1, 2, 100),
        ("direct", "nothing_to_earn"): (1, 2, 0),
        ("direct", "cancelled"): (1, 0, 0),
        ("ota", "channel_excluded"): (1, 0, 0),
        ("ota", "no_show"): (1, 0, 0),
    }
    assert summary.issued == 100


def test_refused_rows_are_told_with_line_field_code_reason_and_the_row_itself(stays: Path) -> None:
    imported(stays, Books())
    text = (stays.parent / "stays.refused.csv").read_text("utf-8")
    written = list(csv.DictReader(text.splitlines()))

    assert [(row["line"], row["field"], row["code"]) for row in written] == [
        ("5", "member", "unknown_member"),
        ("6", "lines/0/amount", "negative_amount"),
        ("7", "", "wrong_number_of_columns"),
    ]
    assert line(5, room="-1") == written[1]["raw"]
    assert "There is no such member." == written[0]["reason"]


def test_importing_twice_gives_the_same_books(stays: Path) -> None:
    books = Books()
    imported(stays, books)
    once = dict(books.stays)
    again = imported(stays, books).summary

    assert once == books.stays
    assert (again.outcome("unchanged"), again.outcome("posted"), again.issued) == (5, 0, 0)
    assert again.awards["direct", "earned"].points == 100


def test_a_correction_is_counted_by_what_it_moves(stays: Path) -> None:
    books = Books()
    imported(stays, books)
    stays.write_text("\n".join([HEADER, line(1, room="70")]))
    summary = imported(stays, books).summary

    assert (summary.outcome("revised"), summary.issued, summary.taken_back) == (1, 0, 30)


def test_the_file_of_refused_rows_goes_when_nothing_is_refused_any_more(stays: Path) -> None:
    imported(stays, Books())
    stays.write_text("\n".join([HEADER, line(1)]))
    imported(stays, Books())

    assert not (stays.parent / "stays.refused.csv").exists()


def test_a_file_that_is_not_of_refused_rows_is_not_overwritten(stays: Path) -> None:
    other = stays.parent / "stays.refused.csv"
    other.write_text("precious")
    with pytest.raises(ImportFailedError, match="isn't a file of refused rows"):
        imported(stays, Books())

    assert other.read_text() == "precious"


def test_a_mapping_that_does_not_fit_leaves_the_last_refused_rows_alone(stays: Path) -> None:
    imported(stays, Books())
    with pytest.raises(ImportFailedError, match="no column"):
        imported(stays, Books(), mapping="hotel_booking_demand")

    assert (stays.parent / "stays.refused.csv").exists()


def test_an_interruption_finishes_its_chunk_and_the_next_run_completes_the_books(tmp_path: Path) -> None:
    path = tmp_path / "stays.csv"
    path.write_text("\n".join([HEADER, *(line(number) for number in range(CHUNK * 2 + 500))]))
    whole, books = Books(), Books()
    imported(path, whole)
    first = imported(path, books, stop=lambda: len(books.chunks) == 1).summary

    assert [CHUNK] == books.chunks
    assert first.read == CHUNK

    second = imported(path, books).summary

    assert whole.stays == books.stays
    assert (second.outcome("unchanged"), second.outcome("posted")) == (CHUNK, CHUNK + 500)


def test_unknown_guests_are_enrolled_once_on_their_first_arrival(tmp_path: Path) -> None:
    path = tmp_path / "stays.csv"
    early = line(2, arrival="2025-05-05")
    late = [line(number, member="HX2") for number in range(3, CHUNK + 3)]
    path.write_text("\n".join([HEADER, line(1), *late, early]))
    mapping = tmp_path / "enrolling.toml"
    mapping.write_text(shipped_text("stays").replace('number = "member"', 'number = "member"\nenrol = true'))
    books = Books()
    summary = imported(path, books, mapping=str(mapping)).summary

    assert books.members == {"HX1": date(2025, 5, 5), "HX2": date(2026, 1, 1)}
    assert summary.enrolled == 2
    assert imported(path, books, mapping=str(mapping)).summary.enrolled == 0


def shipped_text(name: str) -> str:
    from importlib.resources import files

    return (files("loyalty.importing") / "mappings" / f"{name}.toml").read_text("utf-8")


def test_declared_properties_are_registered_first(tmp_path: Path) -> None:
    books = Books()
    path = tmp_path / "empty.csv"
    path.write_text(",".join(_demand_columns()) + "\n")
    imported(path, books)

    assert books.properties == ["RESORT", "CITY"]


def _demand_columns() -> list[str]:
    mapping = read("hotel_booking_demand")
    return [
        *mapping.columns,
        *(mapping.member.derive.columns if mapping.member.derive else ()),
        *("hotel", "reservation_status", "market_segment", "distribution_channel", "assigned_room_type"),
    ]


def test_a_file_that_no_shipped_mapping_fits_asks_for_one(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ImportFailedError, match="name one with --mapping"):
        choose_mapping(path, None)


def test_plain_progress_tells_rows_rate_and_time_left() -> None:
    times = iter([0.0, 1.0, 10.0])
    console = Console(width=200)
    with console.capture() as said:
        lines = Lines(console, lambda: next(times))
        lines.begin("importing", 4000)
        lines.at(500, 250)
        lines.at(5000, 1000)

    assert said.get() == "importing: 5,000 rows (25%), 500 rows/s, 30 s left\n"


def test_a_terminal_gets_a_bar_with_rows_and_rate() -> None:
    console = Console(width=200, force_terminal=True, color_system=None)
    with console.capture() as said, progress(console) as bar:
        bar.begin("importing", 1000)
        bar.at(1234, 1000)

    assert "importing" in said.get()
    assert "1,234 rows" in said.get()


# --- replies of the service


REPLY = {
    "outcome": "posted",
    "points": {"base": 9, "tier_bonus": 1, "total": 10},
    "change": 10,
    "nights": "2.5",
    "why": [
        {"code": "base"},
        {"code": "channel_excluded", "channel": "ota"},
        {"code": "category_not_eligible"},
    ],
}


def test_a_reply_is_read_as_a_result() -> None:
    expected = Result("posted", 10, 10, Decimal("2.5"), ("channel_excluded",))

    assert expected == result_of(Answer(201, msgspec.json.encode(REPLY)))


def test_a_new_stay_that_moves_nothing_is_told_from_a_known_one() -> None:
    body = msgspec.json.encode(REPLY | {"outcome": "unchanged"})

    assert ["recorded", "unchanged"] == [result_of(Answer(status, body)).outcome for status in (201, 200)]


def test_a_replayed_reply_moved_nothing() -> None:
    result = result_of(Answer(200, msgspec.json.encode(REPLY), replayed=True))

    assert ("unchanged", 10, 0) == (result.outcome, result.points, result.change)


def test_a_problem_is_read_as_a_refusal_and_a_failure_is_none() -> None:
    problem = Problem("unknown_property", "There is no property X.", at="/property")
    expected = Refusal("unknown_property", "/property", "There is no property X.")

    assert expected == result_of(problem).refusal
    with pytest.raises(ServiceFailedError, match="queue_full"):
        result_of(Problem("queue_full"))


# --- the command


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    def running(*arguments: object, books: Books | None = None) -> Ran:
        @asynccontextmanager
        async def open_sink(_settings: Any) -> AsyncGenerator[Books]:
            if books is None:
                raise ServiceFailedError("no database")
            yield books

        monkeypatch.setattr(command, "open_sink", open_sink)
        return CliRunner().invoke(command.import_, ["stays", *map(str, arguments)])

    return running


def test_exit_status_1_says_that_rows_were_refused(stays: Path, run: Callable[..., Ran]) -> None:
    ran = run(stays, books=Books())

    assert ran.exit_code == 1
    assert "Points issued: 100. Taken back: 0. Members enrolled: 0." in ran.output
    assert f"Refused rows: 3, in {stays.parent / 'stays.refused.csv'}" in ran.output


def test_exit_status_0_says_that_every_row_is_in_the_books(stays: Path, run: Callable[..., Ran]) -> None:
    stays.write_text("\n".join([HEADER, line(1)]))

    assert run(stays, books=Books()).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.csv"], "No such file"),
        (["stays.csv", "--mapping", "none.toml"], "can't be read"),
        (["stays.csv", "--mapping", "hotel_booking_demand"], "the file has no column 'hotel'"),
        (["stays.csv", "--refused", "stays.csv"], "can't be the input itself"),
        (["stays.csv", "--refused", "nowhere/x.csv"], "can't be written"),
        (["stays.csv"], "no database"),
    ],
)
def test_exit_status_2_says_why_the_import_cannot_run(
    stays: Path, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, arguments: list[str], reason: str
) -> None:
    monkeypatch.chdir(stays.parent)
    ran = run(*arguments)

    assert ran.exit_code == 2
    assert reason in " ".join((ran.output + ran.stderr).split())
    assert stays.read_text().startswith(HEADER)


def test_a_dry_run_checks_every_row_without_a_database(stays: Path, run: Callable[..., Ran]) -> None:
    ran = run(stays, "--dry-run", "--refused", stays.parent / "no.csv")

    assert ran.exit_code == 1
    assert "checked" in ran.output
    assert (stays.parent / "no.csv").read_text().count("\n") == 3


def test_ctrl_c_finishes_the_chunk_and_says_how_to_go_on(tmp_path: Path, run: Callable[..., Ran]) -> None:
    path = tmp_path / "stays.csv"
    path.write_text("\n".join([HEADER, *(line(number) for number in range(CHUNK * 3))]))
    books = Books(before_post=lambda: os.kill(os.getpid(), signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    ran = run(path, books=books)

    assert ran.exit_code == 130
    assert len(books.stays) == CHUNK
    assert "Run the same command again" in ran.output
    assert before == signal.getsignal(signal.SIGINT)


def test_a_service_that_fails_on_the_way_leaves_what_was_posted(
    tmp_path: Path, run: Callable[..., Ran]
) -> None:
    path = tmp_path / "stays.csv"
    path.write_text("\n".join([HEADER, *(line(number) for number in range(CHUNK * 2))]))
    books = Books()

    def fail() -> None:
        if books.chunks:
            raise ServiceFailedError("gone")

    books._before_post = fail
    ran = run(path, books=books)

    assert ran.exit_code == 2
    assert f"failed after {CHUNK:,} rows. ServiceFailedError: gone" in ran.output
