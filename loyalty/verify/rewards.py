"""A member's rewards against the milestones granted and the journals that moved their points. Pure."""

from collections import defaultdict
from typing import Final

from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID, show
from loyalty.ledger.model import AVAILABLE, POINTS
from loyalty.program.model import Choice, Reward
from loyalty.rewards.model import GrantedReward, Place, show_place
from loyalty.verify.model import Entry, History
from loyalty.verify.report import Report

_GIVES: Final = "milestone_points"
_TAKES: Final = "milestone_reversed"


def undone_lots(history: History) -> dict[UUID, UUID]:
    """Return which lot each journal takes back that undoes the points of a milestone."""
    return {
        one.changed_by: one.journal_id
        for one in history.rewards
        if one.kind == "points" and one.status == "revoked"
    }


def check_rewards(history: History, rules: Rulebook, report: Report) -> None:
    """Check a member's rewards: what each crossing gave, and the points of those that gave points."""
    who = show("mem", history.member.member_id)
    alive: defaultdict[Place, list[GrantedReward]] = defaultdict(list)
    for one in history.rewards:
        if one.status != "revoked":
            alive[one.place].append(one)
    granted = {
        (grant.milestone, grant.period, grant.ordinal)
        for grant in history.grants
        if grant.status == "granted"
    }
    report.counted("rewards", len(granted) + len(history.rewards))
    for place in sorted(granted | alive.keys()):
        wrong = _wrong(alive[place], rules) if place in granted else _left(alive[place])
        if wrong:
            report.differs("rewards", f"{who}: {show_place(place)} {wrong}")
    flagged = {show_place(one.place) for one in history.rewards if one.status == "flagged"}
    if set(history.member.traits.flagged) != flagged:
        told = (
            f"{sorted(history.member.traits.flagged)} are noted as flagged, its rewards say {sorted(flagged)}"
        )
        report.differs("rewards", f"{who}: {told}")
    _check_points(history, report)


def _left(alive: list[GrantedReward]) -> str:
    """Return what is wrong with what a lost crossing has left."""
    return "was lost, but its reward stands" if any(one.status != "flagged" for one in alive) else ""


def _wrong(alive: list[GrantedReward], rules: Rulebook) -> str:
    """Return what is wrong with what a crossing gave."""
    if not alive:
        return "was granted, and gave nothing"
    if any(one.status == "flagged" for one in alive):
        return "was granted, but its reward is flagged"
    codes = [one.code for one in alive if one.code]
    if len(set(codes)) != len(codes):
        return f"gave one thing twice: {', '.join(codes)}"
    # What was used before the milestone was lost for a time may be of an older version: the last one counts the parts.
    last = max(alive, key=lambda one: one.reward_id)
    rule = rules.labelled(last.program, last.granted_on).milestone(last.milestone)
    gives = rule.gives if rule else None
    if gives is None:
        return f"gave what {last.program} doesn't know"
    waits = any(not one.code for one in alive)
    pick = gives.pick if isinstance(gives, Choice) else 1
    if len(alive) > pick or (len(alive) < pick and not waits):
        return f"gave {len(alive)} of {pick}"
    return next((wrong for one in alive if (wrong := _other(one, rules))), "")


def _other(one: GrantedReward, rules: Rulebook) -> str:
    """Return how a reward differs from what the program says."""
    rule = rules.labelled(one.program, one.granted_on).milestone(one.milestone)
    gives = rule.gives if rule else None
    among: tuple[Reward, ...] = gives.among if isinstance(gives, Choice) else (gives,) if gives else ()
    if not one.code:
        return "" if isinstance(gives, Choice) else f"left a choice that {one.program} hasn't"
    says = next((reward for reward in among if reward.code == one.code), None)
    if says is None or says.kind != one.kind or (says.points if says.kind == "points" else 0) != one.points:
        return f"gave {one.code} ({one.points} points), which {one.program} doesn't say"
    return ""


def _check_points(history: History, report: Report) -> None:
    """Compare the journals that gave and took back points with the rewards that name them."""
    gave = {one.journal_id: one for one in history.rewards if one.kind == "points"}
    took = {
        one.changed_by: one for one in history.rewards if one.kind == "points" and one.status == "revoked"
    }
    for entry in history.entries:
        kind, journal_id = entry.journal.kind, entry.journal.journal_id
        if kind not in {_GIVES, _TAKES}:
            continue
        report.counted("reward_points")
        reward = (gave if kind == _GIVES else took).pop(journal_id, None)
        points = _moved(entry)
        says = 0 if reward is None else reward.points if kind == _GIVES else -reward.points
        if points != says:
            report.differs(
                "reward_points", f"{show('jrn', journal_id)}: moved {points}, its reward says {says}"
            )
    for one in (*gave.values(), *took.values()):
        report.differs(
            "reward_points", f"{show('rwd', one.reward_id)}: no journal moved its {one.points} points"
        )


def _moved(entry: Entry) -> int:
    return sum(
        one.amount * ((one.credit == AVAILABLE) - (one.debit == AVAILABLE))
        for one in entry.transfers
        if one.unit == POINTS and one.kind == "milestone"
    )
