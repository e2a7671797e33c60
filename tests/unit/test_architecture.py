"""The house keeps its order: imports run down, SQL lives in stores, what is pure stays pure."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import loyalty

ROOT = Path(loyalty.__file__).parent
FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))

# From the bottom up. A part imports from rows below its own, and never from its own row: what needs two slices is a
# command, what needs two commands is the service.
ROWS: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in (
        "ids clock errors money settings",
        "db coalesce due metrics log embedded wording",
        "migrate",
        "terminal",
        "ledger events",
        "program",
        "members stays tiers partners rewards vouchers",
        "commands",
        "service",
        "balances bulk moving offering redeeming reporting rewarding settling vouchering warning simulate",
        "http opening worker",
        "app serve importing verify publishing explaining",
        "demo bench",
        "cli",
        "__main__",
    )
)
RANK = {part: rank for rank, row in enumerate(ROWS) for part in row}

SLICES = (
    "ledger",
    "program",
    "members",
    "stays",
    "tiers",
    "partners",
    "rewards",
    "vouchers",
    "commands",
    "events",
)
# Files of the slices that are not pure, each with what makes it so.
SHELL = {
    "events/store.py": "SQL",
    "ledger/lane.py": "runs batches",
    "ledger/poster.py": "runs batches",
    "ledger/store.py": "SQL",
    "members/store.py": "SQL",
    "members/vault.py": "makes keys",
    "rewards/store.py": "SQL",
    "stays/store.py": "SQL",
    "commands/store.py": "SQL",
    "commands/moving_store.py": "SQL",
    "commands/settling_store.py": "SQL",
    "commands/redeeming_store.py": "SQL",
    "commands/batch.py": "runs a transaction",
    "commands/budgets.py": "leases",
    "commands/deciding.py": "reads and leases in between",
    "commands/gathering.py": "reads facts",
    "commands/joint.py": "runs transactions",
    "commands/tally.py": "tells the metrics",
    "commands/versions.py": "runs a transaction",
    "partners/publishing.py": "runs a transaction",
    "partners/settlement_store.py": "SQL",
    "partners/store.py": "SQL",
    "program/command.py": "is run at a terminal",
    "program/reading.py": "reads a file",
    "program/store.py": "SQL",
    "vouchers/store.py": "SQL",
}
# Pure libraries that a pure file may lean on.
PURE_LIBRARIES = {
    "program/festivals.py": {"borax"},  # knows the Chinese calendar: tables worked out by astronomers, no I/O
}
PURE = [path for path in FILES if path.parts[0] in SLICES and path.as_posix() not in SHELL]
# What reads clocks, chance, files, networks or threads.
IMPURE_MODULES = {
    "asyncio", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil", "socket",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip

# Where SQL may stand, or be asked for by name: the stores, and what looks after databases.
SQL_MAY_STAND_IN = re.compile(
    r"(.*/)?store\.py|migrate\.py|http/auth\.py|http/keys_command\.py|bench/.*|embedded/.*|opening\.py|service\.py"
)
SQL = re.compile(
    r"\s*(SELECT|WITH \w+ AS|INSERT INTO|UPDATE \w+ SET|DELETE FROM|TRUNCATE|CREATE|ALTER|DROP|GRANT|LOCK TABLE)\b"
)


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Return the full names of all that a file imports, wherever in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path: Path) -> str:
    return path.with_suffix("").parts[0]


def names(path: Path) -> str:
    return path.as_posix()


def test_every_part_has_its_row() -> None:
    assert {part_of(path) for path in FILES} - {"__init__"} == RANK.keys()


def test_the_architecture_tells_what_is_in_every_folder_and_file_of_the_top() -> None:
    told = (ROOT.parent / "docs" / "ARCHITECTURE.md").read_text("utf-8").partition("\n## Folders\n")[2]
    rows = re.findall(r"^\| (`loyalty.*?) \|", told, re.MULTILINE)
    named = {Path(name).relative_to("loyalty") for row in rows for name in re.findall(r"`(.*?)`", row)}
    top = {path.parent if len(path.parts) > 1 else path for path in FILES if len(path.parts) < 3}

    assert [] == sorted(top - named - {Path("__init__.py"), Path("__main__.py")})
    assert [] == sorted(one for one in named if not (ROOT / one).exists())


@pytest.mark.parametrize("path", FILES, ids=names)
def test_imports_run_down_only(path: Path) -> None:
    part = part_of(path)
    if part == "__init__":
        assert [] == [name for name in imported(path) if name.startswith("loyalty")]
        return
    others = {name.split(".")[1] for name in imported(path) if name.startswith("loyalty.")} - {
        part,
        "__version__",
    }

    assert [] == sorted(other for other in others if RANK[other] >= RANK[part])


@pytest.mark.parametrize("path", PURE, ids=names)
def test_what_is_pure_imports_the_standard_library_msgspec_and_ourselves(path: Path) -> None:
    tops = {name.split(".")[0] for name in imported(path)}

    assert tops <= sys.stdlib_module_names | {"msgspec", "loyalty"} | PURE_LIBRARIES.get(
        path.as_posix(), set()
    )
    assert set() == tops & IMPURE_MODULES
    assert not [
        name for name in imported(path) if name.startswith(("loyalty.db", "loyalty.metrics", "loyalty.log"))
    ]


@pytest.mark.parametrize("path", PURE, ids=names)
def test_what_is_pure_awaits_nothing_and_asks_no_clock(path: Path) -> None:
    nodes = list(ast.walk(tree_of(path)))
    asked = [node for node in nodes if isinstance(node, ast.Call) and is_clock(node.func)]

    assert not [node for node in nodes if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
    assert not [f"line {node.lineno}" for node in asked]


def is_clock(called: Any) -> bool:
    if not isinstance(called, ast.Attribute):
        return False
    owner = called.value.id if isinstance(called.value, ast.Name) else getattr(called.value, "attr", "")
    return called.attr in {"now", "utcnow"} or (called.attr == "today" and owner in {"date", "datetime"})


def test_what_is_not_pure_is_there_and_needs_to_be() -> None:
    assert [] == [name for name in SHELL if Path(name) not in FILES]


@pytest.mark.parametrize("path", FILES, ids=names)
def test_sql_stands_in_stores_only(path: Path) -> None:
    if SQL_MAY_STAND_IN.fullmatch(path.as_posix()):
        return
    tree = tree_of(path)
    texts = [
        node.value for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]  # fmt: skip

    assert [] == texts
    assert "loyalty.db.load_queries" not in set(imported(path))


def test_the_service_itself_asks_for_no_more_than_two_figures() -> None:
    texts = [
        node.value for name in ("opening.py", "service.py") for node in ast.walk(tree_of(Path(name)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]  # fmt: skip

    assert ["SELECT 1", "SELECT count(*) FROM shard"] == sorted(texts)


@pytest.mark.parametrize("path", FILES, ids=names)
def test_the_web_framework_stays_at_the_edge(path: Path) -> None:
    if part_of(path) in {"http", "app", "bench"}:
        return

    assert not [name for name in imported(path) if name.startswith("litestar")]


@pytest.mark.parametrize("path", FILES, ids=names)
def test_every_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))
