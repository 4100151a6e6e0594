"""What is changed in a source: one operator, or one number, at a time."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

_INSTEAD: Final[dict[type[ast.AST], tuple[str, str]]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One change: ``old`` at that place becomes ``new``. Lines count from 1, bytes from 0.

    ``names`` are those of what the line makes when the module is imported: a constant, a field
    and its class, a function and its default.
    """

    path: str
    line: int
    start: int
    old: str
    new: str
    names: tuple[str, ...] = ()

    def applied_to(self, source: bytes) -> bytes:
        """Return the changed source."""
        lines = source.splitlines(keepends=True)
        line, end = lines[self.line - 1], self.start + len(self.old.encode())
        assert line[self.start : end].decode() == self.old
        lines[self.line - 1] = line[: self.start] + self.new.encode() + line[end:]
        return b"".join(lines)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.start + 1}: {self.old} -> {self.new}"


def mutants_of(root: Path, path: str) -> Iterator[Mutant]:
    """Find every change of a file."""
    source = (root / path).read_bytes()
    tree = ast.parse(source)
    made = {line: names for lines, names in _made(tree) for line in lines}
    for mutant in _all_of(path, tree, source.splitlines()):
        yield replace(mutant, names=made.get(mutant.line, ()))


def _all_of(path: str, tree: ast.Module, lines: list[bytes]) -> Iterator[Mutant]:
    for node in _nodes(tree):
        match node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                yield from _between(path, lines, left, operator, right)
            case ast.BoolOp(op=operator, values=values):
                for left, right in pairwise(values):
                    yield from _between(path, lines, left, operator, right)
            case ast.BinOp(left=left, op=operator, right=right):
                yield from _between(path, lines, left, operator, right)
            case ast.Constant(value=bool(value)):
                yield _constant(path, node, str(value), str(not value))
            case ast.Constant(value=int(value)):
                written = lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode()
                yield _constant(path, node, written, f"{value + 1}")
            case ast.UnaryOp(op=ast.Not()):
                yield _constant(path, node, "not ", "")
            case _:
                pass


def _made(
    inside: ast.Module | ast.ClassDef, owner: tuple[str, ...] = ()
) -> Iterator[tuple[range, tuple[str, ...]]]:
    """The lines that run at the import, and what they make."""
    for node in inside.body:
        whole = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        match node:
            case ast.ClassDef(name=name):
                yield from _made(node, (name,))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield range(node.lineno, node.body[0].lineno), (name,)
            case ast.Assign(targets=targets):
                parts = [part for one in targets for part in ast.walk(one)]
                yield whole, (*(one.id for one in parts if isinstance(one, ast.Name)), *owner)
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield whole, (name, *owner)
            case _:
                pass


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk; but where an f-string has what, Python 3.11 does not say right.

    Decorators are left out as well: whether a class has slots changes no rule.
    """
    yield node
    decorators = getattr(node, "decorator_list", ())
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.JoinedStr) and child not in decorators:
            yield from _nodes(child)


def _constant(path: str, node: ast.expr, old: str, new: str) -> Mutant:
    return Mutant(path=path, line=node.lineno, start=node.col_offset, old=old, new=new)


def _between(
    path: str, lines: list[bytes], left: ast.expr, operator: ast.AST, right: ast.expr
) -> Iterator[Mutant]:
    """The operator, if it is on the line on which its left side ends."""
    assert left.end_lineno is not None
    assert left.end_col_offset is not None
    if type(operator) not in _INSTEAD:
        return
    old, new = _INSTEAD[type(operator)]
    until = right.col_offset if right.lineno == left.end_lineno else None
    gap = lines[left.end_lineno - 1][left.end_col_offset : until]
    at = gap.find(old.encode())
    if at >= 0 and b"#" not in gap:
        yield Mutant(
            path=path, line=left.end_lineno, start=left.end_col_offset + at, old=old, new=new
        )
