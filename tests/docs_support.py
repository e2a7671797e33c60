"""Reads the documentation as its readers do: runs its examples, follows its links, looks things up in its tables.

Marks behind the language of a fenced block say what is done with it:

    sh run        run in one shell with the other such blocks of its document, in order
    json reply    what the block before it prints: "…" stands for anything, also as the last item of an array; a key
                  "…" for further keys
    text reply    the same, line by line

Without a mark a block is only read.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
WRITTEN: Final = datetime(2026, 11, 29, 4, tzinfo=UTC)
"""When the examples are run, as far as they know: noon in China, so that nothing has expired and no day turns."""
PRETENDING: Final = ROOT / "tests" / "pretending"
"""What makes the programs of the examples believe it."""

_FENCE: Final = re.compile(
    r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_LINK: Final = re.compile(
    r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*\bsrc=\"([^\"]+)\""
)
_HEADING: Final = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_ROW: Final = re.compile(r"^\|(.+)\|$", re.MULTILINE)
_END: Final = "\x1e"


class Block(NamedTuple):
    """A fenced block, and where it begins."""

    path: Path
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


class Example(NamedTuple):
    """A block to run, and what it should print, if the document says so."""

    block: Block
    reply: Block | None


def documents() -> list[Path]:
    """All documents that people read."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks(path: Path) -> list[Block]:
    text = path.read_text("utf-8")
    found: list[Block] = []
    for match in _FENCE.finditer(text):
        language, *marks = match["info"].split() or [""]
        found.append(
            Block(path, text.count("\n", 0, match.start()) + 1, language, tuple(marks), match["text"])
        )
    return found


def examples(path: Path) -> list[Example]:
    """The blocks to run, each with the reply that the document shows."""
    found: list[Example] = []
    for block in blocks(path):
        if "run" in block.marks:
            found.append(Example(block, None))
        elif "reply" in block.marks:
            assert found, f"{block} shows a reply, but nothing was run before it"
            assert found[-1].reply is None, f"{block} is a second reply"
            found[-1] = Example(found[-1].block, block)
    return found


# --- Running ---------------------------------------------------------------------------------------------------------


def pretended() -> dict[str, str]:
    """Return the surroundings in which it is now when the examples were written."""
    seconds = (WRITTEN - datetime.now(UTC)).total_seconds()
    path = filter(None, (str(PRETENDING), os.environ.get("PYTHONPATH")))
    return {"PYTHONPATH": os.pathsep.join(path), "PRETENDED_SECONDS": str(seconds)}


def run(found: list[Example], env: Mapping[str, str], cwd: Path, instead: Mapping[str, str]) -> list[str]:
    """Run blocks one after the other in one shell; return what each of them printed."""
    script = "".join(f"{one.block.text}\nprintf '{_END}'\n" for one in found)
    for documented, real in instead.items():
        script = script.replace(documented, real)
    path = cwd / "example.sh"
    path.write_text(script, "utf-8")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", str(path)], env=os.environ | env, cwd=cwd, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    *printed, rest = done.stdout.split(_END)
    where = found[min(len(printed), len(found) - 1)].block
    assert done.returncode == 0, f"{where} failed with status {done.returncode}:\n{rest}\n{done.stderr}"
    return printed


def differences(reply: Block, printed: str) -> list[str]:
    """Say where what was printed differs from what the document shows."""
    if reply.language == "json":
        pairs = zip_longest(_documents(reply.text), _documents(printed), fillvalue=None)
        return [line for shown, found in pairs for line in _differ(shown, found, "")]
    shown, found = reply.text.splitlines(), printed.rstrip("\n").splitlines()
    return [
        f"shown: {one!r}; printed: {other!r}"
        for one, other in zip_longest(shown, found)
        if one is None or other is None or not _fits(one.rstrip(), other.rstrip())
    ]


def _documents(text: str) -> Iterator[Any]:
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:].lstrip()


def _differ(shown: Any, found: Any, at: str) -> Iterator[str]:
    if isinstance(shown, dict) and isinstance(found, dict):
        yield from _objects_differ(shown, found, at)
    elif isinstance(shown, list) and isinstance(found, list):
        open_end = bool(shown) and shown[-1] == "…"
        shown = shown[:-1] if open_end else shown
        if len(found) < len(shown) or (len(found) > len(shown) and not open_end):
            yield f"{at}: {len(shown)} items are shown, {len(found)} came"
        for place, (one, other) in enumerate(zip(shown, found, strict=False)):
            yield from _differ(one, other, f"{at}/{place}")
    elif not (shown == found or (isinstance(shown, str) and "…" in shown and _fits(shown, str(found)))):
        yield f"{at}: {shown!r} is shown, {found!r} came"


def _objects_differ(shown: dict[str, Any], found: dict[str, Any], at: str) -> Iterator[str]:
    for key in shown.keys() - found.keys() - {"…"}:
        yield f"{at}/{key}: is shown, but didn't come"
    for key in found.keys() - shown.keys() if "…" not in shown else ():
        yield f"{at}/{key}: came, but isn't shown"
    for key in shown.keys() & found.keys():
        yield from _differ(shown[key], found[key], f"{at}/{key}")


def _fits(shown: str, found: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), found, re.DOTALL) is not None


# --- Looking things up -----------------------------------------------------------------------------------------------


def without_blocks(path: Path) -> str:
    return _FENCE.sub("", path.read_text("utf-8"))


def links(path: Path) -> list[str]:
    """Where a document's links and pictures lead, less other people's pages."""
    found = ["".join(match) for match in _LINK.findall(without_blocks(path))]
    return [link for link in found if not link.startswith(("http://", "https://", "mailto:"))]


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in _HEADING.findall(without_blocks(path)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def leads_somewhere(path: Path, link: str) -> bool:
    place, _, anchor = link.partition("#")
    target = (path.parent / place) if place else path
    if not target.exists():
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target))


def rows(path: Path) -> list[list[str]]:
    """The rows of a document's tables, cell by cell, with `code` without its backticks in the first cell."""
    found: list[list[str]] = []
    for row in _ROW.findall(without_blocks(path)):
        first, *rest = [cell.strip() for cell in row.replace(r"\|", "\0").split("|")]
        found.append([cell.replace("\0", "|") for cell in (first.strip("`"), *rest)])
    return found
