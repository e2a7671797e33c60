"""The figures as an SVG that reads well on light and on dark paper."""

from collections.abc import Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape

from loyalty.bench.measure import TARGETS, YARDSTICKS, Target
from loyalty.bench.report import RATES, TITLES, bound, shown

WIDTH: Final = 800
ROW: Final = 28
LABEL_END: Final = 250
BAR_END: Final = 640
AT_TARGET: Final = 0.6
"""Where on a bar's way its target lies."""

STYLE: Final = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 15px; }
  .quiet { fill: #59636e; font-size: 12px; }
  .track { fill: #eaeef2; }
  .ours { fill: #2f6fb3; }
  .other { fill: #8c99a8; }
  .reached { fill: #2f8f5b; }
  .missed { fill: #c2503f; }
  .target { stroke: #1f2328; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .track { fill: #2a313a; }
    .ours { fill: #6ea8e0; }
    .other { fill: #6b7683; }
    .reached { fill: #4ac47f; }
    .missed { fill: #ef7b6b; }
    .target { stroke: #e6edf3; }
  }
"""


def draw(figures: Mapping[str, float | None], rates: Mapping[str, float], note: str) -> str:
    """Return the chart: rates on one scale, then each figure on its own, with its target at the same place."""
    rows = [*_rates(rates), *_figures(figures)]
    height = sum(space for space, _ in rows) + 70
    body: list[str] = []
    y = 10
    for space, row in rows:
        body.append(f'<g transform="translate(0 {y})">{row}</g>')
        y += space
    body.append(f'<text class="quiet" x="16" y="{y + 30}">{escape(note)}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
            f'     aria-label="{_spoken(figures)}">',
            f"<style>{STYLE}</style>",
            *body,
            "</svg>\n",
        ]
    )


def _rates(rates: Mapping[str, float]) -> Iterator[tuple[int, str]]:
    yield _title("Per second", "blue is the service, grey what it is compared with")
    most = max(rates.values(), default=1)
    for name, title in RATES.items():
        if name in rates:
            kind = "other" if name in YARDSTICKS else "ours"
            yield ROW, _bar(title, rates[name] / most, kind, f"{rates[name]:,.0f}")


def _figures(figures: Mapping[str, float | None]) -> Iterator[tuple[int, str]]:
    for at, title, hint in (
        ("least", "Figures that should pass the line", "the line is the target"),
        ("most", "Figures that should stay before the line", "the line is the limit"),
    ):
        yield _title(title, hint)
        for target in TARGETS:
            value = figures[target.key]
            if target.at == at and value is not None:
                yield ROW, _figure(target, value)


def _figure(target: Target, value: float) -> str:
    share = min(1.0, value / target.bound * AT_TARGET)
    kind = "reached" if target.reached(value) else "missed"
    x = LABEL_END + (BAR_END - LABEL_END) * AT_TARGET
    line = f'<line class="target" x1="{x:.0f}" x2="{x:.0f}" y1="1" y2="23"/>'
    return _bar(TITLES[target.key].strip(), share, kind, f"{shown(target, value)} ({bound(target)})") + line


def _bar(label: str, share: float, kind: str, text: str) -> str:
    room = BAR_END - LABEL_END
    return (
        f'<text x="{LABEL_END - 10}" y="17" text-anchor="end">{escape(label)}</text>'
        f'<rect class="track" x="{LABEL_END}" y="4" width="{room}" height="17" rx="3"/>'
        f'<rect class="{kind}" x="{LABEL_END}" y="4" width="{room * share:.1f}" height="17" rx="3"/>'
        f'<text x="{BAR_END + 10}" y="17">{escape(text)}</text>'
    )


def _title(text: str, hint: str) -> tuple[int, str]:
    return 44, (
        f'<text class="title" x="16" y="30">{escape(text)}</text>'
        f'<text class="quiet" x="{BAR_END}" y="30" text-anchor="end">{escape(hint)}</text>'
    )


def _spoken(figures: Mapping[str, float | None]) -> str:
    parts = [f"{TITLES[target.key].strip()}: {shown(target, figures[target.key])}" for target in TARGETS]
    return escape("; ".join(parts), {'"': "&quot;"})
