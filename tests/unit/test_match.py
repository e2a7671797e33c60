"""Which stays a rule means: all that is named must hold, of one list any value does."""

import pytest

from loyalty.program.match import matcher
from loyalty.program.model import Match

STAY = ("SHA01", "grand", "web", "BAR20", "KING", "gold")
SILENT = ("SHA01", "grand", "web", None, None, "gold")
"""A stay of which neither rate code nor room type is known."""


@pytest.mark.parametrize("stay", [STAY, SILENT, ("", "", "", None, None, "")])
def test_a_match_that_names_nothing_means_every_stay(
    stay: tuple[str, str, str, str | None, str | None, str],
) -> None:
    assert matcher(Match())(*stay)


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (Match(properties=("SHA01",)), True),
        (Match(properties=("PEK01", "SHA01")), True),
        (Match(properties=("PEK01",)), False),
        (Match(brands=("grand",)), True),
        (Match(brands=("lodge",)), False),
        (Match(channels=("app", "web")), True),
        (Match(channels=("ota",)), False),
        (Match(rate_codes=("BAR20",)), True),
        (Match(rate_codes=("BAR2",)), False),
        (Match(room_types=("KING",)), True),
        (Match(room_types=("TWIN",)), False),
        (Match(tiers=("gold", "diamond")), True),
        (Match(tiers=("diamond",)), False),
    ],
)
def test_any_value_of_a_list_will_do(rule: Match, *, holds: bool) -> None:
    assert holds is matcher(rule)(*STAY)


def test_all_lists_that_are_named_must_hold() -> None:
    both = matcher(Match(channels=("web", "app"), tiers=("gold",)))

    assert both(*STAY)
    assert not both("SHA01", "grand", "ota", None, None, "gold")
    assert not both("SHA01", "grand", "web", None, None, "silver")


@pytest.mark.parametrize(
    ("pattern", "rate_code", "holds"),
    [
        ("BAR*", "BAR20", True), ("BAR*", "BAR", True), ("BAR*", "BA", False), ("BAR*", "XBAR", False),
        ("BAR*", "bar20", False), ("*", "BAR20", True), ("*", None, False), ("B*R", "BAR", False),
        ("B*R", "B*R", True), ("BAR", None, False), ("", None, False),
    ],
)  # fmt: skip
def test_a_star_at_the_end_stands_for_anything(pattern: str, rate_code: str | None, *, holds: bool) -> None:
    assert holds is matcher(Match(rate_codes=(pattern,)))("SHA01", "grand", "web", rate_code, None, "gold")


def test_a_list_may_mix_whole_values_and_beginnings() -> None:
    mixed = matcher(Match(rate_codes=("CORP", "STAFF*", "CREW*")))

    assert [True, False, True, True, False] == [
        mixed("SHA01", "grand", "web", code, None, "gold")
        for code in ("CORP", "CORP2", "STAFF1", "CREW", "BAR")
    ]


@pytest.mark.parametrize(
    "rule",
    [Match(properties=("SHA*",)), Match(brands=("gr*",)), Match(channels=("w*",)), Match(room_types=("K*",))],
)
def test_beginnings_are_for_every_list_but_tiers(rule: Match) -> None:
    assert matcher(rule)(*STAY)
    assert not matcher(rule)("X", "X", "X", "X", "X", "gold")


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Match(except_brands=("lodge",)), ["grand", "grand_plus", ""]),
        (Match(except_brands=("grand*",)), ["lodge", ""]),
        (Match(except_brands=("*",)), []),
        (Match(brands=("grand*",), except_brands=("grand_plus", "lodge")), ["grand"]),
    ],
)
def test_brands_may_be_left_out(rule: Match, fits: list[str]) -> None:
    brands = ("grand", "grand_plus", "lodge", "")

    assert fits == [brand for brand in brands if matcher(rule)("SHA01", brand, "web", None, None, "gold")]


def test_a_tier_is_taken_as_it_is_written() -> None:
    assert not matcher(Match(tiers=("go*",)))(*STAY)
