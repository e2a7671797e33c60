"""What a definition must be beyond its form: for each check a small change that it finds, by line and key."""

from datetime import date
from typing import NamedTuple, get_args

import pytest

from loyalty.program.checks import check, days
from loyalty.program.checks.common import CHANNELS
from loyalty.program.mistakes import Mistake
from loyalty.program.reading import decode, examine
from loyalty.program.visit import Visit
from loyalty.stays.model import Channel
from tests.program_strategies import FULL


class Planted(NamedTuple):
    """What is written instead of what, the text whose line is told, the key, and what is said."""

    right: str
    wrong: str
    at: str
    key: str
    said: str


def added(after: str, text: str, key: str, said: str, at: str | None = None) -> Planted:
    """Plant something behind a line."""
    return Planted(f"{after}\n", f"{after}\n{text}\n", at or text, key, said)


def instead(right: str, wrong: str, key: str, said: str, at: str | None = None) -> Planted:
    return Planted(right, wrong, at or wrong, key, said)


def at_end(text: str, key: str, said: str, at: str) -> Planted:
    return Planted("adjustment = 100000\n", f"adjustment = 100000\n\n{text}\n", at, key, said)


NAMED = 'name = { en = "N", zh = "名" }'
UNITS = 'units = ["nights", "stays", "spend", "tier_points", "no_shows", "brands"]'


def promotion(text: str, said: str, key: str, at: str) -> Planted:
    """Plant another promotion."""
    return at_end(f'[[promotion]]\ncode = "new"\n{NAMED}\n{text}', f"promotion new{key}", said, at)


def festival(text: str, said: str, key: str, at: str) -> Planted:
    return at_end(
        f'[[festival]]\ncode = "new"\n{NAMED}\n{text}\n'
        f'[[promotion]]\ncode = "for_it"\n{NAMED}\npoints = 1\nfestivals = ["new"]',
        f"festival new{key}", said, at,
    )  # fmt: skip


def milestone(text: str, said: str, key: str, at: str) -> Planted:
    return at_end(f'[[milestone]]\ncode = "new"\n{NAMED}\n{text}', f"milestone new{key}", said, at)


REWARD = f'reward = {{ code = "r", {NAMED} }}'
LAST = "§last"
"""Behind a text: its last place, not its first."""
NEW_PROMOTION, NEW_FESTIVAL, NEW_MILESTONE = (
    f"[[promotion]]{LAST}",
    f"[[festival]]{LAST}",
    f"[[milestone]]{LAST}",
)

MISTAKES = {
    # the top
    "a time zone": instead(
        "Asia/Shanghai",
        "Asia/Shangai",
        "time_zone",
        'is not a time zone; write one such as "Asia/Shanghai". Did you mean `Asia/Shanghai`?',
    ),
    "an empty name": instead(
        'en = "Late check-out"', 'en = " "', "benefit late.name.en", "a name must not be empty"
    ),
    "an empty name of a reward": instead(
        'zh = "相册"', 'zh = ""', "milestone tenth.reward.name.zh", "a name must not be empty"
    ),
    # units
    "an unknown unit": instead(
        UNITS, UNITS.replace("]", ', "smiles"]'), "counting.units", '"smiles" is unknown; known are'
    ),
    "a unit spelled wrong": instead(
        UNITS, UNITS.replace("nights", "nigths"), "counting.units", "Did you mean `nights`?"
    ),
    "a unit twice": instead(
        UNITS, UNITS.replace("]", ', "stays"]'), "counting.units", "`stays` is given twice"
    ),
    "a unit that isn't counted": Planted(
        UNITS,
        UNITS.replace(', "brands"', ""),
        'require = { brands = "2" }',
        "tier gold.require.brands",
        '"brands" is not among counting.units',
    ),
    "a threshold in an unknown unit": instead(
        'reach = { nights = "10"',
        'reach = { nigths = "10"',
        "tier silver.reach.nigths",
        '"nigths" is unknown; known are stays, nights',
    ),
    "a bar in a unit that isn't counted": Planted(
        UNITS,
        UNITS.replace(', "no_shows"', ""),
        'unit = "no_shows"',
        "qualification.bar no_shows.unit",
        "not among counting.units",
    ),
    "an exclusion that counts an unknown unit": instead(
        'counts = ["nights"]', 'counts = ["night"]', "exclusion agency.counts", "Did you mean `nights`?"
    ),
    "a milestone of an unknown unit": instead(
        'unit = "stays"\nevery',
        'unit = "visits"\nevery',
        "milestone tenth.unit",
        '"visits" is unknown',
        'unit = "visits"',
    ),
    "a threshold that is too fine": instead(
        'reach = { nights = "10"',
        'reach = { nights = "10.25"',
        "tier silver.reach.nights",
        '"10.25" is finer than nights are counted; write at most 1 decimal',
    ),
    "stays in halves": instead(
        'every = "10"', 'every = "10.5"', "milestone tenth.every", "write a whole number"
    ),
    "a threshold of zero": instead(
        'require = { brands = "2" }',
        'require = { brands = "0" }',
        "tier gold.require.brands",
        "must be above zero",
    ),
    # exchange
    "a rate of zero": instead('JPY = "0.047"', 'JPY = "0.00"', "exchange.JPY", "must be above zero"),
    "a rate of the own currency": added(
        'JPY = "0.047"', 'CNY = "1"', "exchange.CNY", "is the program's own currency"
    ),
    "changes of rates out of order": instead(
        "day = 2027-07-01",
        "day = 2026-07-01",
        "exchange_from 2026-07-01.day",
        "2026-07-01 must be after 2027-01-01",
    ),
    "a change of no rate": instead(
        'rates = { USD = "7.20" }', "rates = {}", "exchange_from 2027-01-01.rates", "say at least one rate"
    ),
    "a changed rate of zero": instead(
        'rates = { USD = "7.20" }',
        'rates = { USD = "0" }',
        "exchange_from 2027-01-01.rates.USD",
        "must be above zero",
    ),
    # earning
    "points per nothing": instead('per = "10"', 'per = "0"', "earning.per", "must be above zero"),
    "points per nothing in a rule": instead(
        'per = "5"', 'per = "0"', "earning.rule villas.per", "must be above zero"
    ),
    "half a tenth of a night": instead(
        'nights = "0.5"', 'nights = "0.25"', "earning.rule villas.nights", "is finer than nights"
    ),
    "tier points that nothing counts as": instead(
        'tier_points = ["base", "promotion"]',
        "tier_points = []",
        "earning.tier_points",
        "no points count as such",
    ),
    "tier points twice": instead(
        '["base", "promotion"]', '["base", "base"]', "earning.tier_points", "`base` is given twice"
    ),
    "a rule twice": instead(
        'code = "budget_brand"',
        'code = "villas"',
        "earning.rule villas.code",
        "`villas` is given twice",
        'code = "villas"§last',
    ),
    "a cap twice": at_end(
        '[[earning.cap]]\ncode = "a_day"\nper = "stay"\npoints = 1',
        "earning.cap a_day.code",
        "`a_day` is given twice",
        'code = "a_day"§last',
    ),
    "an exclusion twice": instead(
        'code = "staff"',
        'code = "agency"',
        "exclusion agency.code",
        "`agency` is given twice",
        'code = "agency"§last',
    ),
    "an exclusion of everything": instead(
        'rate_codes = ["STAFF*"]\n', "", "exclusion staff", "excludes every stay", "[[exclusion]]§last"
    ),
    "a category that nothing earns": instead(
        'earns = ["food"]',
        'earns = ["foot"]',
        "exclusion agency.earns",
        "no rate for the category `foot`; there are: room, food, spa. Did you mean `food`?",
    ),
    # which stays
    "a star in the middle": instead(
        'room_types = ["VILLA*"]',
        'room_types = ["V*LLA"]',
        "earning.rule villas.room_types",
        "has a `*` that is not at its end",
    ),
    "an empty pattern": instead(
        'brands = ["lite"]', 'brands = [""]', "earning.rule budget_brand.brands", "an empty text fits nothing"
    ),
    "an unknown channel": instead(
        'channels = ["ota", "wholesale"]',
        'channels = ["ota", "wholesaler"]',
        "exclusion agency.channels",
        '"wholesaler" is no channel; there are: direct, web',
    ),
    "an unknown tier": instead(
        'tiers = ["silver", "gold"]',
        'tiers = ["silver", "glod"]',
        "promotion double.tiers",
        "there is no tier `glod`; there are: member, silver, gold. Did you mean `gold`?",
    ),
    "a hotel twice": instead(
        'properties = ["SHA01"]',
        'properties = ["SHA01", "SHA01"]',
        "earning.cap a_day.properties",
        "`SHA01` is given twice",
    ),
    # festivals
    "a festival twice": instead(
        'code = "moon"',
        'code = "national"',
        "festival national.code",
        "`national` is given twice",
        'code = "national"§last',
    ),
    "a festival without a day": festival(
        "", "says no day; write one of day, lunar, listed", "", NEW_FESTIVAL
    ),
    "a festival with two": festival(
        'day = "10-01"\nlunar = "08-16"', "give only one of day and lunar", ".lunar", 'lunar = "08-16"'
    ),
    "a day listed twice": instead(
        "listed = [2027-03-01, 2027-04-01]",
        "listed = [2027-03-01, 2027-03-01]",
        "festival own.listed",
        "`2027-03-01` is given twice",
    ),
    # promotions
    "a promotion twice": instead(
        'code = "share"',
        'code = "double"',
        "promotion double.code",
        "`double` is given twice",
        'code = "double"§last',
    ),
    "a promotion that ends before it begins": instead(
        "last = 2027-12-31",
        "last = 2027-08-31",
        "promotion double.last",
        "2027-08-31 is before first, 2027-09-01",
    ),
    "a promotion without a day": promotion(
        'points = 5\nfirst = 2027-01-04\nlast = 2027-01-08\nweekdays = ["sat"]',
        "no day between first and last",
        "",
        NEW_PROMOTION,
    ),
    "member days that never come": promotion(
        "points = 5\nfirst = 2027-01-04\nlast = 2027-01-08\nmember_days = [9, 31]",
        "no day between first and last",
        "",
        NEW_PROMOTION,
    ),
    "a festival between the dates": promotion(
        'points = 5\nfirst = 2027-01-04\nlast = 2027-01-08\nfestivals = ["moon"]',
        "no day between first and last",
        "",
        NEW_PROMOTION,
    ),
    "a promotion that gives nothing": promotion(
        "",
        "gives nothing; write one of multiplier, percent, points, points_per_night or nights",
        "",
        NEW_PROMOTION,
    ),
    "a promotion that gives two things": promotion(
        'multiplier = "2"\npercent = "7"',
        "gives two things at once, multiplier and percent",
        ".percent",
        'percent = "7"',
    ),
    "a multiplier of one": promotion(
        'multiplier = "1.0"', '"1.0" adds nothing: it must be above 1', ".multiplier", 'multiplier = "1.0"'
    ),
    "a multiplier below one": promotion(
        'multiplier = "0.5"', "it must be above 1. Double points", ".multiplier", 'multiplier = "0.5"'
    ),
    "no percent": promotion('percent = "0"', "must be above zero", ".percent", 'percent = "0"'),
    "no points": promotion("points = 0", "must be above zero", ".points", "points = 0"),
    "no points a night": promotion(
        "points_per_night = 0", "must be above zero", ".points_per_night", "points_per_night = 0"
    ),
    "no nights": promotion('nights = "0"', "must be above zero", ".nights", 'nights = "0"'),
    "nights too fine": promotion(
        'nights = "1.55"', "is finer than nights are counted", ".nights", 'nights = "1.55"'
    ),
    "nights that aren't counted": Planted(
        UNITS,
        UNITS.replace('"nights", ', ""),
        'nights = "1"',
        "promotion back.nights",
        '"nights" is not among counting.units',
    ),
    "fixed points by nights": promotion(
        'by = "nights"\npoints = 77', "fixed points can't go by", ".points", "points = 77"
    ),
    "a budget below one award": promotion(
        "points = 77\nbudget = 76", "76 is less than a single award of 77 points", ".budget", "budget = 76"
    ),
    "a budget below one night": promotion(
        "points_per_night = 77\nper_member = 76",
        "76 is less than a single award of 77 points",
        ".per_member",
        "per_member = 76",
    ),
    "nothing for a stay": promotion(
        'multiplier = "2"\nper_stay = 0', "0 is less than any award", ".per_stay", "per_stay = 0"
    ),
    "more nights than a stay has": promotion(
        "points = 5\nleast_nights = 91",
        "a stay has at most 90 nights (limits.nights)",
        ".least_nights",
        "least_nights = 91",
    ),
    "more spend than a stay has": promotion(
        'points = 5\nleast_spend = "500001"',
        "a stay has at most 500000 (limits.amount)",
        ".least_spend",
        'least_spend = "500001"',
    ),
    "spend too fine": promotion(
        'points = 5\nleast_spend = "1.005"',
        "is finer than CNY has decimals",
        ".least_spend",
        'least_spend = "1.005"',
    ),
    "a first stay after another": promotion(
        "points = 5\ndormant_months = 7\nnth_stay = [1]",
        "a guest's first stay has none before it",
        ".dormant_months",
        "dormant_months = 7",
    ),
    "an unknown festival": promotion(
        'points = 5\nfestivals = ["monn"]',
        "there is no festival `monn`; there are: national, moon, own. Did you mean `moon`?",
        ".festivals",
        'festivals = ["monn"]',
    ),
    "a weekday twice": promotion(
        'points = 5\nweekdays = ["sun", "sun"]',
        "`sun` is given twice",
        ".weekdays",
        'weekdays = ["sun", "sun"]',
    ),
    "rivals of one group": promotion(
        'points = 5\ngroup = "season"\npriority = 2',
        "`double` of the group season has the priority 2 too",
        ".priority",
        "priority = 2§last",
    ),
    # benefits and tiers
    "a benefit twice": instead(
        'code = "suite"', 'code = "late"', "benefit late.code", "`late` is given twice", 'code = "late"§last'
    ),
    "a tier twice": instead(
        'code = "gold"\nname',
        'code = "silver"\nname',
        "tier silver.code",
        "`silver` is given twice",
        'code = "silver"§last',
    ),
    "an unknown benefit": instead(
        'benefits = ["late"]\nyearly',
        'benefits = ["lat"]\nyearly',
        "tier gold.benefits",
        "there is no benefit `lat`",
        'benefits = ["lat"]',
    ),
    "a benefit of a tier twice": instead(
        'benefits = ["late"]\nyearly',
        'benefits = ["late", "late"]\nyearly',
        "tier gold.benefits",
        "`late` is given twice",
        'benefits = ["late", "late"]',
    ),
    "an unknown yearly benefit": instead(
        "yearly = { suite = 2 }",
        "yearly = { suites = 2 }",
        "tier gold.yearly.suites",
        "Did you mean `suite`?",
    ),
    "the lowest tier can't be reached": added(
        'name = { en = "Member", zh = "会员" }',
        'reach = { nights = "1" }',
        "tier member.reach",
        "the lowest tier is everybody's; take `reach` away",
    ),
    "the lowest tier can't be kept": added(
        'name = { en = "Member", zh = "会员" }',
        'keep = { nights = "1" }',
        "tier member.keep",
        "the lowest tier is everybody's; take `keep` away",
    ),
    "a tier without thresholds": instead(
        'reach = { nights = "10", spend = "5000" }\nkeep = { nights = "8", spend = "4000" }\n',
        "reach = {}\n",
        "tier silver.reach",
        "say what it takes",
        "reach = {}",
    ),
    "a tier below the one under it": instead(
        'reach = { nights = "30"',
        'reach = { nights = "9.5"',
        "tier gold.reach.nights",
        "must not be below that of silver, 10",
    ),
    "two tiers with one threshold": instead(
        'reach = { nights = "30", spend = "20000" }\nrequire = { brands = "2" }',
        'reach = { nights = "30", spend = "5000.00" }',
        "tier gold.reach.spend",
        "must be above that of silver, 5000",
    ),
    "a tier that asks no more": at_end(
        f'[[tier]]\ncode = "top"\n{NAMED}\nrequire = {{ brands = "2.0" }}',
        "tier top.require",
        "takes no more than the tier below",
        'require = { brands = "2.0" }',
    ),
    "a requirement below that of a lower tier": at_end(
        f'[[tier]]\ncode = "top"\n{NAMED}\nreach = {{ nights = "60" }}\nrequire = {{ brands = "1", stays = "9" }}',
        "tier top.require.brands",
        "must not be below that of gold, 2",
        'brands = "1", stays',
    ),
    "kept by more than it takes": instead(
        'keep = { nights = "8"',
        'keep = { nights = "11"',
        "tier silver.keep.nights",
        "11 to keep it is more than 10 to reach it",
    ),
    "required to keep more than to reach": instead(
        'keep_require = { brands = "1" }',
        'keep_require = { brands = "3" }',
        "tier gold.keep_require.brands",
        "3 to keep it is more than 2 to reach it",
    ),
    "kept by less than the tier below": instead(
        'keep = { nights = "25"',
        'keep = { nights = "7"',
        "tier gold.keep.nights",
        "must not be below that of silver, 8",
    ),
    # qualification
    "months of a year": instead(
        "months = 12\neffective",
        "months = 9\neffective",
        "qualification.months",
        "has no meaning with a calendar_year",
        "months = 9",
    ),
    "rollover without years": Planted(
        'period = "calendar_year"',
        'period = "cycle"',
        'rollover = ["nights"]',
        "qualification.rollover",
        "no next year to carry over to",
    ),
    "one level of a rolling tier": Planted(
        'period = "calendar_year"',
        'period = "rolling"',
        'downgrade = "one_level"',
        "qualification.downgrade",
        "valid as long as its thresholds hold",
    ),
    "rollover of what no tier takes": instead(
        'rollover = ["nights"]',
        'rollover = ["stays"]',
        "qualification.rollover",
        "no tier has a threshold in stays",
    ),
    "rollover of an unknown unit": instead(
        'rollover = ["nights"]', 'rollover = ["night"]', "qualification.rollover", "Did you mean `nights`?"
    ),
    "a bar twice": at_end(
        '[[qualification.bar]]\nunit = "no_shows"\nat_most = 5',
        "qualification.bar no_shows.unit",
        "`no_shows` is given twice",
        'unit = "no_shows"§last',
    ),
    "a bar for a tier that isn't there": instead(
        'on = "keep"\ntiers = ["gold"]',
        'on = "keep"\ntiers = ["golden"]',
        "qualification.bar stays.tiers",
        "there is no tier `golden`",
        'tiers = ["golden"]',
    ),
    "a bar for everybody's tier": instead(
        'on = "keep"\ntiers = ["gold"]',
        'on = "keep"\ntiers = ["member"]',
        "qualification.bar stays.tiers",
        "member is everybody's anyway",
        'tiers = ["member"]',
    ),
    "a bar for one tier twice": instead(
        'on = "keep"\ntiers = ["gold"]',
        'on = "keep"\ntiers = ["gold", "gold"]',
        "qualification.bar stays.tiers",
        "`gold` is given twice",
        'tiers = ["gold", "gold"]',
    ),
    "a bar on keeping what rolls": Planted(
        'period = "calendar_year"',
        'period = "rolling"',
        'on = "keep"',
        "qualification.bar stays.on",
        "a rolling tier is valid as long as its thresholds hold",
    ),
    "rollover from a tier that isn't there": instead(
        'rollover_from = "gold"',
        'rollover_from = "golden"',
        "qualification.rollover_from",
        "there is no tier `golden`",
    ),
    "everybody's tier by invitation": instead(
        'code = "member"\n',
        'code = "member"\nby_invitation = true\n',
        "tier member.by_invitation",
        "the lowest tier is everybody's",
        "by_invitation = true",
    ),
    "a threshold of a tier by invitation": Planted(
        "by_invitation = false",
        "by_invitation = true",
        'reach = { nights = "30"',
        "tier gold.reach",
        "nothing that is counted reaches it",
    ),
    "a tier by invitation for life": Planted(
        "by_invitation = false",
        "by_invitation = true",
        'tier = "gold"',
        "qualification.lifetime gold.tier",
        "gold comes by invitation alone",
    ),
    "an unknown tier for life": instead(
        'tier = "gold"', 'tier = "golden"', "qualification.lifetime golden.tier", "there is no tier `golden`"
    ),
    "everybody's tier for life": instead(
        'tier = "gold"',
        'tier = "member"',
        "qualification.lifetime member.tier",
        "member is everybody's anyway",
    ),
    "a tier for life for nothing": instead(
        'require = { nights = "500" }\nyears = 10\n',
        "",
        "qualification.lifetime gold",
        "says nothing that it takes",
        "[[qualification.lifetime]]",
    ),
    "a tier for life for what isn't counted": instead(
        'require = { nights = "500" }',
        'require = { night = "500" }',
        "qualification.lifetime gold.require.night",
        "Did you mean `nights`?",
    ),
    # milestones
    "a milestone twice": instead(
        'code = "ladder"',
        'code = "tenth"',
        "milestone tenth.code",
        "`tenth` is given twice",
        'code = "tenth"§last',
    ),
    "a milestone without marks": milestone(f'unit = "stays"\n{REWARD}', "says no marks", "", NEW_MILESTONE),
    "every and at": milestone(
        f'unit = "stays"\nevery = "3"\nat = ["4"]\n{REWARD}',
        "give only one of every and at",
        ".at",
        'at = ["4"]',
    ),
    "every zero": instead('every = "10"', 'every = "0"', "milestone tenth.every", "must be above zero"),
    "above half a stay": instead(
        'above = "5"', 'above = "5.5"', "milestone tenth.above", "write a whole number"
    ),
    "above with at": milestone(
        f'unit = "stays"\nabove = "2"\nat = ["4"]\n{REWARD}', "goes with every", ".above", 'above = "2"'
    ),
    "marks out of order": instead(
        'at = ["20", "40.5"]',
        'at = ["20", "20.0"]',
        "milestone ladder.at",
        '"20.0" must be above the mark before it, "20"',
    ),
    "a mark too fine": instead(
        'at = ["20", "40.5"]', 'at = ["20", "40.55"]', "milestone ladder.at", "is finer than nights"
    ),
    "neither reward nor choice": milestone(
        'unit = "stays"\nevery = "3"', "gives nothing; write reward or choice", "", NEW_MILESTONE
    ),
    "reward and choice": Planted(
        'at = ["20", "40.5"]',
        f'at = ["20", "40.5"]\n{REWARD}',
        "[milestone.choice]",
        "milestone ladder.choice",
        "give only one of reward and choice",
    ),
    "points without points": instead(
        'kind = "points", points = 1000',
        'kind = "points"',
        "milestone ladder.choice.among some_points.points",
        "say how many points it is",
    ),
    "a voucher of points": instead(
        'kind = "voucher", valid',
        'kind = "voucher", points = 3, valid',
        "milestone tenth.reward.points",
        "a voucher has no points",
    ),
    "nothing to choose": instead(
        "pick = 1", "pick = 2", "milestone ladder.choice.pick", "2 of 2 rewards leaves nothing to choose"
    ),
    "a choice between the same": instead(
        'code = "a_suite"',
        'code = "some_points"',
        "milestone ladder.choice.among some_points.code",
        "`some_points` is given twice",
        f'code = "some_points"{LAST}',
    ),
    "a default that isn't there": instead(
        'default = ["some_points"]',
        'default = ["points"]',
        "milestone ladder.choice.default",
        "there is no reward `points`; there are: some_points, a_suite",
    ),
    "more defaults than picks": instead(
        'default = ["some_points"]',
        'default = ["some_points", "a_suite"]',
        "milestone ladder.choice.default",
        "names 2 rewards where 1 are picked",
    ),
    # expiry
    "expiry of an unknown tier": instead(
        "by_tier = { gold = 0, silver = 36 }",
        "by_tier = { golf = 0 }",
        "expiry.by_tier.golf",
        "Did you mean `gold`?",
    ),
    "expired before it can be spent": Planted(
        "pending_days = 3",
        "pending_days = 730",
        "months = 24",
        "expiry.months",
        "points expire after 24 months, before they can be spent after 730 days",
    ),
    "expired at a tier before it can be spent": Planted(
        "pending_days = 3",
        "pending_days = 1095",
        "by_tier = {",
        "expiry.by_tier.silver",
        "points expire after 36 months, before they can be spent after 1095 days",
    ),
    "inactive before it can be spent": Planted(
        "pending_days = 3",
        "pending_days = 365",
        "inactivity_months = 12",
        "expiry.inactivity_months",
        "before they can be spent",
    ),
    "warned before it is earned": instead(
        "warn_days = [30, 60]",
        "warn_days = [30, 365]",
        "expiry.warn_days",
        "365 days ahead is before the points are earned: some expire after 12 months",
    ),
    "a warning twice": instead(
        "warn_days = [30, 60]", "warn_days = [30, 30]", "expiry.warn_days", "`30` is given twice"
    ),
    "a warning of nothing": instead(
        'months = 24\nat_end_of = "month"\nby_tier = { gold = 0, silver = 36 }\ninactivity_months = 12\n',
        "",
        "expiry.warn_days",
        "nothing to warn of",
        "warn_days",
    ),
    "nights in two ways": instead(
        "nights_per = 2",
        'nights_per = 2\nnights = "0.5"',
        "earning.rule budget_brand.nights_per",
        "give only one of nights and nights_per",
        "nights_per = 2",
    ),
    "an award stay that counts twice": instead(
        'award_stay_counts = ["stays"]',
        'award_stay_counts = ["stays", "stays"]',
        "counting.award_stay_counts",
        "`stays` is given twice",
    ),
    "an award stay that counts what isn't there": instead(
        'award_stay_counts = ["stays"]',
        'award_stay_counts = ["nigths"]',
        "counting.award_stay_counts",
        '"nigths" is unknown',
    ),
    "an award stay that has spend": instead(
        'award_stay_counts = ["stays"]',
        'award_stay_counts = ["spend"]',
        "counting.award_stay_counts",
        "an award stay has no spend",
    ),
    "a fee of nothing": instead(
        'fee = "0.005"', 'fee = "0"', "transfers.fee", "must be above zero; leave it out where gifts are free"
    ),
    "other marks without marks": instead(
        'above = "5"\nmost = 3\n',
        'above = "5"\nmost = 3\nor_at = { nights = ["9"] }\n',
        "milestone tenth.or_at",
        "goes with the marks of at",
        'or_at = { nights = ["9"] }',
    ),
    "other marks of its own unit": instead(
        "or_at = { spend",
        "or_at = { nights",
        "milestone ladder.or_at.nights",
        "are the milestone's own unit",
        'or_at = { nights = ["1000"] }',
    ),
    "other marks of an unknown unit": instead(
        "or_at = { spend",
        "or_at = { spent",
        "milestone ladder.or_at.spent",
        "Did you mean `spend`?",
        'or_at = { spent = ["1000"] }',
    ),
    "no other marks": instead(
        'spend = ["1000"]',
        "spend = []",
        "milestone ladder.or_at.spend",
        "says no marks",
        "or_at = { spend = [] }",
    ),
    "more other marks": instead(
        'spend = ["1000"]',
        'spend = ["1", "2", "3"]',
        "milestone ladder.or_at.spend",
        "has 3 marks, where at has 2",
        'or_at = { spend = ["1", "2", "3"] }',
    ),
    "other marks that fall": instead(
        'spend = ["1000"]',
        'spend = ["2", "2"]',
        "milestone ladder.or_at.spend",
        "must be above the mark before it",
        'or_at = { spend = ["2", "2"] }',
    ),
    "other marks that are too fine": instead(
        'spend = ["1000"]',
        'spend = ["0.555"]',
        "milestone ladder.or_at.spend",
        "is finer than spend are counted",
        'or_at = { spend = ["0.555"] }',
    ),
    "a reward that ends twice": instead(
        'valid_to = "12-31"',
        'valid_to = "12-31", valid_months = 3',
        "milestone ladder.choice.among a_suite.valid_to",
        "give only one of valid_months and valid_to",
        'code = "a_suite"',
    ),
    "an excepted brand twice": instead(
        'brands = ["lite"]',
        'except_brands = ["lite", "lite"]',
        "earning.rule budget_brand.except_brands",
        "`lite` is given twice",
    ),
    "every brand is excepted": instead(
        'brands = ["lite"]',
        'brands = ["lite"]\nexcept_brands = ["li*"]',
        "earning.rule budget_brand.except_brands",
        "leaves none of brands",
        'except_brands = ["li*"]',
    ),
    "a number and from a number on": instead(
        "nth_stay = [1]\n",
        "nth_stay = [1]\nfrom_stay = 2\n",
        "promotion welcome.from_stay",
        "give only one of nth_stay and from_stay",
        "from_stay = 2",
    ),
    "an exempt tier that isn't there": instead(
        'inactivity_exempt = ["gold"]',
        'inactivity_exempt = ["golden"]',
        "expiry.inactivity_exempt",
        "there is no tier `golden`",
    ),
    "an exempt tier twice": instead(
        'inactivity_exempt = ["gold"]',
        'inactivity_exempt = ["gold", "gold"]',
        "expiry.inactivity_exempt",
        "`gold` is given twice",
    ),
    "every tier is exempt": instead(
        'inactivity_exempt = ["gold"]',
        'inactivity_exempt = ["gold", "silver", "member"]',
        "expiry.inactivity_exempt",
        "names every tier, so no points are ever lost",
    ),
    "nothing keeps points alive": instead(
        'activity = ["stay", "spend"]', "activity = []", "expiry.activity", "nothing keeps points alive"
    ),
    "an activity twice": instead(
        'activity = ["stay", "spend"]',
        'activity = ["stay", "stay"]',
        "expiry.activity",
        "`stay` is given twice",
    ),
    # moving points
    "a least transfer between steps": instead(
        "least = 1000\nstep = 500",
        "least = 1200\nstep = 500",
        "transfers.least",
        "1200 is no multiple of the step 500. Write 1500",
        "least = 1200",
    ),
    "too little to send": instead(
        "sent_a_year = 50000",
        "sent_a_year = 999",
        "transfers.sent_a_year",
        "999 is less than the least that can be moved, 1000",
    ),
    "too little to receive": instead(
        "received_a_year = 100000",
        "received_a_year = 999",
        "transfers.received_a_year",
        "less than the least",
    ),
    "a least purchase between steps": instead(
        "least = 1000\nstep = 1000",
        "least = 1500\nstep = 1000",
        "purchase.least",
        "Write 2000",
        "least = 1500",
    ),
    "too little to buy": instead(
        "\na_year = 100000", "\na_year = 999", "purchase.a_year", "less than the least", "a_year = 999"
    ),
    "points for nothing": instead('price = "0.08"', 'price = "0.00"', "purchase.price", "must be above zero"),
    # what the books can't hold, or people can't read
    "points beyond what the books hold": instead(
        'points = { room = "1", food = "1.5" }',
        'points = { room = "1", food = "99999999" }',
        "earning.points.food",
        "a stay of 500000 (limits.amount) would earn more than 1000000000000 points",
    ),
    "points of a rule beyond what the books hold": instead(
        'points = { room = "2", spa = "1" }',
        'points = { room = "99999999", spa = "1" }',
        "earning.rule villas.points.room",
        "would earn more than",
    ),
    "a thousandfold": promotion(
        'multiplier = "1002"',
        "gives more than 1000 times the base points",
        ".multiplier",
        'multiplier = "1002"',
    ),
    "a thousandfold in percent": promotion(
        'percent = "100001"', "gives more than 1000 times the base points", ".percent", 'percent = "100001"'
    ),
    "nights without end": promotion('nights = "1001"', "must be at most 1000", ".nights", 'nights = "1001"'),
    "a night of many nights": instead(
        'nights = "0.5"', 'nights = "1001"', "earning.rule villas.nights", "must be at most 1000"
    ),
    "a name of two lines": instead(
        'en = "Late check-out"',
        'en = "Late\\ncheck-out"',
        "benefit late.name.en",
        "a name stands on one line",
    ),
    "a name without an end": instead(
        'en = "Late check-out"',
        f'en = "{"x" * 201}"',
        "benefit late.name.en",
        "a name has at most 200 characters, this one 201",
    ),
    "an exclusion that is called like another reason": instead(
        'code = "agency"',
        'code = "tier_bonus"',
        "exclusion tier_bonus.code",
        "`tier_bonus` is what explanations call another reason. Write another code",
    ),
    # limits
    "a limit finer than money": instead(
        'amount = "500000"', 'amount = "500000.001"', "limits.amount", "finer than CNY has decimals"
    ),
    "a limit of nothing": Planted(
        'amount = "500000"', 'amount = "0"', 'amount = "0"', "limits.amount", "no stay can be posted"
    ),
}

WARNINGS = {
    "a currency by another name": instead(
        'JPY = "0.047"',
        'YEN = "0.047"',
        "exchange.YEN",
        "YEN is no currency that ISO 4217 has in use. Did you mean `JPY`?",
    ),
    "a currency that is none": instead(
        'JPY = "0.047"', 'JPZ = "0.047"', "exchange.JPZ", "JPZ is no currency that ISO 4217 has in use"
    ),
    "ten times the points": promotion(
        'multiplier = "12"', "gives more than 10 times the base points", ".multiplier", 'multiplier = "12"'
    ),
    "more for one than for all": promotion(
        "points = 5\nper_member = 30\nbudget = 20",
        "is more than all members may get together, 20 (budget)",
        ".per_member",
        "per_member = 30",
    ),
    "a category that earns nothing": instead(
        'food = "1.5"',
        'food = "0"',
        "earning.points.food",
        "earns nothing; its revenue still counts as spend",
    ),
    "tier points that aren't counted": Planted(
        UNITS,
        UNITS.replace(', "tier_points"', ""),
        'tier_points = ["base", "promotion"]',
        "earning.tier_points",
        "has no meaning while tier_points are not among counting.units",
    ),
    "a rule for every stay": instead(
        'brands = ["lite"]\n', "", "earning.rule budget_brand", "is for every stay", f"[[earning.rule]]{LAST}"
    ),
    "a rule behind one that takes its stays": instead(
        'brands = ["lite"]',
        'room_types = ["VILLA_SEA"]',
        "earning.rule budget_brand",
        "never counts: `villas` before it",
        f"[[earning.rule]]{LAST}",
    ),
    "an exclusion behind one that takes its stays": instead(
        'rate_codes = ["STAFF*"]',
        'channels = ["ota"]',
        "exclusion staff",
        "never counts: `agency` before it",
        f"[[exclusion]]{LAST}",
    ),
    "a cap of nothing": instead(
        "points = 50000", "points = 0", "earning.cap a_day.points", "lets such stays earn nothing"
    ),
    "a currency that comes later": instead(
        'USD = "7.00", JPY',
        'EUR = "7.00", JPY',
        "exchange_from 2027-07-01.rates.EUR",
        "exchanged at a later rate",
    ),
    "rooms that count alone": instead(
        "rooms = 3",
        "rooms = 1",
        "counting.room_nights",
        "only one room of a stay counts",
        "room_nights = true",
    ),
    "a rule with as many rooms as all": instead(
        "bonus = false\nrooms = 1",
        "bonus = false\nrooms = 3",
        "earning.rule villas.rooms",
        "is as counting.rooms says",
        "rooms = 3",
    ),
    "rollover from the first threshold": instead(
        'rollover_from = "gold"',
        'rollover_from = "silver"',
        "qualification.rollover_from",
        "is for every tier that has a threshold",
    ),
    "rollover_from without rollover": instead(
        'rollover = ["nights"]\n',
        "",
        "qualification.rollover_from",
        "has no meaning without rollover",
        "rollover_from",
    ),
    "permanent by invitation": at_end(
        f'[[tier]]\ncode = "top"\n{NAMED}\nbonus_percent = 30\nby_invitation = true\npermanent = true',
        "tier top.permanent",
        "it lasts as long as it is given for",
        "permanent = true",
    ),
    "more gifts than there are days for": instead(
        "times_a_year = 6",
        "times_a_year = 14",
        "transfers.times_a_year",
        "there are 30 days between two gifts",
    ),
    "years without a day": instead(
        'valid_to = "12-31", valid_years = 2',
        "valid_years = 2",
        "milestone ladder.choice.among a_suite.valid_years",
        "has no meaning without valid_to",
        'code = "a_suite"',
    ),
    "one night of one": instead(
        "nights_per = 2",
        "nights_per = 1",
        "earning.rule budget_brand.nights_per",
        "is each night; take it away",
    ),
    "what award stays count where there are none": instead(
        'award_nights = "whole_stay"',
        'award_nights = "none"',
        "counting.award_stay_counts",
        'has no meaning without award_nights = "whole_stay"',
        "award_stay_counts",
    ),
    "from the first stay on": instead(
        "from_stay = 3", "from_stay = 1", "promotion back.from_stay", "is every stay; take it away"
    ),
    "a brand that is excepted anyway": instead(
        'brands = ["lite"]',
        'brands = ["lite"]\nexcept_brands = ["grand"]',
        "earning.rule budget_brand.except_brands",
        '"grand" is not among brands anyway',
        'except_brands = ["grand"]',
    ),
    "a festival on 29 February": festival('day = "02-29"', "it is 28 February", ".day", 'day = "02-29"'),
    "a festival that nothing is for": instead(
        '"own", "moon", "national"',
        '"moon", "national"',
        "festival own",
        "no promotion is for it",
        f"[[festival]]{LAST}",
    ),
    "a promotion that is over": instead(
        "first = 2027-09-01\nlast = 2027-12-31",
        "first = 2025-09-01\nlast = 2025-12-31",
        "promotion double.last",
        "it is over since 2025-12-31",
        "last = 2025-12-31",
    ),
    "more for a stay than for a member": instead(
        "per_stay = 5000",
        "per_stay = 20001",
        "promotion double.per_stay",
        "is more than a member may get at all, 20000",
    ),
    "a priority without a group": promotion(
        "points = 5\npriority = 7", "has no meaning without a group", ".priority", "priority = 7"
    ),
    "nth_over without a number": promotion(
        'points = 5\nnth_over = "year"',
        "has no meaning without nth_stay or from_stay",
        ".nth_over",
        f'nth_over = "year"{LAST}',
    ),
    "referred for ever": promotion(
        "points = 5\nreferred = true",
        "every stay of a referred guest gets it",
        ".referred",
        f"referred = true{LAST}",
    ),
    "referred by nobody": instead(
        "[referral]\npoints = 1000\ntimes_a_year = 5\nwithin_days = 180\n",
        "",
        "promotion welcome.referred",
        "there is no [referral]",
        "referred = true",
    ),
    "a benefit that nobody gets": at_end(
        f'[[benefit]]\ncode = "spa"\n{NAMED}',
        "benefit spa",
        "no tier and no milestone brings it",
        f"[[benefit]]{LAST}",
    ),
    "a tier that brings nothing": at_end(
        f'[[tier]]\ncode = "top"\n{NAMED}\nreach = {{ nights = "60" }}',
        "tier top",
        "brings nothing: neither a bonus nor benefits",
        f"[[tier]]{LAST}",
    ),
    "a bonus below that of a lower tier": instead(
        "bonus_percent = 20",
        "bonus_percent = 9",
        "tier gold.bonus_percent",
        "is below that of a lower tier, 10",
    ),
    "a way to keep what is never lost": Planted(
        "permanent = false",
        "permanent = true",
        'keep = { nights = "25"',
        "tier gold.keep",
        "has no meaning for a tier that is never lost",
    ),
    "more marks than there are": instead(
        'at = ["20", "40.5"]',
        'at = ["20", "40.5"]\nmost = 4',
        "milestone ladder.most",
        "is more than there are marks, 2",
        "most = 4",
    ),
    "one code for two rewards": instead(
        'code = "a_suite"',
        'code = "album"',
        "milestone ladder.choice.among album.code",
        "`album` is another reward elsewhere",
        f'code = "album"{LAST}',
    ),
    "inactivity that never comes": instead(
        "inactivity_months = 12",
        "inactivity_months = 24",
        "expiry.inactivity_months",
        "all points expire after 24 months anyway",
    ),
    "an exempt tier without inactivity": instead(
        "inactivity_months = 12\n",
        "",
        "expiry.inactivity_exempt",
        "has no meaning without inactivity_months",
        "inactivity_exempt =",
    ),
    "exempt for life where no tier is": instead(
        '[[qualification.lifetime]]\ntier = "gold"\nrequire = { nights = "500" }\nyears = 10\n',
        "",
        "expiry.inactivity_exempt_lifetime",
        "no tier is for life by what is earned",
        "inactivity_exempt_lifetime",
    ),
    "activity without inactivity": instead(
        "inactivity_months = 12\n",
        "",
        "expiry.activity",
        "has no meaning without inactivity_months",
        "activity =",
    ),
    "nobody gives points": instead(
        "agent_a_day = 20000", "agent_a_day = 0", "compensation.agent_a_day", "lets nobody give points"
    ),
    "an approval that is never asked": instead(
        "approval_above = 5000",
        "approval_above = 100000",
        "compensation.approval_above",
        "more than 100000 is refused",
    ),
}


def line_of(text: str, at: str) -> int:
    at, _, which = at.partition("§")
    place = text.rfind(at) if which else text.find(at)
    assert place >= 0, f"{at} is not in the text"
    return text.count("\n", 0, place) + 1


def planted(case: Planted) -> tuple[str, tuple[Mistake, ...], tuple[Mistake, ...]]:
    assert 1 == FULL.count(case.right), f"{case.right} should be in the text once"
    text = FULL.replace(case.right, case.wrong)
    found = examine(text, date(2026, 11, 25))
    return text, found.mistakes, found.warnings


def test_the_full_definition_has_neither_mistakes_nor_warnings() -> None:
    found = examine(FULL, date(2026, 11, 25))

    assert ((), ()) == (found.mistakes, found.warnings)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_by_its_line_and_key(name: str) -> None:
    case = MISTAKES[name]
    text, mistakes, _ = planted(case)
    found = [one.line for one in mistakes if one.key == case.key and case.said in one.text]

    assert [line_of(text, case.at)] == found, [one.told("") for one in mistakes]


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_probably_not_meant_is_a_warning(name: str) -> None:
    case = WARNINGS[name]
    text, mistakes, warnings = planted(case)
    found = [one.line for one in warnings if one.key == case.key and case.said in one.text]

    assert () == mistakes
    assert [line_of(text, case.at)] == found, [one.told("") for one in warnings]


NEAR = """
id = "near"
version = 1
currency = "CNY"
name = { en = "Near", zh = "近" }
[earning]
points = { room = "1" }
[[tier]]
code = "all"
name = { en = "All", zh = "全" }
[[tier]]
code = "gold"
name = { en = "Gold", zh = "金" }
bonus_percent = 10
reach = { nights = "10" }
[[festival]]
code = "new_year"
name = { en = "Spring Festival", zh = "春节" }
lunar = "01-01"
days = 7
[[festival]]
code = "national"
name = { en = "National Day", zh = "国庆" }
day = "10-01"
days = 7
[[festival]]
code = "moon"
name = { en = "Mid-Autumn", zh = "中秋" }
lunar = "08-15"
"""


def told(text: str) -> list[str]:
    found = examine(text)
    return [one.text for one in (*found.mistakes, *found.warnings)]


def rivals(one: str, other: str) -> list[str]:
    """Return what is said of two promotions of one group."""
    both = "".join(
        f'[[promotion]]\ncode = "{code}"\n{NAMED}\ngroup = "g"\npoints = 5\n{text}\n'
        for code, text in (("one", one), ("other", other))
    )
    return [text for text in told(NEAR + both) if "priority 0 too" in text]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", ""),
        ("last = 2027-05-31", "first = 2027-05-31"),
        ('weekdays = ["fri", "sat"]', 'weekdays = ["sat"]'),
        ("member_days = [30]", "member_days = [31]"),
        ("member_days = [8]", 'weekdays = ["mon"]'),
        ('festivals = ["national"]', 'festivals = ["moon"]'),
        ('by = "booking"\nlast = 2027-05-31', "first = 2027-06-01"),
        ('by = "nights"\nweekdays = ["fri"]', 'by = "nights"\nweekdays = ["sat"]'),
        ('properties = ["SHA*"]', 'properties = ["SHA01"]'),
        ('channels = ["app"]', 'tiers = ["gold"]'),
        ("nth_stay = [1, 2]", "nth_stay = [2]"),
        ("nth_stay = [1]", 'nth_stay = [2]\nnth_over = "year"'),
        ("nth_stay = [1, 5]", "from_stay = 5"),
        ("from_stay = 2", "from_stay = 9"),
        ('except_brands = ["grand"]', 'brands = ["grand", "lodge"]'),
        ('segments = ["family"]', 'segments = ["business"]'),
    ],
)
def test_promotions_of_one_group_that_may_meet_need_a_priority(one: str, other: str) -> None:
    said = rivals(one, other)

    assert 1 == len(said)
    assert said[0].startswith("promotion other.priority: `one` of the group g has the priority 0 too")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("last = 2027-05-31", "first = 2027-06-01"),
        ('weekdays = ["fri", "sat"]', 'weekdays = ["sun"]'),
        ("member_days = [8]", "member_days = [18, 31]"),
        ('festivals = ["national"]', 'festivals = ["new_year"]'),
        ('festivals = ["new_year"]', 'weekdays = ["sat"]\nfirst = 2027-05-01\nlast = 2027-09-01'),
        ('properties = ["SHA*"]', 'properties = ["PEK*", "SH"]'),
        ('channels = ["app"]', 'channels = ["web", "direct"]'),
        ('tiers = ["all"]', 'tiers = ["gold"]'),
        ("nth_stay = [1]", "nth_stay = [2, 3]"),
        ("nth_stay = [1, 4]", "from_stay = 5"),
        ('except_brands = ["gr*", "lodge"]', 'brands = ["grand", "lodge"]'),
        ("priority = 1", "priority = 2"),
    ],
)
def test_promotions_of_one_group_that_never_meet_need_none(one: str, other: str) -> None:
    assert [] == rivals(one, other)


def test_the_days_of_a_group_are_looked_at_once_however_many_promotions_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[date] = []
    visit_on = days._visit_on  # pyright: ignore[reportPrivateUsage]

    def look(day: date) -> Visit:
        looked_at.append(day)
        return visit_on(day)

    monkeypatch.setattr(days, "_visit_on", look)
    text = FULL + "".join(
        f'[[festival]]\ncode = "f{number}"\n{NAMED}\nlunar = "{number:02}-15"\n'
        f'[[promotion]]\ncode = "p{number}"\n{NAMED}\npoints = 1\ngroup = "lunar"\nfestivals = ["f{number}"]\n'
        for number in range(1, 13)
    )
    found = examine(text)

    assert () == found.mistakes
    # Nineteen years for all of them, and for each the way to its first day.
    assert len(looked_at) < 19 * 366 + 13 * 2 * 366


def test_nights_are_kept_apart_by_dates_only() -> None:
    by_nights = f'[[promotion]]\ncode = "%s"\n{NAMED}\ngroup = "g"\nby = "nights"\npoints_per_night = 5\n%s\n'
    spring = by_nights % ("spring", "last = 2027-05-31")
    summer = by_nights % ("summer", "first = 2027-06-01")
    fridays = by_nights % ("fridays", 'weekdays = ["fri"]\nlast = 2027-05-31')
    saturdays = by_nights % ("saturdays", 'weekdays = ["sat"]\nlast = 2027-05-31')

    assert [] == told(f"{NEAR}{spring}{summer}")[3:]
    assert 1 == len([text for text in told(f"{NEAR}{fridays}{saturdays}") if "priority" in text])


def milestone_of_a_year(mark: str) -> str:
    return f'[[milestone]]\ncode = "m"\n{NAMED}\nunit = "nights"\nover = "year"\n{mark}\n{REWARD}\n'


@pytest.mark.parametrize(
    ("mark", "key"),
    [
        ('at = ["100", "367"]', "milestone m.at"),
        ('every = "367"', "milestone m.every"),
        ('every = "100"\nabove = "300"', "milestone m.every"),
    ],
)
def test_a_year_has_no_more_nights_than_days(mark: str, key: str) -> None:
    nights = milestone_of_a_year(mark)
    stays = nights.replace('unit = "nights"', 'unit = "stays"')

    assert f"{key}: can't be reached: a year has at most 366 nights" in told(NEAR + nights)
    # Each stay takes a night; a day use doesn't, where it counts as one.
    assert f"{key}: can't be reached: a year has at most 366 nights" in told(NEAR + stays)
    assert not [
        said for said in told(f"{NEAR}{stays}[counting]\nday_use_is_stay = true") if "be reached" in said
    ]


@pytest.mark.parametrize(
    "text",
    [
        milestone_of_a_year('every = "366"'),
        milestone_of_a_year('every = "367"').replace('over = "year"', 'over = "lifetime"'),
        milestone_of_a_year('every = "367"') + "[counting]\nroom_nights = true",
        milestone_of_a_year('every = "367"')
        + '[[earning.rule]]\ncode = "x"\nbrands = ["x"]\npoints = {}\nnights = "2"',
        milestone_of_a_year('every = "367"') + f'[[promotion]]\ncode = "x"\n{NAMED}\nnights = "1"',
    ],
)
def test_nights_that_add_up_reach_any_mark(text: str) -> None:
    assert not [said for said in told(NEAR + text) if "be reached" in said]


@pytest.mark.parametrize(
    ("qualification", "most"),
    [("", 366), ('period = "rolling"\nmonths = 24', 744), ('period = "cycle"\nmonths = 1', 31)],
)
def test_a_tier_that_takes_more_nights_than_there_are_is_told(qualification: str, most: int) -> None:
    text = NEAR.replace('nights = "10"', 'nights = "800"') + f"[qualification]\n{qualification}"

    assert f"tier gold.reach.nights: a guest in one room has at most {most} nights in the period" in [
        said.removeprefix("warning: ") for said in told(text)
    ]


def test_equal_thresholds_hold_when_more_is_required() -> None:
    upper = f'[[tier]]\ncode = "top"\n{NAMED}\nbonus_percent = 20\nreach = {{ nights = "10" }}\n'
    upper += 'require = { stays = "3" }\n'

    assert not examine(NEAR + upper).mistakes
    assert examine(NEAR + upper.replace('require = { stays = "3" }', "")).mistakes


def test_a_threshold_is_compared_with_the_last_tier_that_has_it() -> None:
    by_stays = f'[[tier]]\ncode = "two"\n{NAMED}\nbonus_percent = 20\nreach = {{ stays = "3" }}\n'
    by_nights = f'[[tier]]\ncode = "three"\n{NAMED}\nbonus_percent = 30\nreach = {{ nights = "9" }}\n'

    assert ["tier three.reach.nights: must be above that of gold, 10"] == [
        one.text for one in examine(NEAR + by_stays + by_nights).mistakes
    ]


def test_a_rule_without_a_bonus_has_no_meaning_where_no_tier_has_one() -> None:
    rule = '[[earning.rule]]\ncode = "x"\nbrands = ["x"]\npoints = {}\nbonus = false\n'
    said = "earning.rule x.bonus: no tier has a bonus anyway"

    assert said not in [one.removeprefix("warning: ") for one in told(NEAR + rule)]
    assert said in [
        one.removeprefix("warning: ") for one in told((NEAR + rule).replace("bonus_percent = 10", ""))
    ]


def test_nothing_is_said_of_what_is_over_without_a_day() -> None:
    over = NEAR + f'[[promotion]]\ncode = "x"\n{NAMED}\npoints = 1\nlast = 2020-01-01\n'

    assert [] == [one for one in check(decode(over)) if "over since" in one.message]
    assert [] == [one for one in check(decode(over), date(2020, 1, 1)) if "over since" in one.message]
    assert 1 == len([one for one in check(decode(over), date(2020, 1, 2)) if "over since" in one.message])


def test_a_definition_that_has_no_text_is_told_by_its_keys() -> None:
    found = check(decode(NEAR))

    assert ["festival new_year", "festival national", "festival moon"] == [one.key for one in found]
    assert [None, None, None] == [one.line for one in found]


def test_the_channels_are_those_that_a_stay_may_have() -> None:
    assert get_args(Channel) == CHANNELS
