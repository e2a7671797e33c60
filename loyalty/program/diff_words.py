"""The words for differences between two definitions: a sentence for each of the frequent ones, English and Chinese."""

from typing import Final, NamedTuple

Words = tuple[str, str]
"""The same in English and in Chinese."""


class Sentence(NamedTuple):
    """What to say of a change, of what was added and of what was removed.

    `{of}` is the name of the entry, `{key}` the last key, `{a}` and `{b}` the values after and before with their unit,
    `{old}` the value before; in English without its unit, which was said already. `{currency}` is the program's, and
    `{per}` what points are for. `unit` is what is counted: `KEY` what the last key says, `MILESTONE` what it counts.
    """

    changed: Words
    added: Words | None = None
    removed: Words | None = None
    unit: str = ""


KEY: Final = "key"
MILESTONE: Final = "milestone"

UNITS: Final[dict[str, tuple[str, str, str]]] = {
    "nights": ("night", "nights", "晚"),
    "stays": ("stay", "stays", "次入住"),
    "tier_points": ("tier point", "tier points", "定级积分"),
    "no_shows": ("no-show", "no-shows", "次未到店"),
    "brands": ("brand", "brands", "个品牌"),
    "months": ("month", "months", "个月"),
    "days": ("day", "days", "天"),
    "points": ("point", "points", "积分"),
    "years": ("year", "years", "年"),
}
"""One, several, and in Chinese."""
KINDS: Final[dict[str, Words]] = {
    "tier": ("tier", "等级"),
    "benefit": ("benefit", "礼遇"),
    "festival": ("festival", "节日"),
    "promotion": ("promotion", "活动"),
    "milestone": ("milestone", "里程碑"),
    "exclusion": ("exclusion", "排除规则"),
    "earning.rule": ("earning rule", "积分规则"),
    "earning.cap": ("cap", "上限"),
    "transfers": ("transfers of points between members", "会员间积分转赠"),
    "household": ("households that pool their points", "家庭积分共享"),
    "purchase": ("purchases of points", "积分购买"),
    "referral": ("points for referrals", "推荐奖励积分"),
}
CATEGORIES: Final[dict[str, str]] = {
    "room": "客房", "food": "餐饮", "beverage": "酒水", "spa": "水疗", "laundry": "洗衣", "parking": "停车",
}  # fmt: skip
VALUES: Final[dict[str, Words]] = {
    "calendar_year": ("within a calendar year", "按自然年"),
    "membership_year": ("within a year of membership", "按会员年"),
    "rolling": ("within the last months", "按最近若干个月"),
    "cycle": ("within a cycle of their own", "按个人周期"),
    "mon": ("Monday", "周一"),
    "tue": ("Tuesday", "周二"),
    "wed": ("Wednesday", "周三"),
    "thu": ("Thursday", "周四"),
    "fri": ("Friday", "周五"),
    "sat": ("Saturday", "周六"),
    "sun": ("Sunday", "周日"),
}
"""Values that stand for something else than themselves."""
KEYS: Final[dict[str, str]] = {
    "above": "起算", "account_days": "入会天数", "among": "可选", "at": "节点", "benefits": "礼遇",
    "birthday_month": "生日月", "bonus": "等级加赠", "bonus_percent": "加赠百分比", "brands": "品牌",
    "budget": "预算", "by": "依据", "by_invitation": "仅限邀请", "channels": "渠道", "counts": "仍计", "day": "日期",
    "days": "天数", "days_before": "提前天数", "default": "默认", "dormant_months": "沉睡月数", "earns": "仍积",
    "every": "每", "every_days": "间隔天数", "except_brands": "除外品牌", "fee": "每分手续费", "festivals": "节日",
    "from_stay": "第几次入住起", "group": "组", "keep": "保级", "keep_require": "保级另需", "kind": "类型",
    "least": "最少", "least_nights": "最少晚数", "least_spend": "最低消费", "listed": "指定日期", "lunar": "农历",
    "member_days": "会员日", "members": "成员", "most": "最多", "multiplier": "倍数", "nights": "晚数",
    "nth_stay": "第几次入住", "on": "针对", "or_at": "或节点", "over": "范围", "per": "每",
    "per_member": "每会员上限", "per_stay": "每次上限", "percent": "百分比", "permanent": "永久", "pick": "任选",
    "points": "积分", "points_per_night": "每晚积分", "price": "价格", "priority": "优先级", "properties": "酒店",
    "rate_codes": "房价代码", "reach": "达到", "referred": "被推荐", "registration": "需报名", "require": "另需",
    "reward": "奖励", "room_types": "房型", "rooms": "积分房间数", "segments": "客群", "step": "步长",
    "tiers": "等级", "times": "次数", "times_a_year": "每年次数", "unit": "计量", "until": "截止",
    "valid_months": "有效月数", "valid_to": "有效至", "valid_years": "有效年数", "weekdays": "星期",
    "within_days": "期限天数", "yearly": "每年",
}  # fmt: skip
"""Keys in Chinese, where a whole entry is told. In English they are words already."""

SENTENCES: Final[dict[str, Sentence]] = {
    "version": Sentence(("Version {a}, was {old}", "版本 {a}，原为 {old}")),
    "tier.*.reach.*": Sentence(
        ("{of} now takes {a}, was {old}", "{of}现需{a}，原为{old}"),
        ("{of} can now be reached by {a}", "{of}现可凭{a}达到"),
        ("{of} can no longer be reached by {b}", "{of}不再可凭{b}达到"),
        unit=KEY,
    ),
    "tier.*.require.*": Sentence(
        ("{of} now needs {a} as well, was {old}", "{of}另需{a}，原为{old}"),
        ("{of} now needs {a} as well", "{of}现另需{a}"),
        ("{of} no longer needs {b} as well", "{of}不再另需{b}"),
        unit=KEY,
    ),
    "tier.*.keep.*": Sentence(
        ("Keeping {of} now takes {a}, was {old}", "保级{of}现需{a}，原为{old}"),
        ("{of} can now be kept by {a}", "{of}现可凭{a}保级"),
        ("{of} has no longer {b} as its own threshold to keep it", "{of}不再以{b}作为单独的保级门槛"),
        unit=KEY,
    ),
    "tier.*.keep_require.*": Sentence(
        ("Keeping {of} now needs {a} as well, was {old}", "保级{of}另需{a}，原为{old}"),
        ("Keeping {of} now needs {a} as well", "保级{of}现另需{a}"),
        ("Keeping {of} no longer needs {b} as well", "保级{of}不再另需{b}"),
        unit=KEY,
    ),
    "tier.*.bonus_percent": Sentence(("{of} earns {a} % more, was {old} %", "{of}加赠{a}%积分，原为{old}%")),
    "tier.*.permanent": Sentence(
        ("{of} is never lost once reached: {a}, was {old}", "{of}达到后永久保留：{a}，原为{old}")
    ),
    "tier.*.yearly.*": Sentence(
        ("{of} brings {key} {a} times a year, was {old}", "{of}每年享{key} {a} 次，原为 {old} 次"),
        ("{of} now brings {key} {a} times a year", "{of}现每年享{key} {a} 次"),
        ("{of} no longer brings {key}, was {b} times a year", "{of}不再享{key}，原为每年 {b} 次"),
    ),
    "earning.points.*": Sentence(
        ("{key} earns {a} {per}, was {old}", "{key}{per}得{a}，原为{old}"),
        ("{key} now earns {a} {per}", "{key}现{per}得{a}"),
        ("{key} no longer earns points, was {old} {per}", "{key}不再积分，原为{per}得{b}"),
        unit="points",
    ),
    "earning.rule.*.points.*": Sentence(
        ("By the rule {of} {key} earns {a}, was {old}", "按规则 {of}，{key}得{a}，原为{old}"),
        ("By the rule {of} {key} now earns {a}", "按规则 {of}，{key}现得{a}"),
        ("By the rule {of} {key} no longer earns points, was {old}", "按规则 {of}，{key}不再积分，原为{old}"),
        unit="points",
    ),
    "earning.per": Sentence(
        ("Points are for each {a} {currency}, was {old}", "每 {a} {currency} 计一次积分，原为 {old}")
    ),
    "earning.pending_days": Sentence(
        ("Points can be spent {a} after check-out, was {old}", "积分于离店{a}后可用，原为{old}"), unit="days"
    ),
    "expiry.months": Sentence(
        ("Expiry after {a}, was {old}", "积分{a}后到期，原为{old}"),
        ("Expiry after {a}, was never", "积分{a}后到期，原为永不到期"),
        ("Points no longer expire, was after {b}", "积分不再到期，原为{b}后"),
        unit="months",
    ),
    "expiry.by_tier.*": Sentence(
        ("Expiry at {key}: {a}, was {old}", "{key}积分有效期：{a}，原为{old}"),
        ("Expiry at {key} now by a rule of its own: {a}", "{key}积分有效期另行规定：{a}"),
        ("Expiry at {key} is no longer a rule of its own, was {b}", "{key}积分有效期不再另行规定，原为{b}"),
        unit="months",
    ),
    "expiry.inactivity_months": Sentence(
        ("Expiry after {a} without activity, was {old}", "无活动{a}后积分到期，原为{old}"),
        ("Points now expire after {a} without activity", "无活动{a}后积分现将到期"),
        ("Points no longer expire without activity, was after {b}", "无活动不再使积分到期，原为{b}后"),
        unit="months",
    ),
    "exchange.*": Sentence(
        ("1 {key} is {a} {currency}, was {old}", "1 {key} 折合 {a} {currency}，原为 {old}"),
        ("{key} is now taken, at {a} {currency}", "现接受 {key}，1 {key} 折合 {a} {currency}"),
        ("{key} is no longer taken, was {b} {currency}", "不再接受 {key}，原折合 {b} {currency}"),
    ),
    "promotion.*.first": Sentence(
        ("{of} now begins on {a}, was {old}", "{of}现自 {a} 起，原为 {old}"),
        ("{of} now begins on {a}", "{of}现自 {a} 起"),
        ("{of} no longer has a first day, was {b}", "{of}不再限定起始日，原为 {b}"),
    ),
    "promotion.*.last": Sentence(
        ("{of} now ends on {a}, was {old}", "{of}现至 {a} 止，原为 {old}"),
        ("{of} now ends on {a}", "{of}现至 {a} 止"),
        ("{of} no longer ends, was {b}", "{of}不再有截止日，原为 {b}"),
    ),
    "promotion.*.multiplier": Sentence(
        ("{of} now gives {a} times the points, was {old}", "{of}现为 {a} 倍积分，原为 {old} 倍")
    ),
    "promotion.*.percent": Sentence(
        ("{of} now gives {a} % more, was {old} %", "{of}现加赠 {a}%，原为 {old}%")
    ),
    "promotion.*.points": Sentence(
        ("{of} now gives {a}, was {old}", "{of}现赠{a}，原为{old}"), unit="points"
    ),
    "promotion.*.points_per_night": Sentence(
        ("{of} now gives {a} a night, was {old}", "{of}现每晚赠{a}，原为{old}"), unit="points"
    ),
    "promotion.*.budget": Sentence(
        ("{of} now has a budget of {a}, was {old}", "{of}预算现为{a}，原为{old}"),
        ("{of} now has a budget of {a}", "{of}现设预算{a}"),
        ("{of} no longer has a budget, was {b}", "{of}不再设预算，原为{b}"),
        unit="points",
    ),
    "milestone.*.every": Sentence(
        ("{of} is now every {a}, was {old}", "{of}现为每{a}，原为每{old}"), unit=MILESTONE
    ),
    "milestone.*.at": Sentence(("{of} is now at {a}, was {old}", "{of}现设于{a}，原为{old}"), unit=MILESTONE),
    "qualification.period": Sentence(("Tiers are now earned {a}, was {old}", "等级现{a}评定，原{old}")),
    "qualification.grace_months": Sentence(
        ("Tiers last {a} longer, was {old}", "等级宽限{a}，原为{old}"), unit="months"
    ),
    "point_value": Sentence(
        ("A point costs {a} {currency}, was {old}", "每积分成本 {a} {currency}，原为 {old}")
    ),
    "limits.nights": Sentence(
        ("A stay has at most {a}, was {old}", "每次入住最多{a}，原为{old}"), unit="nights"
    ),
}
"""By the key; `*` is the code of an entry or the key of a table."""
FALLBACK: Final[dict[str, Words]] = {
    "changed": ("{path}: {a}, was {old}", "{path}：{a}，原为 {old}"),
    "added": ("{path}: {a}, was not set", "{path}：{a}，原未设定"),
    "removed": ("{path}: no longer set, was {b}", "{path}：不再设定，原为 {b}"),
    "order": ("The order of {path} is now {a}, was {old}", "{path} 的顺序现为 {a}，原为 {old}"),
}
CAME_OR_WENT: Final[dict[str, Words]] = {
    "added": ("New {what}", "新增{what}"),
    "removed": ("No more {what}", "取消{what}"),
}
DETAIL: Final[Words] = ("{what}: {detail}", "{what}：{detail}")
BENEFITS: Final[dict[str, Words]] = {
    "added": ("{of} now brings {a}", "{of}现享{a}"),
    "removed": ("{of} no longer brings {a}", "{of}不再享{a}"),
}
NO_CHANGE: Final[Words] = ("No change.", "没有变化。")

FROM_TO: Final[Words] = ("from {first} to {last}", "{first} 至 {last}")
FROM: Final[Words] = ("from {first} on", "自 {first} 起")
UNTIL: Final[Words] = ("until {last}", "至 {last} 止")
YES: Final[Words] = ("yes", "是")
NO: Final[Words] = ("no", "否")
NONE: Final[Words] = ("none", "无")
NEVER: Final[Words] = ("never", "永不")
COMMA: Final[Words] = (", ", "，")
LIST: Final[Words] = (", ", "、")
PER: Final[Words] = ("per {amount}", "每 {amount} ")
