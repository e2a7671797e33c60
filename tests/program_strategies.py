"""Definitions of programs for tests: one that says every key there is, and any number of made-up ones that hold."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from loyalty.program import model
from loyalty.program.model import Definition, Name

FULL = """\
id = "full"
version = 1
time_zone = "Asia/Shanghai"
currency = "CNY"
number_prefix = "F"
point_value = "0.01"
name = { en = "Full", zh = "全" }

[exchange]
USD = "7.10"
JPY = "0.047"

[[exchange_from]]
day = 2027-01-01
rates = { USD = "7.20" }

[[exchange_from]]
day = 2027-07-01
rates = { USD = "7.00", JPY = "0.05" }

[earning]
per = "10"
whole = true
rounding = "half_up"
bonus_rounding = "up"
each = "line"
judged_on = "departure"
pending_days = 3
tier_points = ["base", "promotion"]
points = { room = "1", food = "1.5" }

[[earning.rule]]
code = "villas"
room_types = ["VILLA*"]
points = { room = "2", spa = "1" }
per = "5"
whole = true
nights = "0.5"
bonus = false
rooms = 1

[[earning.rule]]
code = "budget_brand"
brands = ["lite"]
points = { room = "0.5" }
nights_per = 2

[[earning.cap]]
code = "a_day"
per = "day"
points = 50000
properties = ["SHA01"]

[[exclusion]]
code = "agency"
name = { en = "Agency", zh = "代理" }
channels = ["ota", "wholesale"]
counts = ["nights"]
earns = ["food"]

[[exclusion]]
code = "staff"
name = { en = "Staff", zh = "员工" }
rate_codes = ["STAFF*"]

[counting]
units = ["nights", "stays", "spend", "tier_points", "no_shows", "brands"]
day_use_is_stay = true
rooms = 3
room_nights = true
award_nights = "whole_stay"
award_stay_counts = ["stays"]
consecutive = true

[qualification]
period = "calendar_year"
months = 12
effective = "next_day"
downgrade = "one_level"
grace_months = 2
rollover = ["nights"]
rollover_from = "gold"

[[qualification.bar]]
unit = "no_shows"
at_most = 3

[[qualification.bar]]
unit = "stays"
at_most = 900
on = "keep"
tiers = ["gold"]

[[qualification.lifetime]]
tier = "gold"
require = { nights = "500" }
years = 10

[[benefit]]
code = "late"
name = { en = "Late check-out", zh = "延迟退房" }

[[benefit]]
code = "suite"
name = { en = "Suite", zh = "套房" }

[[festival]]
code = "national"
name = { en = "National Day", zh = "国庆节" }
day = "10-01"
days_before = 1
days = 7

[[festival]]
code = "moon"
name = { en = "Mid-Autumn", zh = "中秋节" }
lunar = "08-15"

[[festival]]
code = "own"
name = { en = "Our days", zh = "自定" }
listed = [2027-03-01, 2027-04-01]

[[tier]]
code = "member"
name = { en = "Member", zh = "会员" }

[[tier]]
code = "silver"
name = { en = "Silver", zh = "银卡" }
bonus_percent = 10
reach = { nights = "10", spend = "5000" }
keep = { nights = "8", spend = "4000" }
benefits = ["late"]

[[tier]]
code = "gold"
name = { en = "Gold", zh = "金卡" }
bonus_percent = 20
reach = { nights = "30", spend = "20000" }
require = { brands = "2" }
keep = { nights = "25", spend = "20000" }
keep_require = { brands = "1" }
permanent = false
by_invitation = false
benefits = ["late"]
yearly = { suite = 2 }

[[promotion]]
code = "double"
name = { en = "Double", zh = "双倍" }
first = 2027-09-01
last = 2027-12-31
by = "arrival"
weekdays = ["fri", "sat"]
festivals = ["own", "moon", "national"]
tiers = ["silver", "gold"]
multiplier = "2"
rounding = "up"
group = "season"
priority = 2
per_stay = 5000
per_member = 20000
times = 3
budget = 1000000

[[promotion]]
code = "share"
name = { en = "A tenth", zh = "加一成" }
by = "booking"
member_days = [8, 18]
percent = "10"
group = "season"
priority = 1
least_nights = 2
least_spend = "1000"

[[promotion]]
code = "welcome"
name = { en = "Welcome", zh = "欢迎" }
segments = ["family"]
nth_stay = [1]
nth_over = "year"
birthday_month = true
referred = true
registration = true
points = 500

[[promotion]]
code = "back"
name = { en = "Welcome back", zh = "欢迎回来" }
dormant_months = 6
from_stay = 3
points_per_night = 100
nights = "1"

[[milestone]]
code = "tenth"
name = { en = "Tenth stay", zh = "第十次" }
unit = "stays"
every = "10"
above = "5"
most = 3
reward = { code = "album", name = { en = "Album", zh = "相册" }, kind = "voucher", valid_months = 12 }

[[milestone]]
code = "ladder"
name = { en = "Ladder", zh = "阶梯" }
unit = "nights"
at = ["20", "40.5"]
or_at = { spend = ["1000"] }
over = "year"

[milestone.choice]
pick = 1
within_days = 60
until = "01-07"
default = ["some_points"]
among = [
    { code = "some_points", name = { en = "Points", zh = "积分" }, kind = "points", points = 1000 },
    { code = "a_suite", name = { en = "Suite", zh = "套房" }, valid_to = "12-31", valid_years = 2 },
]

[expiry]
months = 24
at_end_of = "month"
by_tier = { gold = 0, silver = 36 }
inactivity_months = 12
inactivity_exempt = ["gold"]
inactivity_exempt_lifetime = true
activity = ["stay", "spend"]
warn_days = [30, 60]

[transfers]
least = 1000
step = 500
sent_a_year = 50000
received_a_year = 100000
account_days = 30
times_a_year = 6
every_days = 30
fee = "0.005"

[household]
members = 4
account_days = 30

[purchase]
price = "0.08"
least = 1000
step = 1000
a_year = 100000
account_days = 10

[compensation]
reasons = { noise = { en = "Noise", zh = "噪音" } }
approval_above = 5000
agent_a_day = 20000
member_a_year = 50000

[referral]
points = 1000
times_a_year = 5
within_days = 180

[limits]
nights = 90
amount = "500000"
adjustment = 100000
"""
"""Says every key there is, and has no mistake. What can't stand together stands in entries of their own."""


# --- TOML from a definition -------------------------------------------------------------------------------------------


def toml_of(definition: Definition, *, headers: bool = True) -> str:
    """Write a definition as TOML: with headers of tables as people do, or each key on a line of its own."""
    document = {
        key: value
        for key, value in msgspec.to_builtins(definition, builtin_types=(date,)).items()
        if value is not None
    }
    if not headers:
        return "".join(f"{key} = {_inline(value)}\n" for key, value in document.items())
    plain = {key: value for key, value in document.items() if not _is_table(value)}
    tables = {key: value for key, value in document.items() if _is_table(value)}
    return "".join(_plain_lines(plain)) + "".join(_table_lines("", tables))


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)
    )


def _plain_lines(table: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key} = {_inline(value)}\n" for key, value in table.items() if value is not None)


def _table_lines(path: str, tables: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tables.items():
        entries = (
            [(f"[{path}{key}]", value)]
            if isinstance(value, Mapping)
            else [(f"[[{path}{key}]]", one) for one in value]
        )
        for header, entry in entries:
            yield f"\n{header}\n"
            yield from _plain_lines(entry)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_inline(each)}" for key, each in value.items() if each is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, date):
        return value.isoformat()
    return msgspec.json.encode(value).decode()


# --- made-up definitions ----------------------------------------------------------------------------------------------

BENEFITS = ("late_check_out", "breakfast", "suite")
CATEGORIES = ("room", "food", "spa", "laundry")
TIERS = ("member", "silver", "gold", "diamond")
DAY_ONE = date(2026, 1, 1)
NIGHTS_OF_A_RULE: list[dict[str, Any]] = [{"nights": "0.5"}, {}, {"nights_per": 3}]
VALID: list[dict[str, Any]] = [
    {}, {"valid_months": 14}, {"valid_to": "12-31"}, {"valid_to": "02-29", "valid_years": 2},
]  # fmt: skip

texts = st.sampled_from(["Gold", "Double points", "金卡", '"quoted"', "back\\slash", "é, #1 = [x]"])
names = st.builds(Name, en=texts, zh=texts)
rates = st.sampled_from(["0.5", "1", "1.25", "2", "3.50", "10"])
decimals = st.integers(1, 50).map(str)
days = st.integers(0, 900).map(lambda number: DAY_ONE + timedelta(number))
weekdays = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), unique=True).map(
    tuple
)
channels = st.lists(st.sampled_from(["direct", "app", "ota", "group"]), unique=True).map(tuple)
points = st.integers(1, 5000)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a value, or none."""
    return st.none() | values


@st.composite
def earnings(draw: st.DrawFn) -> model.Earning:
    rules = draw(st.lists(st.sampled_from(["lite", "grand", "inn"]), unique=True, max_size=2))
    return model.Earning(
        points=draw(st.dictionaries(st.sampled_from(CATEGORIES), rates, min_size=1)),
        per=draw(st.sampled_from(["1", "1.00", "10"])),
        whole=draw(st.booleans()),
        rounding=draw(st.sampled_from(["down", "half_up", "up"])),
        each=draw(st.sampled_from(["stay", "line"])),
        judged_on=draw(st.sampled_from(["arrival", "departure", "posting"])),
        pending_days=draw(st.integers(0, 20)),
        rule=tuple(
            model.EarningRule(
                code=brand, brands=(brand,), points={"room": draw(rates)}, bonus=draw(st.booleans()),
                rooms=draw(some(st.integers(1, 5))), **draw(st.sampled_from(NIGHTS_OF_A_RULE)),
            )
            for brand in rules
        ),
        cap=tuple(
            model.Cap(code=f"cap_{per}", per=per, points=draw(points))
            for per in draw(st.lists(st.sampled_from(["stay", "day", "year"]), unique=True))
        ),
    )  # fmt: skip


@st.composite
def tiers(draw: st.DrawFn) -> tuple[model.Tier, ...]:
    """Return a ladder: each threshold above that of the tier below."""
    number = draw(st.integers(1, len(TIERS)))
    units = draw(st.sampled_from([("nights",), ("stays", "spend"), ("nights", "stays", "spend")]))
    kept = draw(st.booleans())
    ladder = [model.Tier(code=TIERS[0], name=draw(names))]
    reach = dict.fromkeys(units, 5)
    for code in TIERS[1:number]:
        reach = {unit: count + draw(st.integers(1, 30)) for unit, count in reach.items()}
        ladder.append(
            model.Tier(
                code=code, name=draw(names), bonus_percent=10 * len(ladder),
                reach={unit: str(count) for unit, count in reach.items()},
                keep={unit: str(count - 2) for unit, count in reach.items()} if kept else {},
                benefits=tuple(draw(st.lists(st.sampled_from(BENEFITS), unique=True))),
                yearly=draw(st.dictionaries(st.sampled_from(BENEFITS), st.integers(1, 5), max_size=1)),
            )
        )  # fmt: skip
    return tuple(ladder)


gifts: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"multiplier": st.sampled_from(["1.5", "2", "3"])}),
    st.fixed_dictionaries({"percent": st.sampled_from(["5", "12.5", "100"])}),
    st.fixed_dictionaries({"points": points}),
    st.fixed_dictionaries({"points_per_night": points, "by": st.sampled_from(["nights", "check_out"])}),
)


numbered: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"nth_stay": (1,)}, {"nth_stay": (2, 3)}, {"from_stay": 2}]
)


@st.composite
def promotions(draw: st.DrawFn, code: str, priority: int) -> model.Promotion:
    """Return a promotion whose priority nobody else has."""
    first, length = draw(some(days)), draw(some(st.integers(7, 300)))
    return model.Promotion(
        code=code, name=draw(names), first=first, last=first and length and first + timedelta(length),
        weekdays=draw(weekdays), channels=draw(channels),
        except_brands=draw(st.sampled_from([(), ("lite", "inn*")])), **draw(numbered),
        dormant_months=None, birthday_month=draw(st.booleans()), registration=draw(st.booleans()),
        least_nights=draw(some(st.integers(1, 5))), rounding=draw(st.sampled_from(["down", "half_up", "up"])),
        priority=priority, group=draw(st.sampled_from([None, "season", "other"])),
        per_member=draw(some(st.integers(5000, 50000))), times=draw(some(st.integers(1, 5))),
        budget=draw(some(st.integers(5000, 10**6))), **draw(gifts),
    )  # fmt: skip


@st.composite
def milestones(draw: st.DrawFn, code: str) -> model.Milestone:
    start, step = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    marks = draw(
        st.sampled_from(
            [
                {"every": str(step)},
                {"at": tuple(str(start + step * place) for place in range(4))},
                {"at": ("20", "40"), "or_at": {"spend": ("500", "900.50")}},
            ]
        )
    )
    rewards = [
        model.Reward(code=f"{code}_points", name=draw(names), kind="points", points=draw(points)),
        model.Reward(
            code=f"{code}_gift", name=draw(names), kind="voucher",
            **draw(st.sampled_from(VALID)),
        ),
    ]  # fmt: skip
    given: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"reward": rewards[0]},
                {"reward": rewards[1]},
                {"choice": model.Choice(among=tuple(rewards), until=draw(st.sampled_from([None, "01-07"])))},
            ]
        )
    )
    return model.Milestone(
        code=code, name=draw(names), unit=draw(st.sampled_from(["nights", "stays"])),
        over=draw(st.sampled_from(["lifetime", "year"])), most=draw(some(st.integers(1, 4))), **marks, **given,
    )  # fmt: skip


@st.composite
def expiries(draw: st.DrawFn, codes: tuple[str, ...]) -> model.Expiry:
    months, idle = draw(some(st.integers(1, 60))), draw(some(st.integers(1, 60)))
    return model.Expiry(
        months=months, at_end_of=draw(st.sampled_from(["day", "month", "year"])),
        by_tier=draw(st.dictionaries(st.sampled_from(codes), st.integers(0, 60), max_size=2)),
        inactivity_months=idle, inactivity_exempt=codes[1:] if idle and draw(st.booleans()) else (),
        inactivity_exempt_lifetime=idle is not None and draw(st.booleans()),
        warn_days=draw(st.sampled_from([(), (7,), (14, 7)])) if months else (),
    )  # fmt: skip


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Return a definition that holds: without mistakes, though there may be warnings."""
    ladder = draw(tiers())
    codes = tuple(tier.code for tier in ladder)
    return Definition(
        id="made_up", version=draw(st.integers(1, 99)), name=draw(names),
        currency=draw(st.sampled_from(["CNY", "EUR"])),
        time_zone=draw(st.sampled_from(["UTC", "Asia/Shanghai"])), earning=draw(earnings()), tier=ladder,
        exchange=draw(st.dictionaries(st.sampled_from(["USD", "JPY"]), rates)),
        exclusion=draw(st.sampled_from([(), (_EXCLUSION,)])),
        qualification=draw(st.sampled_from(_QUALIFICATIONS)),
        benefit=tuple(model.Benefit(code, draw(names)) for code in BENEFITS),
        promotion=tuple(draw(promotions(f"p{place}", place)) for place in range(draw(st.integers(0, 3)))),
        milestone=tuple(draw(milestones(f"m{place}")) for place in range(draw(st.integers(0, 3)))),
        expiry=draw(expiries(codes)),
        transfers=draw(some(st.builds(model.Transfers, least=st.just(600), step=st.sampled_from([1, 100, 200]),
                                     times_a_year=some(st.integers(1, 9)), every_days=some(st.integers(1, 40)),
                                     fee=st.sampled_from([None, "0.005"])))),
        household=draw(some(st.builds(model.Household, members=st.integers(2, 9)))),
        referral=draw(some(st.builds(model.Referral, points=points))),
    )  # fmt: skip


_EXCLUSION = model.Exclusion(
    code="agency", name=Name("Agency", "代理"), channels=("ota",), counts=("nights",)
)
_QUALIFICATIONS = (
    model.Qualification(),
    model.Qualification(period="membership_year", downgrade="one_level"),
    model.Qualification(period="rolling", months=24, effective="next_day"),
    model.Qualification(period="cycle", months=6, grace_months=3),
)
