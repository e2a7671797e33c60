"""The demo as a newcomer runs it, with few members."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from loyalty.demo.deeds import DEEDS
from loyalty.demo.words import PHRASES

DEMO = [sys.executable, "-m", "loyalty", "demo", "--members", "60", "--port", "0"]


def environment(data_dir: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
    return inherited | {"LOYALTY_DATA_DIR": str(data_dir), "PYTHONUTF8": "1"}


def run_once(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*DEMO, "--once", *arguments]
    return subprocess.run(
        command, env=environment(data_dir), capture_output=True, text=True, timeout=120, check=False
    )


def verified(data_dir: Path) -> dict[str, Any]:
    """What `loyalty verify` says of what the demo left behind."""
    command = [sys.executable, "-m", "loyalty", "verify", "--json", "--as-of", "2026-12-31"]
    done = subprocess.run(
        command, env=environment(data_dir / "demo"), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def numbers_of(output: str) -> list[str]:
    """The tables less what depends on the speed of the machine."""
    tables = output.partition("What was sent")[2].partition("How fast")[0]
    return tables.splitlines()


def happened(outcomes: list[str], counts: list[str]) -> set[str]:
    """The outcomes that a row of the table has a number for."""
    return {outcome for outcome, count in zip(outcomes, counts, strict=False) if count != "·"}


@contextlib.contextmanager
def left_running(data_dir: Path) -> Generator[tuple[subprocess.Popen[str], list[str]]]:
    """A demo that waits for Ctrl-C, and what it has printed so far."""
    with subprocess.Popen(DEMO, env=environment(data_dir), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed: list[str] = []
        try:
            for line in process.stdout:
                printed.append(line.rstrip("\n"))
                if "Ctrl-C" in line:
                    break
            yield process, printed
        finally:
            process.kill()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a demo printed that has members enough for everything to happen, and where it left its books."""
    data_dir = tmp_path_factory.mktemp("busy")
    return run_once(data_dir, "--members", "300", "--until", "2026-10-31").stdout, data_dir


def test_the_demo_shows_what_happened_and_ends_well(tmp_path: Path) -> None:
    done = run_once(tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    for heading in ("Members by tier", "What was sent", "Refused, and why", "Stays by property", "How fast"):
        assert heading in done.stdout
    assert "金卡" in done.stdout
    assert "Stopped." in done.stdout


def test_the_demo_is_the_same_each_time_and_speaks_chinese(tmp_path: Path) -> None:
    first = run_once(tmp_path, "--until", "2026-03-31", "--seed", "5")
    books = verified(tmp_path)
    again = run_once(tmp_path, "--until", "2026-03-31", "--seed", "5")
    books_again = verified(tmp_path)
    chinese = run_once(tmp_path, "--lang", "zh")

    assert (True, books["books"]) == (books["clean"], books_again["books"])
    assert numbers_of(first.stdout) == numbers_of(again.stdout)
    assert len(numbers_of(first.stdout)) > 40
    assert "各等级会员" in chinese.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_to_try_work_as_printed_until_ctrl_c(tmp_path: Path) -> None:
    with left_running(tmp_path) as (process, printed):
        lines = [shlex.split(line) for line in printed if line.startswith("curl ")]
        replies = [json.loads(subprocess.run(line, capture_output=True, check=True).stdout) for line in lines]
        second = run_once(tmp_path)
        process.send_signal(signal.SIGINT)
        process.wait(60)

    balance, statement, offers, stay = replies
    assert balance["available"] > 0
    assert statement["lines"]
    assert {"heron_upgrade", "crane_night"} <= {offer["code"] for offer in offers["offers"]}
    assert stay["outcome"] == "posted"
    assert second.returncode == 1
    assert re.search(r"another\s+demo\s+is\s+running", second.stderr)
    assert process.returncode == 0


def test_what_a_property_system_means_is_what_is_recorded(busy: tuple[str, Path]) -> None:
    rows = {line[:22].strip(): line[22:].split() for line in busy[0].splitlines()}
    outcomes = ["posted", "revised", "reversed", "unchanged", "superseded", "refused"]

    assert rows["Sent as"] == [*outcomes, "Total"]
    assert {"posted"} == happened(outcomes, rows["Check-out"])
    assert {"unchanged"} == happened(outcomes, rows["The same again"])
    assert {"superseded"} == happened(outcomes, rows["Older revision, late"])
    assert {"revised"} == happened(outcomes, rows["To another member"])
    assert {"reversed"} == happened(outcomes, rows["Undone after posting"])
    assert {"refused"} == happened(outcomes, rows["Bad posting"])


def test_guests_do_more_than_stay_and_all_of_it_is_in_the_books(busy: tuple[str, Path]) -> None:
    printed, data_dir = busy
    table = printed.partition("What else members did")[2].partition("Some of the best")[0]
    books = verified(data_dir)
    checked = {row["check"]: row["checked"] for row in books["checks"]}

    for deed in DEEDS:
        assert PHRASES[deed][0] in table
    assert books["clean"]
    assert (
        min(checked[check] for check in ("four_eyes", "referrals", "merges", "households", "pools", "pairs"))
        > 0
    )
    partners = ("redemptions", "stock", "references", "tokens", "vouchers", "statements", "accruals", "funds")
    assert min(checked[check] for check in partners) > 0
    assert {"insufficient_points", "sold_out", "voucher_redeemed", "fund_exhausted"} <= set(
        re.findall(r"refused: ([a-z_]+)", table)
    )


def test_what_is_held_is_what_guests_asked_for_and_nobody_has_captured_yet(busy: tuple[str, Path]) -> None:
    printed, _ = busy
    points = dict(
        re.findall(r"^(Held|Redeemed, .*?|Points expired since) +(-?[0-9,]+) *$", printed, re.MULTILINE)
    )
    still = re.findall(r"^  still held +[0-9]+ +([0-9,]+) *$", printed, re.MULTILINE)
    redeemed, expired = points[PHRASES["redeemed"][0]], points[PHRASES["expired"][0]]

    assert [points["Held"]] == still
    assert redeemed[0] not in "0-"
    assert expired[0] != "-"


def test_a_date_in_the_future_is_refused(tmp_path: Path) -> None:
    done = run_once(tmp_path, "--until", "2999-01-01")

    assert done.returncode == 2
    assert "future" in done.stderr
