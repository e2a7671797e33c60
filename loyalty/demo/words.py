"""What the demo says, in English and Chinese."""

from collections.abc import Callable
from typing import Final

from loyalty.demo.group import GROUP_EN, GROUP_ZH

Words = Callable[[str], str]
"""Looks up a phrase by its key."""

PHRASES: Final = {
    "language": ("en", "zh"),
    "group": (GROUP_EN, GROUP_ZH),
    "starting": ("Starting the service on an empty database of its own", "正在用独立的空数据库启动服务"),
    "data": ("data in", "数据目录"),
    "enrolling": ("Enrolling members", "会员入会"),
    "batches": ("Posting stays in batches", "批量过账"),
    "singles": ("The last two weeks, one by one", "最近两周逐笔过账"),
    "reading": ("Reading balances", "查询余额"),
    # tables
    "tiers_title": ("Members by tier", "各等级会员"),
    "tier": ("Tier", "等级"),
    "members": ("Members", "会员数"),
    "share": ("Share", "占比"),
    "points_each": ("Points each", "人均积分"),
    "available": ("Points available", "可用积分"),
    "outcomes_title": ("What was sent, and what became of it", "发送内容与处理结果"),
    "sent_as": ("Sent as", "发送类型"),
    "sum": ("Total", "合计"),
    "stay": ("Check-out", "退房"),
    "cancelled": ("Cancellation", "取消"),
    "no_show": ("No-show", "未到店"),
    "duplicate": ("The same again", "重复发送"),
    "correction": ("Late correction", "事后更正"),
    "outdated": ("Older revision, late", "迟到的旧版本"),
    "moved": ("To another member", "改记到另一会员"),
    "undone": ("Undone after posting", "过账后撤销"),
    "bad": ("Bad posting", "错误数据"),
    "posted": ("posted", "已过账"),
    "revised": ("revised", "已修订"),
    "reversed": ("reversed", "已冲销"),
    "unchanged": ("unchanged", "无变化"),
    "superseded": ("superseded", "已过时"),
    "refused": ("refused", "被拒绝"),
    "refused_title": ("Refused, and why", "拒绝及原因"),
    "code": ("Code", "代码"),
    "status": ("Status", "状态码"),
    "field": ("Field", "字段"),
    "times": ("Times", "次数"),
    "example": ("For example", "示例"),
    "points_title": ("Points, milestones, tier moves", "积分、里程碑与等级变动"),
    "issued": ("Points issued", "发放积分"),
    "of_base": ("of first postings: base", "首次过账：基础积分"),
    "of_bonus": ("of first postings: tier bonus", "首次过账：等级奖励"),
    "points_reversed": ("Points reversed", "冲销积分"),
    "expired": ("Points expired since", "其后过期积分"),
    "available_now": ("Available to members now", "当前可用积分"),
    "held": ("Held", "冻结积分"),
    "debt": ("Owed by members", "会员欠分"),
    "granted": ("granted", "授予"),
    "revoked": ("revoked", "撤回"),
    "nothing_title": ("Stays that earned nothing, and why", "未获积分的住店及原因"),
    "why": ("Why", "原因"),
    "stays": ("Stays", "住店数"),
    "properties_title": ("Stays by property", "各酒店住店"),
    "property": ("Property", "酒店"),
    "city": ("City", "城市"),
    "nights": ("Nights", "间夜"),
    "points": ("Points", "积分"),
    "direct": ("Not by agency", "非代理渠道"),
    "guests_title": ("Some of the best guests", "忠实会员"),
    "guest": ("Guest", "客人"),
    "number": ("Number", "会员号"),
    "nights_this_year": ("Nights this year", "本年间夜"),
    "speed_title": ("How fast", "速度"),
    "phase": ("Phase", "阶段"),
    "requests": ("Postings", "笔数"),
    "seconds": ("Seconds", "秒"),
    "per_second": ("Per second", "每秒"),
    "median": ("Median", "中位延迟"),
    "p99": ("99 %", "99% 延迟"),
    # farewell
    "open": ("Open", "打开"),
    "try": ("Try", "试一试"),
    "try_balance": ("What a member has", "查询会员余额"),
    "try_statement": ("How it came about", "查询积分明细"),
    "try_stay": ("Post a stay", "过账一次住店"),
    "stop": ("The server runs until Ctrl-C.", "服务运行中，按 Ctrl-C 停止。"),
    "kept": (
        "What was posted stays until the next demo. To check the books:",
        "数据保留到下次演示。核对账目：",
    ),
    "stopped": ("Stopped.", "已停止。"),
    "took": ("All of it took {seconds} s.", "总用时 {seconds} 秒。"),
}

LANGUAGES: Final = ("en", "zh")


def in_language(language: str) -> Words:
    """The phrases in one of `LANGUAGES`."""
    column = LANGUAGES.index(language)
    return lambda key: PHRASES[key][column]
