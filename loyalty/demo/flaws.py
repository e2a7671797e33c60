"""The deliberately bad postings: what front desks and interfaces get wrong, each to be refused."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

Body = dict[str, object]


def _with(**changes: object) -> Callable[[Body], Body]:
    return lambda body: body | changes


def _without(field: str) -> Callable[[Body], Body]:
    return lambda body: {name: value for name, value in body.items() if name != field}


def _with_amount(amount: str) -> Callable[[Body], Body]:
    return _with(lines=[{"category": "room", "amount": amount}])


def _swapped_dates(body: Body) -> Body:
    return body | {"arrival": body["departure"], "departure": body["arrival"]}


def _arrived_another_year(body: Body) -> Body:
    arrival = date.fromisoformat(str(body["arrival"])) - timedelta(days=400)
    return body | {"arrival": arrival.isoformat()}


def _emoji_in_reference(body: Body) -> Body:
    return body | {"stay_ref": f"{body['stay_ref']}🛎"}


FLAWS: Final[Mapping[str, Callable[[Body], Body]]] = {
    "unknown_property": _with(property="SHA99"),
    "departure_before_arrival": _swapped_dates,
    "negative_amount": _with_amount("-120.00"),
    "thirty_decimals": _with_amount("880." + "3" * 30),
    "unknown_member": _with(member="HX999999"),
    "unknown_currency": _with(currency="XBT"),
    "400_nights": _arrived_another_year,
    "missing_field": _without("lines"),
    "unknown_field": _with(guest_name="Mr Bean"),
    "wrong_type": _with(rooms="one"),
    "unknown_status": _with(status="checked_in"),
    "emoji_in_reference": _emoji_in_reference,
}
"""What turns a good posting into a bad one, by name. Each leaves the posting it was given unchanged."""
