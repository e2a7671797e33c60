"""The definition of a program: what its TOML file may say, as frozen structs. Every number of a program stands here.

Amounts are decimal strings. Dates are plain dates: of a stay in the property's time zone, of the program in its own.
What a definition must be beyond its form is in `checks.py`; what it comes to, in the other files of this folder.
"""

import datetime as dt
from importlib.resources import files
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

HOUSE: Final = files("loyalty.program") / "house.toml"
"""The definition that is shipped: what a hotel group starts with."""

HOUSE_2: Final = files("loyalty.program") / "house_2.toml"
"""Its next version, with promotions all year round: to compare, to simulate, to publish."""

PUBLISHED: Final = files("loyalty.program") / "published"
"""Definitions modelled on programs that hotel groups have published."""

UNIT_SCALE: Final = {"stays": 0, "nights": 1, "spend": 2, "tier_points": 0, "no_shows": 0, "brands": 0}
"""Decimals of each unit that can be counted: nights in tenths, spend in hundredths (or as the currency has)."""

Decimal = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$(?!\n)",
        description='A decimal number in quotes, like "0.5": at most 12 digits and 6 decimals.',
    ),
]
Identifier = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)",
        description="A name of 1 to 32 lower-case letters, digits and underscores, a letter first.",
    ),
]
CurrencyCode = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", description="An ISO 4217 code like CNY.")]
MonthDay = Annotated[
    str,
    Meta(
        pattern=r"^((0[1-9]|1[0-2])-(0[1-9]|[12][0-9])|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)$(?!\n)",
        description='A month and day like "10-01".',
    ),
]
LunarDay = Annotated[
    str,
    Meta(
        pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|30)$(?!\n)",
        description='A month and day of the Chinese calendar like "08-15"; the 30th of a short month is its last day.',
    ),
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Rounding = Literal["down", "half_up", "up"]
Positive = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Budget = Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
Points = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Days = Annotated[int, Meta(ge=0, le=3660)]
Months = Annotated[int, Meta(ge=1, le=600)]


class Name(Struct, frozen=True, forbid_unknown_fields=True):
    """What people read, in English and Chinese."""

    en: str
    zh: str


class Match(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which stays are meant: all that is named must hold; of one list any value does. `*` at an end: anything.

    `except_brands` is the other way round: none of its values may hold.
    """

    properties: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    except_brands: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    rate_codes: tuple[str, ...] = ()
    room_types: tuple[str, ...] = ()
    tiers: tuple[Identifier, ...] = ()


# --- Earning ----------------------------------------------------------------------------------------------------------


class EarningRule(Match, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Other points for some stays. Of the rules that match a stay the first one counts; without one, `[earning]` does.

    `nights` is how many nights one night counts for, such as "0.5"; or else, of so many nights of a stay (`nights_per`)
    one counts, without fractions. `bonus`: whether the tier's bonus comes on top.
    `rooms` is how many rooms of a stay earn, if not as many as `[counting]` says.
    """

    code: Identifier
    points: dict[Identifier, Decimal]
    per: Decimal = "1"
    whole: bool = False
    nights: Decimal = "1"
    nights_per: Positive | None = None
    bonus: bool = True
    rooms: Positive | None = None


class Cap(Match, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most base points of a stay, or of all stays of a member on a day or in a calendar year."""

    code: Identifier
    per: Literal["stay", "day", "year"]
    points: Points


class Earning(Struct, frozen=True, forbid_unknown_fields=True):
    """Points for each `per` of eligible revenue in the program's currency, by category.

    `each` says what is rounded: the stay's total or each line. `judged_on` says by which day's tier a stay is judged.
    `pending_days` is how many days after check-out points become available. `tier_points` says which points are counted
    as such.
    """

    points: dict[Identifier, Decimal]
    per: Decimal = "1"
    whole: bool = False
    rounding: Rounding = "down"
    bonus_rounding: Rounding = "down"
    each: Literal["stay", "line"] = "stay"
    judged_on: Literal["arrival", "departure", "posting"] = "arrival"
    pending_days: Days = 0
    tier_points: tuple[Literal["base", "tier_bonus", "promotion"], ...] = ("base",)
    rule: tuple[EarningRule, ...] = ()
    cap: tuple[Cap, ...] = ()


class ExchangeFrom(Struct, frozen=True, forbid_unknown_fields=True):
    """Exchange rates for stays that end on this day or later, until the next such entry. Others stay as they were."""

    day: dt.date
    rates: dict[CurrencyCode, Decimal]


class Exclusion(Match, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Stays that earn nothing. `counts` names units that they count for all the same; `earns` categories that earn."""

    code: Identifier
    name: Name
    counts: tuple[str, ...] = ()
    earns: tuple[Identifier, ...] = ()


class Counting(Struct, frozen=True, forbid_unknown_fields=True):
    """What is counted for tiers and milestones, and how a stay counts.

    `rooms` is how many rooms of one stay earn; of more, the revenue counts in proportion. `room_nights` says whether
    each such room counts its nights. `award_nights`: nights paid by points or voucher `count`, count `none`, or make
    the `whole_stay` an award stay that earns nothing and counts only for `award_stay_counts`. `consecutive`: stays at
    one property that follow each other are one stay.
    """

    units: tuple[str, ...] = ("nights", "stays", "spend")
    day_use_is_stay: bool = False
    rooms: Positive | None = None
    room_nights: bool = False
    award_nights: Literal["count", "none", "whole_stay"] = "count"
    award_stay_counts: tuple[str, ...] = ()
    consecutive: bool = False


# --- Promotions -------------------------------------------------------------------------------------------------------


class Festival(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some days of each year: from a Gregorian (`day`) or Chinese lunar (`lunar`) date on; or from the days listed on.

    It lasts `days` from its day on, and `days_before` before it as well. Lunar months are ordinary, not leap months.
    """

    code: Identifier
    name: Name
    day: MonthDay | None = None
    lunar: LunarDay | None = None
    listed: tuple[dt.date, ...] = ()
    days_before: Annotated[int, Meta(ge=0, le=366)] = 0
    days: Annotated[int, Meta(ge=1, le=366)] = 1


class Promotion(Match, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points on top, for stays that match. What it gives is one of multiplier, percent, points, points_per_night.

    `by` says which day must lie in `first`..`last`, on `weekdays`, in a festival or on a member day: the check-out, the
    arrival, the booking, the posting; or, by `nights`, the nights that do give their share. Of promotions in one
    `group` only the one with the highest `priority` counts; those of different groups add up.
    Limits: `per_stay` and `per_member` in points, `times` in stays of a member, `budget` in points of all members.
    `nights` counts so many nights more for a stay. `from_stay` is for the stay of this number and all later ones.
    Conditions of the guest (`segments` … `registration`) are judged when the stay is first seen.
    """

    code: Identifier
    name: Name
    first: dt.date | None = None
    last: dt.date | None = None
    by: Literal["check_out", "arrival", "booking", "posting", "nights"] = "check_out"
    weekdays: tuple[Weekday, ...] = ()
    festivals: tuple[Identifier, ...] = ()
    member_days: tuple[Annotated[int, Meta(ge=1, le=31)], ...] = ()
    segments: tuple[Identifier, ...] = ()
    nth_stay: tuple[Positive, ...] = ()
    from_stay: Positive | None = None
    nth_over: Literal["lifetime", "year"] = "lifetime"
    birthday_month: bool = False
    dormant_months: Months | None = None
    referred: bool = False
    registration: bool = False
    least_nights: Positive | None = None
    least_spend: Decimal | None = None

    multiplier: Decimal | None = None
    percent: Decimal | None = None
    points: Points | None = None
    points_per_night: Points | None = None
    nights: Decimal | None = None
    rounding: Rounding = "down"

    priority: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0
    group: Identifier | None = None
    per_stay: Points | None = None
    per_member: Points | None = None
    times: Positive | None = None
    budget: Budget | None = None


# --- Tiers ------------------------------------------------------------------------------------------------------------


class Benefit(Struct, frozen=True, forbid_unknown_fields=True):
    """What a tier brings besides points."""

    code: Identifier
    name: Name


class Tier(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A level. It takes any one threshold of `reach` and all of `require`, within the period.

    `keep` and `keep_require` are what it takes to keep it, the same when left out. `benefits` come with it, `yearly` so
    many times in a calendar year. `permanent`: once reached it is never lost. `by_invitation`: nothing that is counted
    reaches it, it is given to a member.
    """

    code: Identifier
    name: Name
    bonus_percent: Annotated[int, Meta(ge=0, le=1000)] = 0
    reach: dict[str, Decimal] = {}
    require: dict[str, Decimal] = {}
    keep: dict[str, Decimal] = {}
    keep_require: dict[str, Decimal] = {}
    permanent: bool = False
    by_invitation: bool = False
    benefits: tuple[Identifier, ...] = ()
    yearly: dict[Identifier, Positive] = {}


class Bar(Struct, frozen=True, forbid_unknown_fields=True):
    """No upgrade in a period in which more than this was counted, such as 3 no-shows. `tiers`: to these alone.

    `on` keep is about tiers instead that such a period began with: none of them is kept at its end.
    """

    unit: str
    at_most: Points
    on: Literal["reach", "keep"] = "reach"
    tiers: tuple[Identifier, ...] = ()


class Lifetime(Struct, frozen=True, forbid_unknown_fields=True):
    """A tier for good, for what was counted over the whole membership (all of it) and years at this tier or above."""

    tier: Identifier
    require: dict[str, Decimal] = {}
    years: Annotated[int, Meta(ge=0, le=100)] = 0


class Qualification(Struct, frozen=True, forbid_unknown_fields=True):
    """How tiers are earned, kept and lost.

    `calendar_year`, `membership_year`: within such a year; the tier is valid to the end of the next.
    `rolling`: within the last `months`; the tier is valid as long as that holds.
    `cycle`: since the last change of tier or the end of its validity, for `months`; then all counters begin at zero.
    `effective`: on the day it is reached or the day after. `downgrade`: by one level, or to what the counters say.
    `grace_months`: how much longer a tier lasts. `rollover`: units whose excess over the threshold of the tier reached
    counts for tiers in the next year too, once; of those who reached the tier `rollover_from` or a higher one.
    """

    period: Literal["calendar_year", "membership_year", "rolling", "cycle"] = "calendar_year"
    months: Months = 12
    effective: Literal["same_day", "next_day"] = "same_day"
    downgrade: Literal["counters", "one_level"] = "counters"
    grace_months: Annotated[int, Meta(ge=0, le=24)] = 0
    rollover: tuple[str, ...] = ()
    rollover_from: Identifier | None = None
    bar: tuple[Bar, ...] = ()
    lifetime: tuple[Lifetime, ...] = ()


# --- Rewards and expiry -----------------------------------------------------------------------------------------------


class Reward(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a milestone gives: points, a voucher or a benefit, valid for so many months (None: no end).

    Or it is valid to a day of the calendar, `valid_to`, that one included: of the year after the milestone's, or of
    `valid_years` after it; "02-29" is the end of February. The milestone's year is the one it counts, else the one in
    which the reward is granted.
    """

    code: Identifier
    name: Name
    kind: Literal["benefit", "voucher", "points"] = "benefit"
    points: Points = 0
    valid_months: Months | None = None
    valid_to: MonthDay | None = None
    valid_years: Annotated[int, Meta(ge=0, le=50)] = 1


class Choice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`pick` of the rewards `among`, within so many days; `default` is given when nobody chooses.

    `until`: up to this day of the year after the milestone's instead; `within_days` if that is over when it is granted.
    """

    pick: Positive = 1
    among: Annotated[tuple[Reward, ...], Meta(min_length=2)]
    within_days: Annotated[int, Meta(ge=1, le=730)] = 90
    until: MonthDay | None = None
    default: tuple[Identifier, ...] = ()


class Milestone(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A reward granted each time a count passes a multiple of `every`, or the marks `at`.

    `over` says what is counted: the whole membership, or the calendar year. `most` ends it. `or_at` has marks by
    further units beside those of `at`, the first for the first: each is passed once, by whichever unit comes to it.
    """

    code: Identifier
    name: Name
    unit: str
    every: Decimal | None = None
    at: tuple[Decimal, ...] = ()
    or_at: dict[str, tuple[Decimal, ...]] = {}
    above: Decimal = "0"
    most: Positive | None = None
    over: Literal["lifetime", "year"] = "lifetime"
    reward: Reward | None = None
    choice: Choice | None = None


Activity = Literal["stay", "spend", "adjustment", "purchase", "transfer"]


class Expiry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When points expire: so many months after they were earned, at that day or at the end of its month or year.

    `by_tier` says otherwise for the tier a stay was judged by; 0 there means never. `inactivity_months`: all points
    expire so long after the last activity; `months` is then a hard cap. Whoever has a tier of `inactivity_exempt` on
    that day keeps them, and the time begins anew; so does, by `inactivity_exempt_lifetime`, whoever has any tier for
    life: earned as such, or given without an end. `warn_days`: events so many days ahead.
    """

    months: Months | None = None
    at_end_of: Literal["day", "month", "year"] = "day"
    by_tier: dict[Identifier, Annotated[int, Meta(ge=0, le=600)]] = {}
    inactivity_months: Months | None = None
    inactivity_exempt: tuple[Identifier, ...] = ()
    inactivity_exempt_lifetime: bool = False
    activity: tuple[Activity, ...] = ("stay", "spend", "purchase")
    warn_days: tuple[Positive, ...] = ()


# --- Moving points ----------------------------------------------------------------------------------------------------


class Transfers(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points from one member to another, as a gift. Caps are by calendar year; `account_days`: age of the account.

    Of the giver alone: `times_a_year` gifts, counted as long as this is said; `every_days` at most one; `fee` is what
    the giver pays for each point, in the program's currency: it is told, not collected.
    """

    least: Positive = 1
    step: Positive = 1
    sent_a_year: Points | None = None
    received_a_year: Points | None = None
    account_days: Days = 0
    times_a_year: Positive | None = None
    every_days: Annotated[int, Meta(ge=1, le=366)] | None = None
    fee: Decimal | None = None


class Household(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Members who pool their points: each may draw on all of them."""

    members: Annotated[int, Meta(ge=2, le=20)] = 6
    account_days: Days = 0


class Purchase(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points bought. They count for no tier. `price` is of one point, in the program's currency."""

    price: Decimal
    least: Positive = 1
    step: Positive = 1
    a_year: Points | None = None
    account_days: Days = 0


class Compensation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points after a complaint. Above `approval_above` a second person has to agree. Caps are in points."""

    reasons: dict[Identifier, Name] = {}
    approval_above: Points | None = None
    agent_a_day: Points | None = None
    member_a_year: Points | None = None


class Referral(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points for a member who brings another, at the other's first stay that earns; at most so many a year.

    What the newcomer gets is a promotion with `referred = true`.
    """

    points: Positive
    times_a_year: Positive | None = None
    within_days: Annotated[int, Meta(ge=1, le=3660)] = 365


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Beyond these a posting is refused as a mistake. `amount` is of one stay, in the program's currency."""

    nights: Positive = 365
    amount: Decimal = "1000000"
    adjustment: Positive = 1_000_000


class Definition(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All rules of one program, as its file states them. `point_value` is what a point costs, for reports."""

    id: Identifier
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    name: Name
    currency: CurrencyCode
    earning: Earning
    tier: Annotated[tuple[Tier, ...], Meta(min_length=1)]
    time_zone: str = "UTC"
    number_prefix: Annotated[
        str, Meta(pattern=r"^[A-Z]{0,4}$(?!\n)", description="At most 4 capital letters.")
    ] = "M"
    point_value: Decimal = "0"
    exchange: dict[CurrencyCode, Decimal] = {}
    exchange_from: tuple[ExchangeFrom, ...] = ()
    exclusion: tuple[Exclusion, ...] = ()
    counting: Counting = Counting()
    qualification: Qualification = Qualification()
    benefit: tuple[Benefit, ...] = ()
    festival: tuple[Festival, ...] = ()
    promotion: tuple[Promotion, ...] = ()
    milestone: tuple[Milestone, ...] = ()
    expiry: Expiry = Expiry()
    transfers: Transfers | None = None
    household: Household | None = None
    purchase: Purchase | None = None
    compensation: Compensation = Compensation()
    referral: Referral | None = None
    limits: Limits = Limits()
