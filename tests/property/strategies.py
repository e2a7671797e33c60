"""What may happen to a small hotel's members: stays and requests that are near enough to each other to collide."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.property.oracle import Stay

START = date(2026, 10, 20)
"""Near the end of a year, so that stays of two years meet."""

MEMBERS = ("T1", "T2", "T3")
REFS = ("R-1", "R-2", "R-3", "R-4", "R-5")

fen = st.one_of(st.integers(0, 300_00), st.sampled_from([0, 1, 99, 100, 199, 900_00, 1600_00]))
categories = st.sampled_from(["room", "food", "laundry", "spa", "tax"])
lines = st.lists(st.tuples(categories, fen), max_size=4).map(tuple)
statuses = st.sampled_from(["checked_out"] * 6 + ["cancelled", "no_show"])
channels = st.sampled_from(["direct"] * 6 + ["ota", "complimentary", "app"])
rate_codes = st.sampled_from([None] * 5 + ["BAR", "STAFF1", "FREE", "FREER"])
revisions = st.one_of(st.none(), st.integers(0, 6))
members = st.sampled_from(MEMBERS)
days_ago = st.one_of(st.integers(0, 5), st.integers(0, 120))
styles = st.integers(0, 2)

# A stay without its dates: how many days ago it ended, how many nights it had, and what else was said of it.
shapes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "ref": st.sampled_from(REFS),
        "member": members,
        "ago": days_ago,
        "nights": st.integers(0, 5),
        "lines": lines,
        "status": statuses,
        "channel": channels,
        "rate_code": rate_codes,
        "currency": st.sampled_from(["CNY"] * 5 + ["JPY"]),
        "revision": revisions,
    }
)
plain_shapes = shapes.map(lambda shape: shape | {"revision": None})


def shaped(shape: dict[str, Any], today: date) -> Stay:
    """Return the stay of a shape, told on a day."""
    told = dict(shape)
    departure = today - timedelta(days=told.pop("ago"))
    return Stay(arrival=departure - timedelta(days=told["nights"]), **told)


def ended(stay: Stay, today: date) -> Stay:
    """Return a stay that is over by a day: one that isn't can't be checked out."""
    return replace(stay, arrival=min(stay.arrival, today - timedelta(days=stay.nights)))


def stays(today: date = START) -> st.SearchStrategy[Stay]:
    """Return stays that ended by a day."""
    return shapes.map(lambda shape: shaped(shape, today))


# What a revision changes of a stay.
changes: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"lines": lines}),
    st.fixed_dictionaries({"nights": st.integers(0, 6)}),
    st.fixed_dictionaries({"status": st.sampled_from(["cancelled", "no_show", "checked_out"])}),
    st.fixed_dictionaries({"channel": channels, "rate_code": rate_codes}),
    st.fixed_dictionaries({"member": members}),
    st.fixed_dictionaries({"member": members, "lines": lines, "nights": st.integers(0, 6)}),
)
