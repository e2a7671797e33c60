"""The findings: for each check how many things were looked at, how many differ, and the first few by id."""

from typing import Final

from msgspec import Struct

EXAMPLES: Final = 5
"""How many differences of a check are told in words; all are counted."""

CHECKS: Final[dict[str, str]] = {
    "zero_sum": "all accounts of a unit sum to zero",
    "program_accounts": "program accounts, totals and deltas, are the fold of their transfers",
    "transit": "nothing is left in transit between members",
    "versions": "a member's journals are numbered 1 to n, and n is the member's version",
    "recorded": "a member's journals were recorded in the order of their versions",
    "transfers": "amounts are above zero, between two accounts of the unit, in lines 1 to n",
    "journal_balances": "a journal's balance is the running fold of the transfers",
    "points": "a member's available and pending points and debt are the fold of the transfers",
    "held": "a member's held points are the fold of the transfers, and the sum of the open holds",
    "counters": "a member's counters are the fold of the transfers, by year and unit",
    "lots": "a lot opened on its day; what remains and expired is what was left; with the debt, the balance",
    "next_expiry": "no open lot opens or expires before the member's next expiry",
    "allocations": "what a journal took is what it allocated and what became debt; debt is repaid first",
    "draw_order": "nothing was drawn from an expired lot, nor from a later one while an earlier one had points",
    "leaves": "a journal's leaf hash is that of its rows",
    "stays": "a stay's last award is the sum of its journals",
    "revisions": "a stay's earlier awards are the sums of the journals up to them",
    "reversals": "no more of a stay was reversed than it had earned",
    "directory": "a stay's natural key leads to it",
    "milestones": "milestones granted are what the counters have crossed",
    "rewards": "each milestone granted gave what the program says, once; one that was lost left only what is flagged",
    "vouchers": "each voucher has the code and the status that its journals say, and stands for what was given",
    "reward_points": "the points of a reward are those of its journals",
    "redemptions": "each redemption is what its steps come to, and each step what its journal moved",
    "stock": "what is taken of an offer is what its redemptions have, and never more than there is",
    "references": "a partner's reference leads to its redemption, and to no other",
    "tokens": "a token was spent on one redemption, of its member with its partner, up to its points",
    "accruals": "points that a partner gave, or took back, are those of their journal",
    "adjusted_statements": "an adjustment of settlement is that of its journal",
    "funds": "a partner gave no more than it paid for, and what was taken is what it gave",
    "statements": "a statement's lines are what happened, once, its hash theirs; a partner's accounts are all that did",
    "judged_tiers": "awards were judged by a tier of the program",
    "homes": "ids and numbers tell the shard where the row is",
    "linked": "the two journals of what moved between members name each other",
    "pairs": "what one of two such journals sent, the other received",
    "four_eyes": "no more was compensated, or adjusted in settlement, than one person may without another's approval",
    "approvals": "a proposal was decided by another person, and names the journal that it came to",
    "referrals": "a referral that was paid names the journal by which its referrer was",
    "merges": "accounts that were merged name each other, until that is undone",
    "closed_books": "nothing is left in the books of an account that was merged into another",
    "households": "the members of a household are those who name it",
    "pools": "points were pooled by those only who were in a household",
    "statuses": "the tiers that a member was given are those that journals gave",
    "keys": "an idempotency key's reply is JSON, and what it names exists",
    "members_of_journals": "every journal belongs to a member",
    "journals_of_transfers": "every transfer belongs to a journal",
    "journals_of_lots": "every lot was earned by a journal of its member",
    "journals_of_allocations": "every allocation belongs to a journal",
    "lots_of_allocations": "every allocation draws on a lot",
    "journals_of_leaves": "every leaf that waits to be sealed belongs to a journal",
    "journals_of_events": "every event in the outbox belongs to a journal",
    "journals_of_revisions": "every stay revision's journal exists",
    "journals_of_grants": "every milestone was granted or revoked by a journal",
    "journals_of_vouchers": "every voucher was issued, and last changed, by a journal of its member",
    "journals_of_rewards": "every reward was given, and last changed, by a journal of its member",
    "referrals_of_journals": "every journal that paid a referral is that of one referral",
    "merges_of_members": "every closed account has been merged",
    "members_of_redemptions": "every redemption belongs to a member",
    "redemptions_of_steps": "every step is that of a redemption",
    "members_of_profiles": "every sealed profile belongs to a member",
    "stays_of_directory": "every natural key leads to a stay, and no two to the same",
}
"""Every check by its name, with what holds when it finds nothing; in the order of the table."""


class Tally(Struct):
    """What one check found."""

    check: str
    holds: str
    checked: int = 0
    differences: int = 0
    examples: list[str] = []


class Report:
    """All that was found so far."""

    def __init__(self) -> None:
        """Begin with nothing checked."""
        self.tallies = {name: Tally(name, holds) for name, holds in CHECKS.items()}
        self.members = 0
        self.journals = 0

    def counted(self, check: str, things: int = 1) -> None:
        """Note how many things a check looked at."""
        self.tallies[check].checked += things

    def differs(self, check: str, example: str, times: int = 1) -> None:
        """Note a difference, in words that name the row by its id."""
        tally = self.tallies[check]
        tally.differences += times
        if len(tally.examples) < EXAMPLES:
            tally.examples.append(example)

    @property
    def clean(self) -> bool:
        """Whether no check found a difference."""
        return not any(tally.differences for tally in self.tallies.values())

    def found(self) -> set[str]:
        """Return the checks that found a difference."""
        return {name for name, tally in self.tallies.items() if tally.differences}
