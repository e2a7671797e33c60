"""A partner's statement as a page to print, in English or Chinese. Pure: nothing is loaded from anywhere."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from loyalty import money
from loyalty.partners.statements import Line, Statement, shares, sums
from loyalty.program.model import Name

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "statement": ("Statement", "结算单"),
    "draft": ("Not issued yet", "尚未出具"),
    "partner": ("Partner", "合作伙伴"),
    "period": ("Month", "月份"),
    "status": ("Status", "状态"),
    "issued_at": ("Issued", "出具日期"),
    "records": ("Lines", "行数"),
    "owed": ("Owed to the partner", "应付合作伙伴"),
    "due": ("Owed by the partner", "合作伙伴应付"),
    "kind": ("Kind", "类别"),
    "points": ("Points", "积分"),
    "money": ("Money", "金额"),
    "property": ("Hotel that gave the points", "发放积分的酒店"),
    "group": ("Not by a stay", "非住宿所得"),
    "line": ("Line", "行"),
    "date": ("Date", "日期"),
    "reference": ("Reference", "参考号"),
    "id": ("Id", "编号"),
    "offer": ("Offer", "兑换项目"),
    "quantity": ("Quantity", "数量"),
    "captured": ("Redeemed", "兑换"),
    "refunded": ("Refunded", "退还"),
    "accrued": ("Given by the partner", "合作伙伴发放"),
    "accrual_reversed": ("Taken back by the partner", "合作伙伴收回"),
    "adjusted": ("Adjusted", "调整"),
    "open": ("open", "未出具"),
    "issued": ("issued", "已出具"),
    "accepted": ("accepted", "已确认"),
    "disputed": ("in dispute", "有争议"),
    "settled": ("settled", "已结清"),
    "taxes": ("Without taxes. SHA-256 of the statement as CSV:", "不含税。CSV 结算单的 SHA-256："),
}
"""What the page says, in English and in Chinese."""

_STYLE: Final = """
body { font: 10pt/1.4 "Noto Sans", "PingFang SC", "Microsoft YaHei", sans-serif; margin: 2rem; color: #111; }
h1 { font-size: 16pt; }
table { border-collapse: collapse; width: 100%; margin-top: 1.5rem; } thead { display: table-header-group; }
th, td { border-bottom: 1px solid #ccc; padding: .2rem .5rem; text-align: left; } tr { break-inside: avoid; }
.n { text-align: right; font-variant-numeric: tabular-nums; } .h { overflow-wrap: anywhere; color: #555; }
dl { display: grid; grid-template-columns: max-content auto; gap: .1rem 1rem; } dd { margin: 0; }
@page { size: A4; margin: 15mm; } @media print { body { margin: 0; } }
"""


def page(one: Statement, lines: Sequence[Line], name: Name, language: str) -> bytes:
    """Return a statement as HTML; `language` is `en` or `zh`."""
    place = 1 if language == "zh" else 0

    def say(word: str) -> str:
        return _WORDS[word][place]

    decimals = money.digits(one.currency)

    def amount(value: int) -> str:
        return f"{money.from_minor(value, decimals)} {one.currency}"

    title = f"{say('statement')} {one.code}" if one.number else say("draft")
    partner = name.zh if place else name.en
    facts = [
        ("partner", f"{partner} ({one.partner})"), ("period", one.period),
        ("status", say(one.status if one.number else "open")),
        ("issued_at", one.issued_at.date().isoformat() if one.number else "–"), ("records", str(one.records)),
        ("points", str(one.points)), ("owed", amount(one.money)) if one.money >= 0 else ("due", amount(-one.money)),
    ]  # fmt: skip
    by_kind = [(say(of.kind), str(of.records), str(of.points), amount(of.money)) for of in sums(lines)]
    by_hotel = [(of.property or say("group"), str(of.points), amount(of.money)) for of in shares(lines)]
    all_lines = [
        (
            str(line.line), line.effective_on.isoformat(), say(line.kind), line.reference, line.entry, line.offer,
            str(line.quantity), str(line.points), amount(line.money),
        )
        for line in lines
    ]  # fmt: skip
    body = "".join(
        (
            f"<h1>{escape(title)}</h1><dl>",
            *(f"<dt>{say(word)}</dt><dd>{escape(text)}</dd>" for word, text in facts),
            "</dl>",
            _table([say(word) for word in ("kind", "records", "points", "money")], by_kind, 1),
            _table([say(word) for word in ("property", "points", "money")], by_hotel, 1),
            _table(
                [
                    say(word)
                    for word in (
                        "line", "date", "kind", "reference", "id", "offer", "quantity", "points", "money",
                    )
                ],
                all_lines, 6,
            ),
            f'<p class="h">{say("taxes")} {one.hash.hex()}</p>' if one.hash else "",
        )
    )  # fmt: skip
    lang = "zh-CN" if place else "en"
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="{lang}"><head>{head}</head><body>{body}</body></html>'.encode()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], figures: int) -> str:
    """Return a table; columns from `figures` on are figures."""

    def row(tag: str, cells: Sequence[str]) -> str:
        marked = (
            f'<{tag} class="n">{escape(cell)}</{tag}>' if place >= figures else f"<{tag}>{escape(cell)}</{tag}>"
            for place, cell in enumerate(cells)
        )  # fmt: skip
        return f"<tr>{''.join(marked)}</tr>"

    body = "".join(row("td", cells) for cells in rows)
    return f"<table><thead>{row('th', head)}</thead><tbody>{body}</tbody></table>"
