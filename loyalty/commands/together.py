"""What is decided together: commands of one shard, one for each member, stay, partner's reference and key."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from loyalty.commands.model import Decision, Facts, Result
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.verbs import Command
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.partners.catalogue import Catalogue


class Batch(Struct, gc=False):
    """Commands of a shard, the facts of each, and what all are decided by.

    `twins` are the places of commands that have to wait. `stock` are the names of what holds will draw on, `left` what
    the shard has of it: known once the facts are gathered, as is the `catalogue` if it had changed.
    """

    shard: int
    commands: Sequence[Command]
    facts: Sequence[Facts]
    twins: set[int]
    rules: Rulebook
    catalogue: Catalogue
    moment: Moment
    stock: set[str] = set()
    left: dict[str, int] = {}

    def pairs(self) -> Iterator[tuple[Facts, Command]]:
        """Return each command behind its facts."""
        return zip(self.facts, self.commands, strict=True)


def find_twins(facts: Sequence[Facts]) -> set[int]:
    """Return the places of commands whose member has an earlier one in the batch."""
    seen: set[UUID] = set()
    twins: set[int] = set()
    for place, known in enumerate(facts):
        if known.member is None:
            continue
        if known.member.member_id in seen:
            twins.add(place)
        seen.add(known.member.member_id)
    return twins


def without_twins(results: list[Result | None]) -> list[Result | None]:
    """Let a stay, a partner's reference or a key that two commands of a batch name be decided once.

    The second runs again later.
    """
    named: set[object] = set()
    for place, result in enumerate(results):
        if not isinstance(result, Decision) or result.answer.replayed:
            continue
        entry, key = result.entry, result.key
        names: list[tuple[object, ...]] = [(key.principal, key.key)] if key else []
        if entry:
            posting = entry.posting
            names.append((posting.source, posting.property, posting.stay_ref, posting.leg))
        if result.redemptions and result.steps[0].step == 1:
            one = result.redemptions[0]
            names += [("reference", one.partner, one.reference)] if one.reference else []
        if any(name in named for name in names):
            results[place] = None
        named.update(names)
    return results
