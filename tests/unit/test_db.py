"""SQL by name, clocks, and the command's front door."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from loyalty.clock import ManualClock, SystemClock
from loyalty.db import QueryFileError, parse_queries, with_sections

TEXT = """
-- Queries of an example.

-- name: find_guest
-- Finds a guest by number.
-- $1 number
SELECT 1
-- a comment inside stays
WHERE $1 <> '';

-- name: count_guests
SELECT count(*) FROM guest
"""


def test_queries_are_split_by_name_and_rid_of_their_descriptions() -> None:
    expected = {
        "find_guest": "SELECT 1\n-- a comment inside stays\nWHERE $1 <> ''",
        "count_guests": "SELECT count(*) FROM guest",
    }
    assert expected == parse_queries(TEXT, "example.sql")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: a\nSELECT 1\n-- name: a\nSELECT 2", "two queries are named `a`"),
        ("-- name: a\n-- nothing but a description", "query `a` is empty"),
        ("-- name: Find-Guest\nSELECT 1", "no proper query name"),
        ("SELECT 1;\n-- name: a\nSELECT 2", "SQL before the first"),
    ],
)
def test_a_file_of_queries_that_is_not_in_order_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(QueryFileError, match=complaint):
        parse_queries(text, "example.sql")


def test_the_system_clock_tells_utc() -> None:
    assert timedelta(0) == SystemClock().now().utcoffset()


def test_a_manual_clock_moves_only_when_moved_and_tells_utc() -> None:
    clock = ManualClock(datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))))
    first = clock.now()
    clock.advance(timedelta(days=1))
    second = clock.now()
    clock.set(datetime(2030, 1, 1, tzinfo=UTC))

    assert (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)) == (first, second)
    assert datetime(2030, 1, 1, tzinfo=UTC) == clock.now()


def test_a_clock_refuses_a_time_without_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        ManualClock(datetime(2026, 1, 1))  # noqa: DTZ001


def test_help_is_quick_because_it_imports_none_of_the_heavy_parts() -> None:
    code = (
        "import sys\nfrom loyalty.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'litestar', 'asyncpg', 'uvicorn', 'httpx', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.splitlines()[-1]
    for command in ("serve", "migrate", "settings", "demo", "import", "keys", "verify", "bench"):
        assert f" {command} " in done.stdout


SECTIONED = """SELECT a.*
-- section second
       , b.*
-- section third
       , c.*
-- end of sections
FROM f($1, $2) AS a
-- section second
JOIN b ON b.x = $3
-- section third
JOIN c ON c.x = $2 AND c.y = $4
-- end of sections
WHERE a.x = $1"""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), "SELECT a.*\nFROM f($1, $2) AS a\nWHERE a.x = $1"),
        (("second",), "SELECT a.*\n       , b.*\nFROM f($1, $2) AS a\nJOIN b ON b.x = $3\nWHERE a.x = $1"),
        (
            ("third",),
            "SELECT a.*\n       , c.*\nFROM f($1, $2) AS a\nJOIN c ON c.x = $2 AND c.y = $3\nWHERE a.x = $1",
        ),
    ],
)
def test_sections_that_are_not_asked_for_are_left_out_with_their_parameters(
    names: tuple[str, ...], expected: str
) -> None:
    assert expected == with_sections(SECTIONED, *names)
