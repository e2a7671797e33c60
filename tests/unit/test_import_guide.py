"""The guide says what happens: its files are imported, its output compared."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from loyalty.importing.command import import_
from loyalty.importing.functions import FUNCTIONS
from loyalty.importing.mapping import shipped

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "import.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found, language
    return found[1]


def visible(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_the_example_of_the_guide_runs_as_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("checkouts.csv").write_text(block("csv"), "utf-8")
    Path("checkouts.toml").write_text(block("toml"), "utf-8")
    command, *output = block("console").splitlines()
    ran = CliRunner().invoke(import_, command.split()[3:])

    assert ran.exit_code == 1
    assert visible("\n".join(output)) == visible(ran.output)
    assert block("csv refused") == Path("checkouts.refused.csv").read_text("utf-8")


def test_the_guide_tells_of_every_shipped_mapping_and_function() -> None:
    missing = [name for name in shipped() if f"`{name}`" not in GUIDE]
    missing += [name for name in FUNCTIONS if f"`{name}(" not in GUIDE]

    assert missing == []
