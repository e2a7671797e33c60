"""Small safe expressions: Python's grammar, a short list of its nodes, kinds checked before the first row is read.

An expression is compiled once into closures and never given to `eval`. What isn't on the list is refused by name.
"""

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Protocol, cast

from loyalty.importing.functions import FUNCTIONS, LONGEST_DIGEST, Function, digest
from loyalty.importing.problems import UnusableValueError
from loyalty.importing.values import ROUNDINGS, Kind, Read, Row, Value, add_days, exact, plain

__all__ = ["Compiled", "ExpressionError", "Scope", "compile_expression", "constant", "needed"]

_LONGEST: Final = 500
_DEEPEST: Final = 40
_MOST_PLACES: Final = 12
_LITERAL: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")
_COMPARE: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SYMBOLS: Final[dict[type[ast.operator], str]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


class ExpressionError(Exception):
    """An expression that can't be used; the message says what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression ready to read rows: its kind, its closure, and the texts it can give where those are known."""

    kind: Kind
    read: Read
    texts: frozenset[str] | None = None


class Scope(Protocol):
    """What names mean; each raises ExpressionError for a name that isn't there."""

    def name(self, name: str) -> Compiled: ...
    def column(self, name: str) -> Compiled: ...
    def words(self, name: str, source: Compiled) -> Compiled: ...


def compile_expression(source: str, scope: Scope) -> Compiled:
    """Compile an expression, or say what is wrong with it."""
    if len(source) > _LONGEST:
        raise ExpressionError(f"longer than {_LONGEST} characters")
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ExpressionError(f"not an expression: {reason}") from None
    return _Compiler(source.strip(), scope).compile(tree.body)


def constant(value: Decimal | str) -> Compiled:
    """Return an expression that always gives this."""
    if isinstance(value, str):
        return Compiled(Kind.TEXT, lambda _row: value, frozenset([value]))
    return Compiled(Kind.NUMBER, lambda _row: value)


def needed(inner: Compiled, label: str) -> Read:
    """Read a value that must be there."""
    read = inner.read

    def reading(row: Row) -> Value:
        value = read(row)
        if value is None:
            raise UnusableValueError("empty_value", f"{label} is empty")
        return value

    return reading


class _Compiler:
    def __init__(self, source: str, scope: Scope) -> None:
        self.source = source
        self.scope = scope
        self.depth = 0

    def compile(self, node: ast.expr) -> Compiled:
        """Compile one node by the method named after it."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise ExpressionError(f"`{self._text(node)}` isn't allowed here")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExpressionError("nested too deeply")
        try:
            return cast("Compiled", method(node))
        finally:
            self.depth -= 1

    def _text(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.source, node) or type(node).__name__

    def _value(self, node: ast.expr, *kinds: Kind) -> tuple[Kind, Read]:
        """Compile an operand that must be there and of one of these kinds."""
        inner = self.compile(node)
        if kinds and inner.kind not in kinds:
            raise ExpressionError(f"`{self._text(node)}` is a {inner.kind}, not a {' or '.join(kinds)}")
        return inner.kind, needed(inner, self._text(node))

    # --- leaves

    def _constant(self, node: ast.Constant) -> Compiled:
        if isinstance(node.value, str):
            return constant(node.value)
        # Python reads 0.1 as a binary fraction: take the digits as they are written.
        digits = self._text(node)
        if isinstance(node.value, int | float) and _LITERAL.fullmatch(digits):
            return constant(Decimal(digits))
        raise ExpressionError(f"`{digits}` isn't a text or a plain number")

    def _name(self, node: ast.Name) -> Compiled:
        return self.scope.name(node.id)

    # --- operators

    def _unaryop(self, node: ast.UnaryOp) -> Compiled:
        if isinstance(node.op, ast.Not):
            _, truth = self._value(node.operand, Kind.TRUTH)
            return Compiled(Kind.TRUTH, lambda row: not truth(row))
        if isinstance(node.op, ast.USub):
            _, number = self._value(node.operand, Kind.NUMBER)
            return Compiled(Kind.NUMBER, lambda row: cast("Decimal", number(row)).copy_negate())
        raise ExpressionError(f"`{self._text(node)}` isn't allowed here")

    def _binop(self, node: ast.BinOp) -> Compiled:
        symbol = _SYMBOLS.get(type(node.op))
        if symbol is None:
            hint = "; divide(a, b, places) says how to round" if isinstance(node.op, ast.Div) else ""
            raise ExpressionError(f"`{self._text(node)}`: only + - * are operators{hint}")
        (one, left), (two, right) = self._value(node.left), self._value(node.right)
        found = _arithmetic(symbol, one, two, left, right)
        if found is None:
            raise ExpressionError(f"`{self._text(node)}`: a {one} {symbol} a {two} has no meaning")
        return found

    def _compare(self, node: ast.Compare) -> Compiled:
        compare = _COMPARE.get(type(node.ops[0]))
        if len(node.ops) != 1 or compare is None:
            raise ExpressionError(f"`{self._text(node)}`: compare two values with == != < <= > >=")
        kind, left = self._value(node.left)
        _, right = self._value(node.comparators[0], kind)
        return Compiled(Kind.TRUTH, lambda row: compare(left(row), right(row)))

    def _boolop(self, node: ast.BoolOp) -> Compiled:
        parts = [self._value(part, Kind.TRUTH)[1] for part in node.values]
        if isinstance(node.op, ast.And):
            return Compiled(Kind.TRUTH, lambda row: all(part(row) for part in parts))
        return Compiled(Kind.TRUTH, lambda row: any(part(row) for part in parts))

    def _ifexp(self, node: ast.IfExp) -> Compiled:
        _, test = self._value(node.test, Kind.TRUTH)
        yes, no = self._same_kind([node.body, node.orelse])
        return Compiled(yes.kind, lambda row: yes.read(row) if test(row) else no.read(row), _texts([yes, no]))

    def _same_kind(self, nodes: list[ast.expr]) -> list[Compiled]:
        parts = [self.compile(node) for node in nodes]
        for node, part in zip(nodes, parts, strict=True):
            if part.kind != parts[0].kind:
                raise ExpressionError(
                    f"`{self._text(node)}` is a {part.kind}, not a {parts[0].kind} like the others"
                )
        return parts

    # --- calls

    def _call(self, node: ast.Call) -> Compiled:
        name = node.func.id if isinstance(node.func, ast.Name) else self._text(node.func)
        if node.keywords or any(isinstance(one, ast.Starred) for one in node.args):
            raise ExpressionError(f"{name}() takes its values in order, without names or stars")
        if name in FUNCTIONS:
            return self._function(name, FUNCTIONS[name], node.args)
        special = getattr(self, f"_call_{name}", None)
        if special is None or not name.isidentifier():
            known = sorted([*FUNCTIONS, "column", "first", "hash", "is_empty", "words"])
            raise ExpressionError(f"there is no function {name}(); there are {', '.join(known)}")
        return cast("Compiled", special(node.args))

    def _function(self, name: str, function: Function, nodes: list[ast.expr]) -> Compiled:
        takes = function.takes * max(1, len(nodes)) if function.many else function.takes
        if not len(takes) <= len(nodes) <= len(takes) + len(function.settings):
            raise ExpressionError(f"{name}() takes {len(takes)} values, not {len(nodes)}")
        reads = [self._value(node, kind)[1] for node, kind in zip(nodes, takes, strict=False)]
        given = [self._setting(node) for node in nodes[len(takes) :]]
        settings = _settings(name, (*given, *function.settings[len(given) :]))
        call = function.call
        return Compiled(function.gives, lambda row: call(*[read(row) for read in reads], *settings))

    def _setting(self, node: ast.expr) -> int | str:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | str):
            return node.value
        raise ExpressionError(f"`{self._text(node)}` must be written out, as a number or a text")

    def _call_column(self, nodes: list[ast.expr]) -> Compiled:
        if len(nodes) != 1:
            raise ExpressionError('column() takes one name: column("Arrival date")')
        return self.scope.column(str(self._setting(nodes[0])))

    def _call_words(self, nodes: list[ast.expr]) -> Compiled:
        if len(nodes) != 2:  # noqa: PLR2004
            raise ExpressionError('words() takes a vocabulary and a text: words("status", state)')
        inner = self.compile(nodes[1])
        return self.scope.words(str(self._setting(nodes[0])), inner)

    def _call_first(self, nodes: list[ast.expr]) -> Compiled:
        if not nodes:
            raise ExpressionError("first() takes at least one value")
        parts = self._same_kind(nodes)
        reads = [part.read for part in parts]

        def read(row: Row) -> Value | None:
            return next((value for one in reads if (value := one(row)) is not None), None)

        return Compiled(parts[0].kind, read, _texts(parts))

    def _call_is_empty(self, nodes: list[ast.expr]) -> Compiled:
        if len(nodes) != 1:
            raise ExpressionError("is_empty() takes one value")
        inner = self.compile(nodes[0]).read
        return Compiled(Kind.TRUTH, lambda row: inner(row) is None)

    def _call_hash(self, nodes: list[ast.expr]) -> Compiled:
        length = self._setting(nodes[0]) if nodes else 0
        if len(nodes) < 2 or not isinstance(length, int) or not 1 <= length <= LONGEST_DIGEST:  # noqa: PLR2004
            raise ExpressionError(
                f"hash() takes a length from 1 to {LONGEST_DIGEST} and values: hash(12, a, b)"
            )
        reads = [self.compile(node).read for node in nodes[1:]]
        return Compiled(Kind.TEXT, lambda row: digest([_written(read(row)) for read in reads], length))


def _written(value: Value | None) -> str | None:
    return None if value is None else plain(value)


def _texts(parts: list[Compiled]) -> frozenset[str] | None:
    """Return all texts that one of these can give; None when that can't be told."""
    known = [part.texts for part in parts if part.texts is not None]
    return frozenset[str]().union(*known) if len(known) == len(parts) else None


def _settings(name: str, settings: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Check places and rounding, the only settings there are."""
    if settings:
        places, rounding = settings
        if not isinstance(places, int) or isinstance(places, bool) or not 0 <= places <= _MOST_PLACES:
            raise ExpressionError(f"{name}() rounds to 0 to {_MOST_PLACES} places, not {places!r}")
        if rounding not in ROUNDINGS:
            raise ExpressionError(f"{name}() rounds by {', '.join(ROUNDINGS)}, not {rounding!r}")
    return settings


def _arithmetic(symbol: str, one: Kind, two: Kind, left: Read, right: Read) -> Compiled | None:
    """Return what the operator means between two kinds; None when it means nothing."""
    # The kinds were checked: these casts only tell the type checker so.
    match symbol, one, two:
        case _, Kind.NUMBER, Kind.NUMBER:
            return Compiled(
                one, lambda row: exact(symbol, cast("Decimal", left(row)), cast("Decimal", right(row)))
            )
        case "+", Kind.TEXT, Kind.TEXT:
            return Compiled(one, lambda row: cast("str", left(row)) + cast("str", right(row)))
        case "+", Kind.DATE, Kind.NUMBER:
            return Compiled(one, lambda row: add_days(cast("date", left(row)), cast("Decimal", right(row))))
        case "-", Kind.DATE, Kind.NUMBER:
            return Compiled(
                one, lambda row: add_days(cast("date", left(row)), cast("Decimal", right(row)).copy_negate())
            )
        case "-", Kind.DATE, Kind.DATE:
            return Compiled(
                Kind.NUMBER, lambda row: Decimal((cast("date", left(row)) - cast("date", right(row))).days)
            )
        case _:
            return None
