"""The documents tell the truth: their examples run, their links lead somewhere, their tables are complete."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from prometheus_client import Metric

from loyalty import __version__
from loyalty.cli import main
from loyalty.embedded import packaged_binaries
from loyalty.errors import CODES
from loyalty.metrics import REGISTRY
from loyalty.partners.redemption import MOVES
from loyalty.serve import RunningService, running_service
from loyalty.settings import describe, read_settings
from tests.docs_support import (
    PRETENDING,
    ROOT,
    Block,
    anchors,
    blocks,
    differences,
    documents,
    examples,
    leads_somewhere,
    links,
    pretended,
    rows,
    run,
    without_blocks,
)

DOCUMENTS = documents()
GUIDES = ROOT / "docs" / "guides"
OPERATOR = GUIDES / "operator.md"
PROBLEMS = ROOT / "docs" / "problems.md"
DECISIONS = ROOT / "docs" / "decisions"
CHANGELOG = ROOT / "CHANGELOG.md"
RUNNABLE = [path for path in DOCUMENTS if examples(path)]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --- Examples --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def then() -> dict[str, str]:
    """Let it be now when the examples were written."""
    return pretended()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, then: dict[str, str]) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("documented") / "data", env=then) as running:
        yield running


def surroundings(service: RunningService) -> dict[str, str]:
    """What a reader has: the commands on the path, and a database server to be administrator of."""
    programs = [
        str(PRETENDING),
        str(Path(sys.executable).parent),
        str(packaged_binaries()),
        os.environ["PATH"],
    ]
    sockets = (service.data_dir / "sockets").read_text("utf-8")
    return {
        "PATH": os.pathsep.join(programs),
        "LOYALTY_DATA_DIR": str(service.data_dir),
        "PGHOST": sockets,
        "PGUSER": "loyalty",
        "ADMIN": "postgresql:///postgres",
    }


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("path", RUNNABLE, ids=name_of)
def test_the_examples_run_and_print_what_is_shown(
    path: Path, service: RunningService, then: dict[str, str], tmp_path: Path
) -> None:
    found = examples(path)
    instead = {"http://127.0.0.1:8080": service.url, "@db.internal/": "@/"}
    printed = run(found, surroundings(service) | then, tmp_path, instead)
    wrong = {
        f"{one.reply}": wrong
        for one, output in zip(found, printed, strict=True)
        if one.reply and (wrong := differences(one.reply, output))
    }

    assert {} == wrong


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ('{"id": "mem_…", "n": 1}', '{"n":1,"id":"mem_7"}', True),
        ('{"id": "mem_…"}', '{"id":"sty_7"}', False),
        ('{"n": 1}', '{"n":1,"more":2}', False),
        ('{"n": 1, "…": "…"}', '{"n":1,"more":2}', True),
        ('{"n": 1, "…": "…"}', '{"more":2}', False),
        ("[1]", "[1,2]", False),
        ('[1, "…"]', "[1,2]", True),
        ("[1, 2]", "[1]", False),
        ('{"n": 1}', "", False),
        ('{"n": 1}', '{"n":1}{"n":1}', False),
    ],
)
def test_a_reply_that_differs_from_what_is_shown_is_seen(shown: str, printed: str, *, same: bool) -> None:
    reply = Block(ROOT / "README.md", 1, "json", ("reply",), shown)

    assert same == (differences(reply, printed) == [])


def test_every_documented_curl_is_run() -> None:
    curls = [block for path in DOCUMENTS for block in blocks(path) if re.search(r"\bcurl\b", block.text)]
    assert curls

    assert [] == [str(block) for block in curls if "run" not in block.marks]


def test_the_readme_and_the_three_guides_have_examples() -> None:
    wanted = {ROOT / "README.md", GUIDES / "pms.md", GUIDES / "booking-site.md", OPERATOR}

    assert wanted <= set(RUNNABLE)


def shell_lines() -> Iterator[tuple[str, list[str]]]:
    """The documented command lines, word by word."""
    for path in DOCUMENTS:
        for block in blocks(path):
            if block.language in {"sh", "console"}:
                for line in block.text.splitlines():
                    words = line.partition("#")[0].removeprefix("$ ").split()
                    yield f"{block}: {line}", words


def test_every_documented_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    asked = {words[1] for _, words in shell_lines() if words[:1] == ["make"] and len(words) > 1}

    assert {"demo", "test"} <= asked
    assert set() == asked - targets


def test_every_documented_command_and_option_exists() -> None:
    wrong = [where for where, words in shell_lines() if not _understood(words)]

    assert [] == wrong


def _understood(words: list[str]) -> bool:
    while words and (
        words[0] in {"uv", "run", "docker", "compose", "exec", "service", "sudo"} or "=" in words[0]
    ):
        words = words[1:]
    if words[:1] != ["loyalty"] or len(words) < 2:
        return True
    context = click.Context(main)
    command: click.Command = main
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        try:
            _, found, rest = command.resolve_command(context, rest)
        except (click.UsageError, ImportError):
            return False
        assert found is not None
        command = found
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    return all(word.partition("=")[0] in known for word in rest if word.startswith("--"))


# --- Links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    assert [] == [link for link in links(path) if not leads_somewhere(path, link)]


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path not in seen and path.suffix == ".md" and path.exists():
            seen.add(path)
            waiting += [(path.parent / link.partition("#")[0]).resolve() for link in links(path)]

    assert set() == {path.resolve() for path in DOCUMENTS} - seen


def test_pictures_say_in_words_what_they_show() -> None:
    for path in DOCUMENTS:
        text = without_blocks(path)
        unsaid = re.findall(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]{20,}\")[^>]*>", text)

        assert [] == unsaid, path


# --- Tables ----------------------------------------------------------------------------------------------------------


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {row[0]: row[1].strip("`") for row in rows(OPERATOR) if row[0].startswith("LOYALTY_")}
    settings = {row.variable: row.default or "–" for row in describe(read_settings({}))}

    assert settings.keys() == documented.keys()
    del settings["LOYALTY_DATA_DIR"], documented["LOYALTY_DATA_DIR"]  # it differs by platform and user
    assert settings == documented


def exposed_name(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def test_every_metric_is_documented() -> None:
    ours = {exposed_name(metric) for metric in REGISTRY.collect() if metric.name.startswith("loyalty_")}
    documented = {row[0] for row in rows(OPERATOR) if row[0].startswith("loyalty_")}

    assert ours == documented


def test_every_metric_named_in_an_alert_exists() -> None:
    ours = {exposed_name(metric) for metric in REGISTRY.collect()}
    named = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for block in blocks(OPERATOR)
        if block.language == "yaml"
        for name in re.findall(r"\b(?:loyalty|process)_[a-z_]+\b", block.text)
    }

    assert named
    assert set() == named - ours


def test_every_problem_code_is_documented_with_its_status() -> None:
    documented = {row[0]: row[1] for row in rows(PROBLEMS) if re.fullmatch(r"\d{3}", row[1])}

    assert {code: str(status) for code, (status, _) in CODES.items()} == documented


@pytest.mark.parametrize("path", sorted(GUIDES.glob("*.md")), ids=name_of)
def test_a_guide_names_problem_codes_and_statuses_as_they_are(path: Path) -> None:
    named = [row[:2] for row in rows(path) if len(row) > 1 and re.fullmatch(r"[45]\d\d", row[1])]

    assert [] == [[code, status] for code, status in named if CODES.get(code, (None,))[0] != int(status)]


def test_the_table_of_steps_of_a_redemption_is_that_of_the_code() -> None:
    steps = {kind for _, kind in MOVES}
    documented = {
        (row[0].strip("–"), row[1].strip("`")): tuple(re.findall(r"`(\w+)`", row[2]))
        for row in rows(GUIDES / "redemptions.md")
        if row[1].strip("`") in steps
    }

    assert MOVES == documented


# --- Decisions and changes -------------------------------------------------------------------------------------------


def records() -> list[Path]:
    return sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    index = (DECISIONS / "README.md").read_text("utf-8")
    numbers = [int(path.name[:4]) for path in records()]
    titles = {path.name: path.read_text("utf-8").split("\n", 1)[0] for path in records()}

    assert list(range(1, len(numbers) + 1)) == numbers
    for name, title in titles.items():
        number, _, words = title.removeprefix("# ").partition(". ")
        assert int(name[:4]) == int(number)
        assert f"[{words}]({name})" in index


@pytest.mark.parametrize("path", records(), ids=lambda path: path.name[:4])
def test_a_decision_says_what_why_and_at_what_price(path: Path) -> None:
    assert {"context", "decision", "why", "consequences"} <= anchors(path)


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    text = CHANGELOG.read_text("utf-8")
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))

    assert text.startswith("# Changelog\n")
    assert all(
        re.fullmatch(r"\[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d|unreleased)", version) for version in versions
    )
    assert versions[0].startswith(f"[{__version__}]")
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


# --- Manners ---------------------------------------------------------------------------------------------------------


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_nothing_tracked_tells_of_one_machine_or_of_a_package_registry() -> None:
    # Written in parts, so that this file doesn't find itself.
    machines = ["/" + place + "/" for place in ("work", "root", "home/[a-z]+", "Users/[a-z]+")]
    registries = [
        "pypi" + r"\.org",
        "python" + "hosted",
        "registry" + r"\.npm",
        "index" + "-url",
        "extra" + "-index",
    ]
    told = re.compile("|".join(rf"(?<![\w.$}}-]){place}" for place in machines) + "|" + "|".join(registries))
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked_files()
        if path.is_file() and "static" not in path.parts
        for match in [told.search(path.read_bytes().decode("utf-8", errors="replace"))]
        if match
    ]

    assert [] == found
