from xml.etree import ElementTree as ET

from loyalty.bench import chart, measure
from loyalty.bench.measure import TARGETS

FIGURES: dict[str, float | None] = {target.key: target.bound for target in TARGETS}
RATES = dict.fromkeys(measure.ORDER, 1000.0)


def texts(svg: str) -> list[str]:
    return [text for element in ET.fromstring(svg).iter() if (text := element.text)]  # noqa: S314  (we drew it)


def test_a_chart_is_well_formed_and_names_every_rate_and_figure() -> None:
    svg = chart.draw(FIGURES, RATES, "20,000 members & more")

    shown = "\n".join(texts(svg))
    assert shown.count("1,000") == len(measure.ORDER)
    assert all(title.strip() in shown for title in chart.TITLES.values())
    assert "20,000 members & more" in shown


def test_a_chart_follows_the_paper_it_is_on() -> None:
    assert "prefers-color-scheme: dark" in chart.draw(FIGURES, RATES, "")


def test_a_missed_figure_is_drawn_as_missed_and_one_not_measured_is_left_out() -> None:
    svg = chart.draw(FIGURES | {"tpcb_ratio": 0.1, "peak_rss_mb": None}, RATES, "")

    assert svg.count('class="missed"') == 1
    assert svg.count('class="reached"') == len(TARGETS) - 2
