"""Small mistakes that somebody could make in a piece of code: where, and how it then reads.

A mutant changes one thing: a comparison, `and` or `or`, a `not`, plus or minus, a number, what a
function returns, or it leaves one statement out. Texts are left alone: what a person reads is
held by other tests, and a changed word is no mistake in what the bot does.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
ONLY_WORDS = frozenset({"say", "conclude"})
"""Calls that only tell a person why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module, not yet made."""

    module: Path
    qualname: str
    """Function whose body changes; empty for what a module or class holds outside of functions."""
    line: int
    what: str
    """In words: before and after."""
    kind: str
    """comparison of order, comparison, logic, arithmetic, number, return or statement."""
    number: int
    """Place among the mutants of its module, by which it is made."""

    @property
    def name(self) -> str:
        """Where and what, in one line."""
        return f"{self.module.as_posix()}:{self.line} {self.qualname or '(module)'}: {self.what}"


Change = tuple[str, str, Callable[[], None], Callable[[], None]]
"""Kind, words, how to make it in place, how to take it back."""


def list_mutants(module: Path) -> list[Mutant]:
    """Return every mutant of a module, in the order of its text."""
    tree = ast.parse(module.read_text())
    return [
        Mutant(module=module, qualname=qualname, line=line, what=words, kind=kind, number=number)
        for number, (qualname, line, (kind, words, _, _)) in enumerate(_walk(tree))
    ]


def make_mutant(mutant: Mutant) -> ast.Module:
    """Return the module as the mutant has it."""
    tree = ast.parse(mutant.module.read_text())
    for number, (_, _, (_, _, change, _)) in enumerate(_walk(tree)):
        if number == mutant.number:
            change()
            return ast.fix_missing_locations(tree)
    raise ValueError(f"no mutant {mutant.number} in {mutant.module}")


def _walk(tree: ast.Module) -> Iterator[tuple[str, int, Change]]:
    for statement in tree.body:
        yield from _walk_outside(statement, "")


def _walk_outside(node: ast.stmt, prefix: str) -> Iterator[tuple[str, int, Change]]:
    """Yield the changes of one statement of a module or class."""
    if isinstance(node, ast.ClassDef):
        for statement in node.body:
            yield from _walk_outside(statement, f"{prefix}{node.name}.")
    elif isinstance(node, ast.FunctionDef):
        for statement in node.body:
            yield from _walk_inside(statement, f"{prefix}{node.name}", node.body)
    elif isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
        for each in _walk_expression(node.value):
            line, change = each
            yield "", line, change


def _walk_inside(  # noqa: C901 - every place where a statement may hold others
    node: ast.stmt, qualname: str, body: list[ast.stmt]
) -> Iterator[tuple[str, int, Change]]:
    """Yield the changes of one statement of a function, those of its parts first."""
    if _is_docstring(node):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and child is not getattr(node, "annotation", None):
            for line, change in _walk_expression(child):
                yield qualname, line, change
    for field in ("body", "orelse", "finalbody"):
        inner = getattr(node, field, [])
        for statement in tuple(inner):
            yield from _walk_inside(statement, qualname, inner)
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        if getattr(part, "guard", None) is not None:
            for line, change in _walk_expression(part.guard):
                yield qualname, line, change
        for statement in tuple(part.body):
            yield from _walk_inside(statement, qualname, part.body)
    if (change := _leave_out(node, body)) is not None:
        yield qualname, node.lineno, change
    if (change := _return_nothing(node)) is not None:
        yield qualname, node.lineno, change


def _walk_expression(  # noqa: C901 - one case for each kind of mistake
    root: ast.expr,
) -> Iterator[tuple[int, Change]]:
    for node in _without_texts(root):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Compare():
                for place, operator in enumerate(node.ops):
                    for other in COMPARISONS[type(operator)]:
                        is_order = isinstance(operator, ORDERINGS)
                        yield (
                            line,
                            _replace_item(
                                node.ops,
                                place,
                                other(),
                                "comparison of order" if is_order else "comparison",
                            ),
                        )
            case ast.BoolOp():
                other_logic = ast.Or() if isinstance(node.op, ast.And) else ast.And()
                yield line, _replace_field(node, "op", other_logic, "logic")
            case ast.UnaryOp(op=ast.Not()):
                yield line, _replace_field(node, "op", ast.UAdd(), "logic", words="not left out")
            case ast.UnaryOp(op=ast.USub()):
                yield line, _replace_field(node, "op", ast.UAdd(), "arithmetic")
            case ast.BinOp() if type(node.op) in ARITHMETIC:
                yield line, _replace_field(node, "op", ARITHMETIC[type(node.op)](), "arithmetic")
            case ast.Constant(value=bool()):
                yield line, _replace_field(node, "value", not node.value, "number")
            case ast.Constant(value=int() | float()):
                yield line, _replace_field(node, "value", node.value + 1, "number")
            case ast.IfExp():
                yield line, _swap_branches(node)


def _without_texts(root: ast.expr) -> Iterator[ast.AST]:
    """Walk an expression, but not into what is only said to a person."""
    if isinstance(root, ast.JoinedStr):
        return
    if isinstance(root, ast.Call) and getattr(root.func, "attr", "") in ONLY_WORDS:
        return
    yield root
    for child in ast.iter_child_nodes(root):
        if isinstance(child, ast.expr | ast.comprehension | ast.keyword):
            yield from _without_texts(child)  # type: ignore[arg-type]


def _replace_field(
    node: ast.AST, field: str, new: object, kind: str, words: str | None = None
) -> Change:
    old = getattr(node, field)
    text = words or f"{_name(old)} to {_name(new)}"

    def change() -> None:
        setattr(node, field, new)

    def undo() -> None:
        setattr(node, field, old)

    return kind, f"{text} in `{_shorten(node)}`", change, undo


def _replace_item(items: list[ast.cmpop], place: int, new: ast.cmpop, kind: str) -> Change:
    old = items[place]

    def change() -> None:
        items[place] = new

    def undo() -> None:
        items[place] = old

    return kind, f"{_name(old)} to {_name(new)}", change, undo


def _swap_branches(node: ast.IfExp) -> Change:
    def swap() -> None:
        node.body, node.orelse = node.orelse, node.body

    return "logic", f"branches swapped in `{_shorten(node)}`", swap, swap


def _leave_out(node: ast.stmt, body: list[ast.stmt]) -> Change | None:
    """Return the change that drops a statement which does something by being there."""
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    if is_call and getattr(node.value.func, "attr", "") in ONLY_WORDS:
        return None
    if not (is_call or isinstance(node, ast.AugAssign | ast.Raise | ast.Continue | ast.Break)):
        return None
    place = body.index(node)
    return (
        "statement",
        f"left out `{_shorten(node)}`",
        lambda: body.__setitem__(place, copy.copy(ast.Pass())),
        lambda: body.__setitem__(place, node),
    )


def _return_nothing(node: ast.stmt) -> Change | None:
    if not isinstance(node, ast.Return):
        return None
    value = node.value
    if value is None or (isinstance(value, ast.Constant) and value.value in {None, ""}):
        return None
    return _replace_field(node, "value", ast.Constant(None), "return", words="None returned")


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _name(value: object) -> str:
    return type(value).__name__ if isinstance(value, ast.AST) else repr(value)


def _shorten(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 70 else f"{text[:67]}..."  # noqa: PLR2004 - one line of a report
