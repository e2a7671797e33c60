"""Use a reward: a voucher or a benefit, once, in its time.

Refusals, in this order: the key was used with another request; the member is unknown; the member has no such reward;
the account is closed; the reward isn't one to be used, or is no more; its time is up.
"""

from msgspec import Struct

from loyalty.commands.adjust import Note
from loyalty.commands.choose import find, settled
from loyalty.commands.model import Facts, Key, Result, Target, replay
from loyalty.commands.rewarding import Happened, RewardView, used, view
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.rewards.model import show_place
from loyalty.stays.model import Code, Reference


class Occasion(Struct, frozen=True, forbid_unknown_fields=True):
    """Where and for which stay something is used, as far as it is known."""

    property: Code | None = None
    stay_ref: Reference | None = None
    note: Note | None = None

    def told(self) -> str:
        """Return it in a few words, a blank in front."""
        place = " ".join(one for one in (self.property, self.stay_ref) if one)
        return (f" {place}" if place else "") + (f": {self.note}" if self.note else "")


class UseReward(Struct, frozen=True, gc=False):
    """The use of a reward, well-formed."""

    target: Target
    reward_id: UUID
    occasion: Occasion
    actor: str
    key: Key


class UseReply(Struct, frozen=True, gc=False):
    """The reward, used."""

    reward: RewardView


def decide(facts: Facts, rules: Rulebook, command: UseReward, moment: Moment) -> Result:
    """Decide what the use of a reward comes to."""
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
    if row.kind == "points" or row.status not in {"issued", "expired"}:
        what = "It is points, which are spent." if row.kind == "points" else f"The reward is {row.status}."
        return Problem("reward_not_usable", what)
    if row.status == "expired" or (row.valid_to is not None and moment.today >= row.valid_to):
        return Problem(
            "reward_expired", "Its time was up" + (f" on {row.valid_to}." if row.valid_to else ".")
        )
    # From here it is used.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    reason = f"{show_place(row.place)}: {row.code}{command.occasion.told()}"
    journal = book.journal("reward_used", moment.today, reason)
    happened = [Happened(used(row, journal), "used", journal)]
    book.close()
    return settled(book, happened, UseReply(view(rules, happened[0].reward)), command.key, moment)
