"""Reviews: what a tier has become by itself is written down and told, once."""

from datetime import date
from typing import Any

import msgspec

from loyalty.commands import post_stay
from loyalty.commands.model import Facts
from loyalty.commands.review import Review, decide
from loyalty.ids import show
from loyalty.ledger.model import Member, Status, Traits
from tests.builders import decided, lot, member, moment, post, refused, small_rules

RULES = small_rules()
NEW_YEAR = date(2027, 1, 1)
# Gold in 2025, to the end of 2026.
ONCE_GOLD: Any = {"counters": {"2025": {"nights": 40}}, "tier": "gold", "review_on": NEW_YEAR}


def review(owner: Member, day: date, facts: Facts | None = None) -> Any:
    return decided(decide(facts or Facts(owner), RULES, Review(owner.member_id), moment(day)))


def told(decision: Any) -> list[tuple[str, str, str]]:
    payloads = [msgspec.json.decode(one.payload) for one in decision.events if one.type == "tier.changed"]
    return [(one["member_id"], one["before"], one["after"]) for one in payloads]


def test_a_tier_that_has_ended_is_written_down_and_told() -> None:
    owner = member(**ONCE_GOLD)
    decision = review(owner, date(2027, 1, 5))
    [journal] = decision.book.journals

    assert ("tier_reviewed", NEW_YEAR, "gold ended, silver", "review") == (
        journal.kind, journal.effective_on, journal.reason, journal.actor
    )  # fmt: skip
    assert [(show("mem", owner.member_id), "gold", "silver")] == told(decision)
    assert ("silver", None) == (owner.tier, owner.review_on)
    assert [] == decision.book.transfers


def test_a_second_review_finds_nothing_to_do() -> None:
    owner = member(**ONCE_GOLD)
    review(owner, NEW_YEAR)
    version = owner.version
    again = review(owner, NEW_YEAR)

    assert ([], [], version) == (again.book.journals, again.events, owner.version)


def test_nothing_is_reviewed_before_its_day() -> None:
    owner = member(**ONCE_GOLD)
    decision = review(owner, date(2026, 12, 31))

    assert ([], []) == (decision.book.journals, decision.events)
    assert ("gold", NEW_YEAR) == (owner.tier, owner.review_on)


def test_a_tier_that_was_earned_again_is_kept_and_says_until_when() -> None:
    owner = member(**ONCE_GOLD | {"counters": {"2025": {"nights": 40}, "2026": {"nights": 50}}})
    decision = review(owner, NEW_YEAR)

    assert ["gold until 2027-12-31"] == [one.reason for one in decision.book.journals]
    assert [] == told(decision)
    assert ("gold", date(2028, 1, 1)) == (owner.tier, owner.review_on)


def test_a_member_whose_tier_was_never_told_is_told_nothing_of_a_change() -> None:
    owner = member(**ONCE_GOLD | {"tier": "", "review_on": date(1970, 1, 1)})
    decision = review(owner, date(2026, 6, 1))

    assert [] == told(decision)
    assert ("gold", NEW_YEAR) == (owner.tier, owner.review_on)


def test_a_tier_that_was_given_ends_on_its_day() -> None:
    gift = Status("platinum", "gifted", date(2026, 1, 1), date(2026, 6, 30))
    owner = member(traits=Traits(statuses=(gift,)), tier="platinum", review_on=date(2026, 7, 1))
    decision = review(owner, date(2026, 7, 1))

    assert ["platinum ended, silver"] == [one.reason for one in decision.book.journals]
    assert "platinum" == told(decision)[0][1]


def test_a_review_expires_what_is_due_on_the_way() -> None:
    owner = member(**ONCE_GOLD, available=70, next_expiry=date(2026, 12, 1))
    facts = Facts(owner, lots=[lot(owner, 70, date(2026, 12, 1))])
    decision = review(owner, NEW_YEAR, facts)

    assert ["expired", "tier_reviewed"] == [one.kind for one in decision.book.journals]
    assert ["points.expired", "tier.changed"] == [one.type for one in decision.events]
    assert 0 == owner.available


def test_nobody_is_no_member() -> None:
    assert ("unknown_member", "") == refused(decide(Facts(None), RULES, Review(member().member_id), moment()))


def test_a_posting_that_comes_before_the_review_tells_of_the_change() -> None:
    owner = member(**ONCE_GOLD)
    stay = {"arrival": date(2027, 1, 1), "departure": date(2027, 1, 2)}
    decision = decided(post_stay.decide(Facts(owner), RULES, post(**stay), moment(date(2027, 1, 2))))

    assert [(show("mem", owner.member_id), "gold", "silver")] == told(decision)
    assert ("silver", None) == (owner.tier, owner.review_on)
    assert [] == review(owner, date(2027, 1, 3)).book.journals


def test_a_posting_that_moves_nothing_leaves_the_review_to_come() -> None:
    owner = member(**ONCE_GOLD)
    command = post(status="cancelled", arrival=date(2027, 1, 1), departure=date(2027, 1, 2))
    decision = decided(post_stay.decide(Facts(owner), RULES, command, moment(date(2027, 1, 2))))

    assert [] == told(decision)
    assert ("gold", NEW_YEAR) == (owner.tier, owner.review_on)
