"""Why a member can't have an offer: codes with their numbers, and sentences in English and Chinese. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, Literal

from msgspec import Struct

from loyalty.errors import Problem
from loyalty.partners.model import Per

Why = Literal[
    "member_closed",
    "partner_suspended",
    "offer_suspended",
    "offer_not_open",
    "offer_expired",
    "wrong_tier",
    "wrong_segment",
    "no_price",
    "limit_reached",
    "sold_out",
    "insufficient_points",
]
"""Why a member can't have an offer, in the order in which reasons are given."""


class Expiring(Struct, frozen=True, gc=False):
    """Points that can't be spent any more from this day on."""

    on: date
    points: int


class Reason(Struct, frozen=True, gc=False, omit_defaults=True):
    """One reason why not, with its numbers; those that say nothing are left out.

    `from`: since when it can be had. `until`: the last day that it could. `on`: the day that has no price. `among`: the
    tiers or segments it is for. `most`, `per`, `left`: the limit, and what the member may still have; `left` is also
    what there is of it. `missing`, `available`: points; `expiring`: what of those available expires soon.
    """

    code: Why
    opens: date | None = None
    until: date | None = None
    on: date | None = None
    among: tuple[str, ...] = ()
    most: int | None = None
    per: Per | None = None
    left: int | None = None
    missing: int | None = None
    available: int | None = None
    expiring: tuple[Expiring, ...] = ()


def no_price(day: date) -> Reason:
    """Return that an offer has no price on a day for the member's tier."""
    return Reason("no_price", on=day)


def sold_out(left: int = 0) -> Reason:
    """Return that there are no more of it, or not as many as asked for."""
    return Reason("sold_out", left=left)


_ORDER: Final[Mapping[str, int]] = {code: place for place, code in enumerate(Why.__args__)}


def in_order(reasons: Iterable[Reason]) -> list[Reason]:
    """Return reasons in the order in which they are given."""
    return sorted(reasons, key=lambda reason: _ORDER[reason.code])


def problem(reasons: Sequence[Reason]) -> Problem:
    """Return the refusal for the first of some reasons, in English, with its numbers; it tells of all."""
    detail = " ".join(sentence(reason, "en") for reason in reasons)
    return Problem(reasons[0].code, detail, at=_AT.get(reasons[0].code), numbers=_numbers(reasons[0]))


_AT: Final[Mapping[str, str]] = {
    "member_closed": "/member",
    "partner_suspended": "/offer",
    "offer_suspended": "/offer",
    "offer_not_open": "/offer",
    "offer_expired": "/offer",
    "wrong_tier": "/member",
    "wrong_segment": "/member",
    "no_price": "/details",
    "limit_reached": "/quantity",
    "sold_out": "/offer",
    "insufficient_points": "/member",
}


def _numbers(reason: Reason) -> dict[str, int]:
    """Return the numbers of a reason, for programs to read."""
    named = {name: getattr(reason, name) for name in ("missing", "available", "most", "left")}
    numbers = {name: number for name, number in named.items() if number is not None}
    if reason.expiring:
        numbers["expiring"] = sum(one.points for one in reason.expiring)
    return numbers


def sentence(reason: Reason, language: Literal["en", "zh"]) -> str:
    """Say a reason in one or two sentences."""
    text = _SENTENCES[reason.code][language].format(
        opens=reason.opens, until=reason.until, on=reason.on, among=", ".join(reason.among), most=reason.most,
        left=reason.left, missing=reason.missing, available=reason.available,
        per=_PER[language][reason.per] if reason.per else "",
    )  # fmt: skip
    return text + "".join(_EXPIRE[language].format(points=one.points, on=one.on) for one in reason.expiring)


_PER: Final[Mapping[str, Mapping[Per, str]]] = {
    "en": {"ever": "", "year": " a year", "month": " a month", "day": " a day"},
    "zh": {"ever": "", "year": "每年", "month": "每月", "day": "每天"},
}
_EXPIRE: Final = {
    "en": " {points} of those expire on {on}.",
    "zh": "其中{points}分将于{on}到期。",
}
_SENTENCES: Final[Mapping[Why, Mapping[str, str]]] = {
    "member_closed": {"en": "The member's account is closed.", "zh": "会员账户已关闭。"},
    "partner_suspended": {"en": "The partner is suspended.", "zh": "该合作伙伴已暂停合作。"},
    "offer_suspended": {"en": "The offer is suspended.", "zh": "该礼遇已暂停。"},
    "offer_not_open": {"en": "It can be had from {opens} on.", "zh": "{opens}起可兑换。"},
    "offer_expired": {"en": "It could be had until {until}.", "zh": "兑换已于{until}截止。"},
    "wrong_tier": {"en": "It is for members of: {among}.", "zh": "仅限以下等级的会员：{among}。"},
    "wrong_segment": {"en": "It is for: {among}.", "zh": "仅限以下会员群体：{among}。"},
    "no_price": {
        "en": "It has no price for {on} and the member's tier.",
        "zh": "{on}对该会员等级没有兑换价。",
    },
    "limit_reached": {
        "en": "A member may have {most}{per}; {left} are left.",
        "zh": "每位会员{per}限兑{most}份，还可兑换{left}份。",
    },
    "sold_out": {"en": "Not so many are left: {left}.", "zh": "余量不足：{left}份。"},
    "insufficient_points": {
        "en": "{missing} points are missing: there are {available}.",
        "zh": "还差{missing}分：现有{available}分。",
    },
}
