"""The richest program that is shipped, with fifty promotions under way: what rules may cost at most.

Two of them apply to each of the stays that are posted, one within a cap for each member. The others are looked at and
don't: other hotels, channels, rates, days, guests. What applies is written down as transfers of its own, so it costs by
itself; what is measured here is what the rules cost that have to be looked at.
"""

from datetime import date
from typing import Final

from loyalty.program.model import PUBLISHED

PROMOTIONS: Final = 50
_FIRST: Final = "2020-01-01"

_APPLYING: Final = (
    'percent = "10"\nper_member = 1000000000\nchannels = ["direct"]',
    f"points_per_night = 50\nmember_days = {list(range(1, 32))}",
)
_NOT_APPLYING: Final = (
    'properties = ["OTHER%d"]\nmultiplier = "2"',
    'channels = ["app"]\nbrands = ["brand_%d"]\npercent = "25"',
    'rate_codes = ["R%d*"]\npoints = 500',
    'segments = ["segment_%d"]\npercent = "20"',
    'dormant_months = 6\nroom_types = ["R%d"]\nmultiplier = "2"',
    'birthday_month = true\nsegments = ["birthday_%d"]\npoints = 1000',
    "nth_stay = [5]\nregistration = true\npoints = 1%02d",
    'by = "nights"\nweekdays = ["sun"]\nproperties = ["WEEKEND%d"]\npercent = "50"',
    "registration = true\npoints_per_night = 1%02d\nper_member = 5000",
    'channels = ["phone"]\npoints = 1%02d\nbudget = 900000000\nleast_nights = 3',
)


def definition(today: date) -> str:
    """Return the TOML of the program: promotions that began long ago and last until the year after next."""
    last = date(today.year + 2, 12, 31)
    several = [_APPLYING[place] for place in range(len(_APPLYING))]
    while len(several) < PROMOTIONS:
        several.append(_NOT_APPLYING[len(several) % len(_NOT_APPLYING)] % len(several))
    base = (PUBLISHED / "bonvoy.toml").read_text(encoding="utf-8")
    return base + "".join(
        f'\n[[promotion]]\ncode = "bench_{place}"\nname = {{ en = "Promotion {place}", zh = "活动{place}" }}\n'
        f"first = {_FIRST}\nlast = {last}\n{text}\n"
        for place, text in enumerate(several)
    )
