"""An award's explanation in sentences, in English and Chinese. Pure.

The words are kept here, in one table for each language; what they name (tiers, promotions, exclusions) is called as the
version of the program calls it that judged the stay.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, Literal

from loyalty.program.model import Definition, Earning, EarningRule
from loyalty.program.visit import Why

Language = Literal["en", "zh"]

_SENTENCES: Final[dict[str, dict[Language, str]]] = {
    "category_eligible": {
        "en": "{category}: {amount} {currency} earns {rate} {per}.",
        "zh": "{category}{amount} {currency}，{per}得{rate}分。",
    },
    "category_not_eligible": {
        "en": "{category}: {amount} {currency} earns nothing.",
        "zh": "{category}{amount} {currency}，不计积分。",
    },
    "exchanged": {
        "en": "{of}{amount} {foreign} are {worth} {currency}, at {rate} {currency} for 1 {foreign}{since}.",
        "zh": "{of}{amount} {foreign}，按{since}汇率 1 {foreign} = {rate} {currency}，折合{worth} {currency}。",
    },
    "base": {
        "en": "Base points on {amount} {currency}: {points}{by_rule}.",
        "zh": "基础积分：{amount} {currency}，共{points}分{by_rule}。",
    },
    "capped": {
        "en": "The cap {rule} of {limit} points leaves {points} base points.",
        "zh": "按上限 {rule}（{limit}分），基础积分计{points}分。",
    },
    "tier_bonus": {
        "en": "{tier} bonus of {percent} %: {some_points}.",
        "zh": "{tier}奖励 {percent}%：{points}分。",
    },
    "no_tier_bonus": {
        "en": "{tier} bonus: none by the rule {rule}.",
        "zh": "{tier}奖励：按规则 {rule} 不适用。",
    },
    "promotion": {
        "en": "{promotion}{how}: {some_points}.",
        "zh": "{promotion}{how}：{points}分。",
    },
    "promotion_nights": {
        "en": "{promotion}: {some_nights} on top.",
        "zh": "{promotion}：多计{nights}晚。",
    },
    "promotion_capped": {
        "en": "{promotion} gives at most {limit} points: {points} of them.",
        "zh": "{promotion}最多{limit}分，实得{points}分。",
    },
    "times_spent": {
        "en": "{promotion} was already given for {stays}.",
        "zh": "{promotion}已享{limit}次，不再计。",
    },
    "budget_spent": {
        "en": "The budget of {promotion} is spent: {points} of its points were left, {limit} too few.",
        "zh": "{promotion}预算已用完：余{points}分，缺{limit}分。",
    },
    "rooms_capped": {
        "en": "No more than {rooms} of a stay may earn; the revenue counts in proportion.",
        "zh": "每次入住最多{limit}间房计积分，消费按比例计。",
    },
    "award_nights": {
        "en": "{some_nights} paid by points or voucher: not counted.",
        "zh": "{nights}晚以积分或券支付，不计房晚。",
    },
    "award_stay": {
        "en": "{some_nights} paid by points or voucher: the stay earns and counts nothing.",
        "zh": "{nights}晚以积分或券支付，本次入住不计积分与房晚。",
    },
    "award_stay_counts": {
        "en": "{some_nights} paid by points or voucher: the stay earns nothing.",
        "zh": "{nights}晚以积分或券支付，本次入住不计积分。",
    },
    "not_checked_out": {
        "en": "The stay is {status}: nothing is earned.",
        "zh": "入住状态为{status}，不计积分。",
    },
    "superseded": {
        "en": "Revision {revision} is newer and holds.",
        "zh": "以较新的第{revision}版为准。",
    },
}
"""What each code says. An exclusion has the program's own code, and is said by its name."""

_EXCLUDED: Final[dict[Language, str]] = {
    "en": "{name}: such a stay earns nothing by the rule {code}{seen}.",
    "zh": "{name}：按规则 {code} 不计积分{seen}。",
}
_EXCLUDED_BUT: Final[dict[Language, str]] = {
    "en": "{name}: such a stay earns by the rule {code} for {earns} alone{seen}.",
    "zh": "{name}：按规则 {code} 仅{earns}计积分{seen}。",
}
_CATEGORIES: Final = {
    "room": "房费", "food": "餐饮", "beverage": "酒水", "spa": "水疗", "laundry": "洗衣", "parking": "停车",
    "phone": "电话", "tax": "税费",
}  # fmt: skip
_STATUSES: Final = {
    "cancelled": {"en": "cancelled", "zh": "已取消"},
    "no_show": {"en": "a no-show", "zh": "未到店"},
}

CODES: Final = frozenset(_SENTENCES)
"""The codes that have a sentence of their own."""


def language_of(accept_language: str) -> Language:
    """Return the best language of an `Accept-Language` header that there is; else English (RFC 9110, 12.5.4)."""
    ranked: list[tuple[int, int, Language]] = []
    for place, part in enumerate(accept_language.split(",")):
        tag, _, quality = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        thousandths = _quality(quality)
        if language in {"en", "zh"} and thousandths:
            ranked.append((-thousandths, place, "zh" if language == "zh" else "en"))
    return min(ranked)[2] if ranked else "en"


def _quality(text: str) -> int:
    """Read a quality like `q=0.8` in thousandths; 1 without one, 0 for one that can't be read."""
    name, _, value = text.strip().partition("=")
    if not name:
        return 1000
    whole, _, fraction = value.strip().partition(".")
    digits = whole + fraction.ljust(3, "0")[:3]
    return min(1000, int(digits)) if name.strip() == "q" and digits.isascii() and digits.isdecimal() else 0


def _many(number: object, thing: str) -> str:
    """Write a number of things.

    >>> _many(1, "night"), _many("0.5", "night"), _many(2, "point")
    ('1 night', '0.5 nights', '2 points')
    """
    return f"{number} {thing}" if str(number) == "1" else f"{number} {thing}s"


class Wording:
    """The sentences of one version of a program in one language."""

    def __init__(self, definition: Definition, language: Language) -> None:
        """Take the names that the definition gives."""
        self._language: Language = language
        self._currency = definition.currency
        self._per = self._each(definition.earning)
        self._rule_per = {rule.code: self._each(rule) for rule in definition.earning.rule}

        def named(items: Iterable[object]) -> dict[str, str]:
            return {item.code: getattr(item.name, language) for item in items}  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType, reportUnknownVariableType]

        self._tiers = named(definition.tier)
        self._promotions = named(definition.promotion)
        self._exclusions = named(definition.exclusion)
        self._earns = {item.code: item.earns for item in definition.exclusion}

    def explain(self, why: Iterable[Why]) -> list[str]:
        """Return a sentence for each reason, in order."""
        reasons = list(why)
        rule = next((one.rule for one in reasons if one.code == "base" and one.rule), None)
        per = self._rule_per.get(rule, self._per) if rule else self._per
        return [self._sentence(one, per) for one in reasons]

    def _sentence(self, one: Why, per: str) -> str:
        sentences = _SENTENCES.get(one.code)
        if sentences is None:
            return self._excluded(one)
        language = self._language
        values: Mapping[str, object] = {
            "category": self._category(one.category or ""),
            "of": self._of(one.category),
            "currency": self._currency,
            "foreign": one.currency,
            "worth": one.worth,
            "since": self._since(one.since),
            "amount": one.amount,
            "points": one.points,
            "rate": one.rate,
            "per": per,
            "some_points": _many(one.points, "point"),
            "some_nights": _many(one.nights, "night"),
            "stays": _many(one.limit, "stay"),
            "rooms": _many(one.limit, "room"),
            "by_rule": self._by_rule(one.rule),
            "rule": one.rule,
            "limit": one.limit,
            "nights": one.nights,
            "percent": one.percent,
            "tier": self._tiers.get(one.tier or "", one.tier),
            "promotion": self._promotions.get(one.rule or "", one.rule),
            "how": self._how(one),
            "status": _STATUSES.get(one.status or "", {}).get(language, one.status),
            "revision": one.revision,
        }
        return sentences[language].format_map(values)

    def _excluded(self, one: Why) -> str:
        seen = ", ".join(text for text in (one.channel, one.rate_code) if text)
        if seen:
            seen = f" ({seen})" if self._language == "en" else f"（{seen}）"
        name, earns = self._exclusions.get(one.code, one.code), self._earns.get(one.code, ())
        told = "、".join(self._category(category).strip() for category in earns)
        if self._language == "en":
            told = " and ".join(self._category(category).lower() for category in earns)
        sentences = _EXCLUDED_BUT if earns else _EXCLUDED
        return sentences[self._language].format(name=name, code=one.code, seen=seen, earns=told)

    def _category(self, category: str) -> str:
        if self._language == "zh":
            return _CATEGORIES.get(category, category + " ")
        return category.replace("_", " ").capitalize()

    def _of(self, category: str | None) -> str:
        """Say of which category something is; nothing for what is of all of them."""
        if category is None:
            return ""
        return self._category(category) + (": " if self._language == "en" else "")

    def _each(self, rates: Earning | EarningRule) -> str:
        """Say for how much of revenue a rate is."""
        per, currency = rates.per, self._currency
        if "." in per:
            per = per.rstrip("0").rstrip(".")
        if self._language == "zh":
            return f"{'每满' if rates.whole else '每'}{per} {currency}"
        if per == "1" and not rates.whole:
            return f"a {currency}"
        return f"for each whole {per} {currency}" if rates.whole else f"for each {per} {currency}"

    def _since(self, day: date | None) -> str:
        """Say from which day on a rate of exchange holds; nothing for one from the beginning."""
        if day is None:
            return ""
        return f" from {day} on" if self._language == "en" else f"{day}起的"

    def _by_rule(self, rule: str | None) -> str:
        if rule is None:
            return ""
        return f" (rule {rule})" if self._language == "en" else f"（规则 {rule}）"

    def _how(self, one: Why) -> str:
        """Say by what measure a promotion gives."""
        parts: list[str] = []
        if one.rate:
            parts.append(f"× {one.rate}" if not one.rate.endswith("%") else one.rate)
        if one.percent:
            parts.append(f"{one.percent} %" if self._language == "en" else f"{one.percent}%")
        if one.nights:
            parts.append(_many(one.nights, "night") if self._language == "en" else f"{one.nights}晚")
        joined = ", ".join(parts) if self._language == "en" else "，".join(parts)
        if not joined:
            return ""
        return f" ({joined})" if self._language == "en" else f"（{joined}）"
