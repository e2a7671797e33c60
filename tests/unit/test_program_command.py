"""`loyalty program` as people call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loyalty.cli import main
from loyalty.program.command import ELSEWHERE, program
from loyalty.program.reading import shipped
from loyalty.program.schema import schema_text
from tests.builders import PROGRAM


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["program", *arguments])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.toml"
    path.write_text(PROGRAM, "utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.toml"
    path.write_text(
        PROGRAM.replace("bonus_percent = 25", "bonus_pct = 25").replace("months = 3", "months = 0"), "utf-8"
    )
    return path


def test_a_good_definition_is_told_in_a_sentence(good: Path) -> None:
    done = run("check", str(good))

    assert (
        f"{good}: good. Small (小), version 1, has 3 tiers, 3 exclusions and 2 milestones.\n" == done.output
    )
    assert 0 == done.exit_code


def test_each_mistake_is_a_line_however_long(bad: Path) -> None:
    done = run("check", str(bad))
    lines = done.output.splitlines()

    assert 1 == done.exit_code
    assert 2 == len(lines)
    assert [True, True] == [line.startswith(f"{bad}:") for line in lines]
    assert lines[0].endswith(
        "tier gold.bonus_pct: there is no key `bonus_pct` here. Did you mean `bonus_percent`?"
    )
    assert lines[1].endswith("expiry.months: 0 is not a whole number from 1 to 600")


def test_one_bad_file_among_good_ones_fails(good: Path, bad: Path) -> None:
    done = run("check", str(good), str(bad), "house")

    assert 1 == done.exit_code
    assert [f"{good}: good", "house: good"] == [
        line.partition(". ")[0] for line in done.output.splitlines() if ": good" in line
    ]


def test_a_warning_does_not_fail(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(PROGRAM.replace('food = "1"', 'food = "0"'), "utf-8")
    done = run("check", str(path))

    assert 0 == done.exit_code
    assert f"{path}:14: warning: earning.points.food: earns nothing" in done.output
    assert f"{path}: good. " in done.output


def test_a_file_that_is_not_there_fails(tmp_path: Path) -> None:
    done = run("check", str(tmp_path / "nowhere.toml"))

    assert (1, f"{tmp_path}/nowhere.toml: No such file or directory\n") == (done.exit_code, done.output)


def test_what_was_found_is_told_to_programs(good: Path, bad: Path) -> None:
    done = run("check", "--json", str(good), str(bad))
    first, second = json.loads(done.output)

    assert 1 == done.exit_code
    assert (True, "small", 1, 3, []) == (
        first["good"], first["program"], first["version"], first["counts"]["tier"], first["mistakes"]
    )  # fmt: skip
    assert (False, None, {}) == (second["good"], second["program"], second["counts"])
    assert {
        "path": ["tier", 1, "bonus_pct"],
        "key": "tier gold.bonus_pct",
        "line": PROGRAM[: PROGRAM.index("bonus_percent = 25")].count("\n") + 1,
        "message": "there is no key `bonus_pct` here",
        "suggestion": "Did you mean `bonus_percent`?",
        "severity": "mistake",
    } == second["mistakes"][0]


def test_two_definitions_are_compared_in_words(good: Path, tmp_path: Path) -> None:
    after = tmp_path / "after.toml"
    after.write_text(
        PROGRAM.replace("months = 3", "months = 6").replace('nights = "4"', 'nights = "5"'), "utf-8"
    )

    assert (
        "Gold now takes 5 nights, was 4\nExpiry after 6 months, was 3\n"
        == run("diff", str(good), str(after)).output
    )
    assert (
        "金卡现需5晚，原为4晚\n积分6个月后到期，原为3个月\n"
        == run("diff", str(good), str(after), "--lang", "zh").output
    )
    assert [
        {"key": "tier gold.reach.nights", "kind": "changed", "before": "4", "after": "5",
         "text": "Gold now takes 5 nights, was 4"},
        {"key": "expiry.months", "kind": "changed", "before": 3, "after": 6, "text": "Expiry after 6 months, was 3"},
    ] == json.loads(run("diff", "--json", str(good), str(after)).output)  # fmt: skip


def test_shipped_definitions_are_compared_by_their_names(good: Path) -> None:
    assert (0, "No change.\n") == (
        run("diff", "house", "house").exit_code,
        run("diff", "house", "house").output,
    )
    assert "没有变化。\n" == run("diff", "house", "house", "--lang", "zh").output
    assert "id: small, was house\n" in run("diff", "house", str(good)).output


def test_what_has_mistakes_is_not_compared(good: Path, bad: Path) -> None:
    done = run("diff", str(good), str(bad))

    assert 1 == done.exit_code
    assert "there is no key `bonus_pct` here" in done.output


def test_the_shipped_definitions_are_listed() -> None:
    lines = run("list").output.splitlines()
    listed = json.loads(run("list", "--json").output)

    assert list(shipped()) == [line.split()[0] for line in lines] == [one["name"] for one in listed]
    assert {"en": "House Rewards", "zh": "臻享会"} == listed[0]["title"]
    assert "House Rewards (臻享会), version 1, has 4 tiers" in lines[0]


def test_the_schema_is_printed_as_it_is_published() -> None:
    assert schema_text() == run("schema").output


def test_commands_that_live_elsewhere_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ELSEWHERE, "again", "loyalty.program.command:schema")

    assert schema_text() == CliRunner().invoke(program, ["again"]).output
    assert 2 == CliRunner().invoke(program, ["--help"]).output.count("Print the JSON Schema")
