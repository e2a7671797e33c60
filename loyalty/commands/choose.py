"""Choose a reward, where a milestone leaves the choice to the member.

Refusals, in this order: the key was used with another request; the member is unknown; the member has no such reward;
the account is closed; there is nothing to choose, or no more; the time to choose is over; the codes aren't so many of
those that are left.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from loyalty.commands import rewarding
from loyalty.commands.model import Answer, Balance, Decision, Facts, Key, Result, Target, balance_of, replay
from loyalty.commands.rewarding import Happened, RewardView, view
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.program.model import Identifier, Reward
from loyalty.rewards.model import GrantedReward, options, taken

_encode = msgspec.json.Encoder().encode


class ChooseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The codes of the rewards that are chosen, as many as there are to pick."""

    codes: Annotated[list[Identifier], Meta(min_length=1, max_length=100)]


class Choose(Struct, frozen=True, gc=False):
    """A choice that is well-formed."""

    target: Target
    reward_id: UUID
    request: ChooseRequest
    actor: str
    key: Key


class ChooseReply(Struct, frozen=True, gc=False):
    """What was chosen, and the balance after it: points are given at once."""

    rewards: list[RewardView]
    balance: Balance


def decide(facts: Facts, rules: Rulebook, command: Choose, moment: Moment) -> Result:
    """Decide what a choice comes to."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member = facts.member
    if member is None:
        return Problem("unknown_member")
    row = find(facts, command.reward_id)
    if row is None:
        return Problem("unknown_reward")
    if member.status != "active":
        return Problem("member_closed")
    version = rules.labelled(row.program, row.granted_on)
    choice = rewarding.choice_of(version, row)
    if row.status != "open" or choice is None:
        return Problem("reward_not_open", f"The reward is {row.status}.")
    if row.choose_by is not None and moment.today > row.choose_by:
        return Problem("choice_over", f"It was to be made by {row.choose_by}.")
    given = facts.rewards or []
    among, pick = options(choice, taken(given, row))
    chosen = _chosen(among, pick, command.request.codes)
    if isinstance(chosen, Problem):
        return chosen
    # From here it is chosen.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    happened = rewarding.choose(book, version, row, chosen, given, moment.today, moment, "")
    book.close()
    return settled(
        book, happened, ChooseReply(_views(rules, happened), balance_of(member)), command.key, moment
    )


def find(facts: Facts, reward_id: UUID) -> GrantedReward | None:
    """Return a reward by its id, if it is the member's."""
    owner = facts.member and facts.member.member_id
    found = [one for one in facts.rewards or () if one.reward_id == reward_id and one.member_id == owner]
    return found[0] if found else None


def settled(book: Book, happened: list[Happened], reply: Struct, key: Key | None, moment: Moment) -> Decision:
    """Return the decision that leaves rewards as they are now."""
    return Decision(
        Answer(200, _encode(reply)), book, events=rewarding.events_of(book, happened, moment, ()), key=key,
        rewards=rewarding.last_states(happened),
    )  # fmt: skip


def _chosen(among: tuple[Reward, ...], pick: int, codes: list[str]) -> list[Reward] | Problem:
    """Return the rewards that codes name, or what is wrong with them."""
    by_code = {one.code: one for one in among}
    for place, code in enumerate(codes):
        if code not in by_code:
            told = f"{code} isn't among {', '.join(by_code)}."
            return Problem("invalid_value", told, at=f"/codes/{place}")
        if code in codes[:place]:
            return Problem("invalid_value", f"{code} is named twice.", at=f"/codes/{place}")
    if len(codes) != pick:
        return Problem("invalid_value", f"There are {pick} to pick, not {len(codes)}.", at="/codes")
    return [by_code[code] for code in codes]


def _views(rules: Rulebook, happened: list[Happened]) -> list[RewardView]:
    return [view(rules, one.reward) for one in happened]
