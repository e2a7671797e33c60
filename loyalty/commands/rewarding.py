"""What becomes of rewards: granted when a milestone is passed, taken back when it is lost, chosen, expired. Pure.

A crossing gives once. What it gave and wasn't used is revoked when a reversal uncrosses it, points too unless some of
them were spent; what was used is flagged for the staff and stays. Crossing again gives anew, but for what is flagged:
that is valid again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta

import msgspec
from msgspec import Struct, structs

from loyalty.commands.model import Facts
from loyalty.commands.rulebook import Rulebook, names
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import Counters, Journal, Moment
from loyalty.ledger.rules import Book
from loyalty.program.lifetime import add_months
from loyalty.program.model import Choice, Reward
from loyalty.rewards.model import (
    GrantedReward,
    Place,
    alive,
    by_default,
    free_parts,
    options,
    show_place,
    taken,
)
from loyalty.tiers.milestones import Crossing

_encode = msgspec.json.Encoder().encode

Names = Mapping[str, str]

_DAY = timedelta(days=1)
_LEAP = 2000
"""A year that has all days."""


class OptionView(Struct, frozen=True, gc=False, omit_defaults=True):
    """A reward that may be chosen; valid for so many months from the day it is chosen, or up to the day `valid_to`.

    On that day it can't be used any more.
    """

    code: str
    name: Names
    kind: str
    points: int = 0
    valid_months: int | None = None
    valid_to: date | None = None


class RewardView(Struct, frozen=True, gc=False, omit_defaults=True):
    """A reward of a member. An open one has `options`, of which to `pick` so many until `choose_by`.

    From `valid_to` on it can't be used any more. `journal_id` is the journal that changed it last.
    """

    reward_id: str
    milestone: str
    milestone_name: Names
    ordinal: int
    status: str
    granted_on: date
    journal_id: str
    period: str = ""
    code: str = ""
    name: Names | None = None
    kind: str = ""
    points: int = 0
    choose_by: date | None = None
    valid_to: date | None = None
    pick: int = 0
    options: list[OptionView] = []


class RewardEvent(Struct, frozen=True, gc=False, omit_defaults=True):
    """What others are told about a reward."""

    member_id: str
    reward_id: str
    milestone: str
    ordinal: int
    status: str
    period: str = ""
    code: str = ""
    kind: str = ""
    points: int = 0


class Happened(Struct, frozen=True, gc=False):
    """A reward as it is from now on, what happened to it (`granted`, `chosen`, `moved` …), and the journal of that."""

    reward: GrantedReward
    what: str
    journal: Journal


# --- crossings --------------------------------------------------------------------------------------------------------


def unread(facts: Facts, rules: Rulebook, crossings: Sequence[Crossing]) -> tuple[Place, ...]:
    """Return the crossings that can't be decided before it is known what they gave.

    They are lost ones, flagged ones, and those of milestones whose marks not all versions have alike.
    """
    member = facts.member
    if facts.rewards is not None or member is None:
        return ()
    flagged = member.traits.flagged
    return tuple(
        place_of(one)
        for one in crossings
        if one.status == "revoked"
        or one.code in rules.remade
        or (flagged and show_place(place_of(one)) in flagged)
    )


def regained(crossings: Sequence[Crossing]) -> tuple[Place, ...]:
    """Return the crossings of which it is asked by what version they gave what was taken back since."""
    return tuple(place_of(one) for one in crossings if one.status == "regained")


def decided(
    crossings: Sequence[Crossing], rules: Rulebook, present: Rulebook, counters: Counters,
    given_by: Callable[[Place], Rulebook | None], lost_by: Callable[[Place], Iterable[Rulebook]],
) -> list[Crossing]:  # fmt: skip
    """Return which crossings count, now that the counters hold the change: `present` is the version it was made by.

    Of a milestone whose marks not all versions have alike, what stands (`given_by` a version) isn't granted again, and
    is lost when the count passes neither the mark by which it was given nor that of the present version. What was lost
    comes back, by the version it was `lost_by`, when the count passes that mark again.
    """
    found = [
        one
        for one in crossings
        if one.status != "regained"
        and (one.code not in rules.remade or _counts(one, present, counters, given_by(place_of(one))))
    ]
    granted = {place_of(one) for one in found}
    for one in crossings:
        place = place_of(one)
        if one.status == "regained" and place not in granted and given_by(place) is None:
            by = next((version for version in lost_by(place) if passes(version, one, counters)), None)
            if by is not None:
                found.append(structs.replace(one, status="granted", program=by.label))
    return found


def _counts(one: Crossing, present: Rulebook, counters: Counters, by: Rulebook | None) -> bool:
    if one.status == "granted" or by is None:
        return one.status == "granted" and by is None
    return not any(passes(version, one, counters) for version in (by, present))


def passes(version: Rulebook, one: Crossing, counters: Counters) -> bool:
    """Tell whether counters pass a mark of a milestone by a version."""
    rule = version.milestone(one.code)
    if rule is None or rule.yearly != bool(one.period):
        return False
    return rule.passed(rule.count(counters, int(one.period or 0))) >= one.ordinal


def standing_by(
    rules: Rulebook, rewards: Sequence[GrantedReward] | None
) -> Callable[[Place], Rulebook | None]:
    """Return what tells by which version a crossing gave what stands; None where nothing does, or is flagged."""

    def by(place: Place) -> Rulebook | None:
        standing = [one for one in alive(rewards or (), place) if one.status != "flagged"]
        return rules.labelled(standing[0].program, standing[0].granted_on) if standing else None

    return by


def taken_by(
    rules: Rulebook, rewards: Sequence[GrantedReward] | None
) -> Callable[[Place], Iterable[Rulebook]]:
    """Return what tells by which versions a crossing gave what is taken back or flagged, the last one first."""

    def by(place: Place) -> Iterable[Rulebook]:
        gone = [one for one in rewards or () if one.place == place and one.status in {"revoked", "flagged"}]
        gone.sort(key=lambda one: one.reward_id, reverse=True)
        return [rules.labelled(one.program, one.granted_on) for one in gone]

    return by


def settle(
    book: Book, rules: Rulebook, crossings: Sequence[Crossing], facts: Facts, day: date, moment: Moment
) -> list[Happened]:
    """Grant and take back what crossings give, in the book whose journal of the stay is open.

    `rules` is the version by which they were crossed, unless they name another; `day` is when that was. Points are
    earned on that day; the time to choose and to use begins today.
    """
    happened: list[Happened] = []
    journal = book.journals[-1]
    known = facts.rewards or []
    for crossing in crossings:
        live = alive(known, place_of(crossing))
        if crossing.status == "granted":
            version = rules.labelled(crossing.program, day) if crossing.program else rules
            happened += _grant(book, version, crossing, live, day, moment, journal)
        else:
            happened += _take_back(book, live, facts.spent_rewards, journal)
    note_flags(book, happened)
    return happened


def place_of(crossing: Crossing) -> Place:
    """Return where the rewards of a crossing stand."""
    return crossing.code, crossing.period, crossing.ordinal


def _grant(
    book: Book, rules: Rulebook, crossing: Crossing, live: list[GrantedReward], day: date, moment: Moment,
    journal: Journal,
) -> list[Happened]:  # fmt: skip
    """Give what a milestone says; what was flagged is valid again and counts for one of what it gives."""
    rule = rules.milestone(crossing.code)
    gives = rule.gives if rule else None
    happened = [
        Happened(_changed(one, journal, status="used"), "restored", journal)
        for one in live
        if one.status == "flagged"
    ]
    pick = gives.pick if isinstance(gives, Choice) else 1
    if gives is None or len(live) >= pick:
        return happened
    row = GrantedReward(
        moment.mint(book.member.shard), book.member.member_id, *place_of(crossing),
        free_parts(live, place_of(crossing), pick)[0], rules.label, "open", "", "", 0, moment.today, None, None,
        journal.journal_id, journal.journal_id,
    )  # fmt: skip
    if isinstance(gives, Choice):
        by = _choose_by(gives, row, moment.today)
        return [*happened, Happened(structs.replace(row, choose_by=by), "granted", journal)]
    return [*happened, _issue(book, rules, row, gives, journal, day, moment.today)]


def _choose_by(choice: Choice, row: GrantedReward, today: date) -> date:
    """Return the last day to choose."""
    if choice.until is not None:
        last = _in_year(choice.until, year_of(row) + 1)
        if last >= today:
            return last
    return today + timedelta(days=choice.within_days)


def year_of(row: GrantedReward) -> int:
    """Return the year of a reward's milestone: the one that it counts, else the one in which it was granted."""
    return int(row.period) if row.period else row.granted_on.year


def _in_year(month_day: str, year: int) -> date:
    """Return a month and day in a year; 29 February is the 28th where there is none."""
    return add_months(date.fromisoformat(f"{_LEAP}-{month_day}"), (year - _LEAP) * 12)


def _over_on(gives: Reward, year: int) -> date | None:
    """Return the first day on which a reward of a year isn't valid any more, if that is by the calendar."""
    return None if gives.valid_to is None else _in_year(gives.valid_to, year + gives.valid_years) + _DAY


def _ends(gives: Reward, row: GrantedReward, begins: date) -> date | None:
    """Return the first day on which a reward isn't valid any more; None: no end."""
    if gives.valid_months:
        return add_months(begins, gives.valid_months)
    return _over_on(gives, year_of(row))


def _issue(
    book: Book, rules: Rulebook, row: GrantedReward, gives: Reward, journal: Journal, earned_on: date,
    valid_from: date,
) -> Happened:  # fmt: skip
    """Give a reward: points at once, in a journal and a lot of their own; anything else to be used in its time."""
    if gives.kind != "points":
        valid_to = _ends(gives, row, valid_from)
        issued = _changed(row, journal, status="issued", kind=gives.kind, code=gives.code, valid_to=valid_to)
        return Happened(issued, "granted", journal)
    own = book.journal("milestone_points", earned_on, f"{show_place(row.place)}: {gives.code}")
    expires_on = _ends(gives, row, earned_on)
    if expires_on is None:
        expires_on = rules.expires_on(earned_on, rules.tiers.on(book.member, valid_from).code)
    book.points("milestone", gives.points, earned_on)
    book.earn(gives.points, expires_on)
    issued = _changed(
        row, own, status="issued", kind=gives.kind, code=gives.code, points=gives.points, valid_to=expires_on,
        journal_id=own.journal_id,
    )  # fmt: skip
    return Happened(issued, "granted", own)


def _take_back(
    book: Book, live: list[GrantedReward], spent: frozenset[UUID], journal: Journal
) -> list[Happened]:
    """Revoke what wasn't used; flag what was."""
    happened: list[Happened] = []
    for one in live:
        if one.status == "used" or one.reward_id in spent:
            happened.append(Happened(_changed(one, journal, status="flagged"), "flagged", journal))
        elif one.kind == "points":
            happened.append(_reverse(book, one))
        else:
            happened.append(Happened(_changed(one, journal, status="revoked"), "revoked", journal))
    return happened


def _reverse(book: Book, one: GrantedReward) -> Happened:
    """Take back points, with effect from the day they were earned: they never rightly were."""
    day = book.earned_on(one.journal_id)
    own = book.journal("milestone_reversed", day, f"{show_place(one.place)}: {one.code}")
    book.points("milestone", -one.points, day)
    book.reverse(one.points, frozenset((one.journal_id,)))
    return Happened(_changed(one, own, status="revoked"), "revoked", own)


def _changed(row: GrantedReward, journal: Journal, **changes: object) -> GrantedReward:
    return structs.replace(row, changed_by=journal.journal_id, **changes)


def note_flags(book: Book, happened: Iterable[Happened]) -> None:
    """Remember which crossings have something flagged, so that a posting knows when it has to look."""
    flagged = book.member.traits.flagged
    for one in happened:
        place = show_place(one.reward.place)
        if one.what == "flagged" and place not in flagged:
            flagged = (*flagged, place)
        elif one.what in {"restored", "moved"}:
            flagged = tuple(other for other in flagged if other != place)
    if flagged != book.member.traits.flagged:
        book.member.traits = structs.replace(book.member.traits, flagged=flagged)


# --- choices and time -------------------------------------------------------------------------------------------------


def choose(
    book: Book, rules: Rulebook, row: GrantedReward, chosen: Sequence[Reward], among: Sequence[GrantedReward],
    day: date, moment: Moment, how: str,
) -> list[Happened]:  # fmt: skip
    """Give what was chosen (or what is given by default) on a day; the first takes the open reward's place."""
    codes = ", ".join(one.code for one in chosen)
    journal = book.journal("reward_chosen", day, f"{show_place(row.place)}: {codes}{how}")
    parts = free_parts(among, row.place, len(alive(among, row.place)) + len(chosen) - 1)
    rows = [row] + [
        structs.replace(row, reward_id=moment.mint(book.member.shard), part=part) for part in parts
    ]
    happened: list[Happened] = []
    for each, gives in zip(rows, chosen, strict=True):
        given = _issue(
            book, rules, structs.replace(each, journal_id=journal.journal_id), gives, journal, day, day
        )
        happened.append(Happened(given.reward, "chosen", given.journal))
    return happened


def lapse(book: Book, rules: Rulebook, rewards: Sequence[GrantedReward], moment: Moment) -> list[Happened]:
    """Give the default of choices that nobody made in time, and expire what can't be used any more.

    All with effect from the day it was due, however late this runs.
    """
    happened: list[Happened] = []
    now = {one.reward_id: one for one in rewards}
    waiting = [one for one in rewards if one.due_on is not None and one.due_on <= moment.today]
    waiting.sort(key=lambda one: (one.due_on or date.max, one.reward_id))
    while waiting:
        row = waiting.pop(0)
        done = _lapse_one(book, rules, row, list(now.values()), moment)
        for one in done:
            now[one.reward.reward_id] = one.reward
            if one.reward.due_on is not None and one.reward.due_on <= moment.today:
                waiting.append(one.reward)
        happened += done
    return happened


def _lapse_one(
    book: Book, rules: Rulebook, row: GrantedReward, now: Sequence[GrantedReward], moment: Moment
) -> list[Happened]:
    due = row.due_on or moment.today
    if row.status == "open":
        version = rules.labelled(row.program, row.granted_on)
        choice = choice_of(version, row)
        chosen = by_default(choice, taken(now, row)) if choice else ()
        if chosen:
            return choose(book, version, row, chosen, now, due, moment, " by default")
    what = f"{show_place(row.place)}: {row.code or 'nothing chosen'}"
    journal = book.journal("reward_expired", due, what)
    return [Happened(_changed(row, journal, status="expired"), "expired", journal)]


def used(row: GrantedReward, journal: Journal) -> GrantedReward:
    """Return a reward that a journal says was used."""
    return _changed(row, journal, status="used")


def choice_of(version: Rulebook, row: GrantedReward) -> Choice | None:
    """Return the choice that a reward was granted by."""
    rule = version.milestone(row.milestone)
    return rule.gives if rule is not None and isinstance(rule.gives, Choice) else None


# --- what is told -----------------------------------------------------------------------------------------------------


def events_of(book: Book, happened: Sequence[Happened], moment: Moment, told: Iterable[Event]) -> list[Event]:
    """Return the events of what happened to rewards; the first that is told of a journal goes by its id."""
    first = {event.event_id for event in told}
    events: list[Event] = []
    for one in happened:
        journal_id, row = one.journal.journal_id, one.reward
        event_id = moment.mint(book.member.shard) if journal_id in first else journal_id
        first.add(event_id)
        payload = RewardEvent(
            show("mem", row.member_id), show("rwd", row.reward_id), row.milestone, row.ordinal, row.status, row.period,
            row.code, row.kind, row.points,
        )  # fmt: skip
        events.append(Event(event_id, f"reward.{one.what}", row.member_id, journal_id, _encode(payload)))
    return events


def last_states(happened: Iterable[Happened]) -> list[GrantedReward]:
    """Return the rewards to write, each as it was left."""
    return list({one.reward.reward_id: one.reward for one in happened}.values())


def view(rules: Rulebook, row: GrantedReward, codes: Sequence[str] = ()) -> RewardView:
    """Return a reward as people read it; `codes` are what the same crossing gave besides."""
    version = rules.labelled(row.program, row.granted_on)
    rule = version.milestone(row.milestone)
    gives = rule.gives if rule else None
    among = gives.among if isinstance(gives, Choice) else (gives,) if gives else ()
    name = next((names(one.name) for one in among if one.code == row.code), None)
    left, pick = options(gives, codes) if row.status == "open" and isinstance(gives, Choice) else ((), 0)
    return RewardView(
        show("rwd", row.reward_id), row.milestone, rule.name if rule else {"en": row.milestone, "zh": row.milestone},
        row.ordinal, row.status, row.granted_on, show("jrn", row.changed_by), row.period, row.code,
        name or ({"en": row.code, "zh": row.code} if row.code else None), row.kind, row.points, row.choose_by,
        row.valid_to, pick, [option(one, year_of(row)) for one in left],
    )  # fmt: skip


def option(one: Reward, year: int) -> OptionView:
    """Return a reward of a choice as people read it, where the milestone is one of a year."""
    return OptionView(one.code, names(one.name), one.kind, one.points, one.valid_months, _over_on(one, year))
