"""A simulation as an SVG that reads well on light and on dark paper: points by month, and members by tier."""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from loyalty.simulate.model import SimulationReply
from loyalty.simulate.show import percent, span

WIDTH: Final = 800
LABEL_END: Final = 150
BAR_END: Final = 620
_ROW: Final = 30
_TITLE: Final = 48
_MONTHS: Final = 36
"""More months than that are drawn by year."""

STYLE: Final = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 15px; }
  .quiet { fill: #59636e; font-size: 12px; }
  .live { fill: #8c99a8; }
  .new { fill: #2f6fb3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .live { fill: #6b7683; }
    .new { fill: #6ea8e0; }
  }
"""

Row = tuple[str, int, int]
"""A label with what it is under the live rules and under the new ones."""


def draw(found: SimulationReply) -> str:
    """Return the chart; each group of bars has a scale of its own."""
    groups = (
        ("Points by " + _step(found), _points(found)),
        (f"Members by tier on {found.as_of}", _tiers(found)),
    )
    parts = [part for title, rows in groups for part in _group(title, rows)]
    height = sum(space for space, _ in parts) + 50
    body: list[str] = []
    y = 10
    for space, part in parts:
        body.append(f'<g transform="translate(0 {y})">{part}</g>')
        y += space
    note = f"{found.live} (grey) beside {found.new} (blue): {span(found)}"
    body.append(f'<text class="quiet" x="16" y="{y + 26}">{escape(note)}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
            f'     aria-label="{escape(_spoken(found), {chr(34): "&quot;"})}">',
            f"<style>{STYLE}</style>",
            *body,
            "</svg>\n",
        ]
    )


def _step(found: SimulationReply) -> str:
    return "month" if len(found.months) <= _MONTHS else "year"


def _points(found: SimulationReply) -> list[Row]:
    length = len("2026-03") if _step(found) == "month" else len("2026")
    rows: dict[str, Row] = {}
    for one in found.months:
        key = one.key[:length]
        _, live, new = rows.get(key, (key, 0, 0))
        rows[key] = (key, live + one.live.points, new + one.new.points)
    return list(rows.values())


def _tiers(found: SimulationReply) -> list[Row]:
    return [(one.code, one.live, one.new) for one in found.tiers]


def _group(title: str, rows: Sequence[Row]) -> Iterator[tuple[int, str]]:
    hint = "grey: live rules, blue: new rules"
    yield (
        _TITLE,
        (
            f'<text class="title" x="16" y="32">{escape(title)}</text>'
            f'<text class="quiet" x="{BAR_END}" y="32" text-anchor="end">{hint}</text>'
        ),
    )
    most = max((max(live, new) for _, live, new in rows), default=0) or 1
    for label, live, new in rows:
        yield _ROW, _bars(label, live, new, most)


def _bars(label: str, live: int, new: int, most: int) -> str:
    room = BAR_END - LABEL_END
    change = percent(live, new)
    told = f"{new:,} ({change})" if change else f"{new:,}"
    return (
        f'<text x="{LABEL_END - 10}" y="17" text-anchor="end">{escape(label)}</text>'
        f'<rect class="live" x="{LABEL_END}" y="3" width="{room * live // most}" height="8" rx="2"/>'
        f'<rect class="new" x="{LABEL_END}" y="12" width="{room * new // most}" height="8" rx="2"/>'
        f'<text x="{BAR_END + 10}" y="17">{told}</text>'
    )


def _spoken(found: SimulationReply) -> str:
    """Say the chart in a sentence."""
    live, new = found.totals.live.points, found.totals.new.points
    tiers = "; ".join(f"{one.code}: {one.live:,} before, {one.new:,} after" for one in found.tiers)
    return f"Points: {live:,} under {found.live}, {new:,} under {found.new}. Members by tier: {tiers}."
