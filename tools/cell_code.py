"""What a cell's code asserts, which names it makes, and which it takes from the cells before it."""

import ast
import re
import symtable
from collections.abc import Iterable, Sequence


def parsed(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError:  # a line for IPython
        return ast.Module(body=[], type_ignores=[])


def asserts(code: str) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(parsed(code)))


def bound(code: str) -> list[str]:
    """List the names that code makes at its top level, in order."""
    if not parsed(code).body:
        return []
    table = symtable.symtable(code, "cell", "exec")
    made = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    made |= {child.get_name() for child in table.get_children() if child.get_name() in made}
    order = re.findall(r"\w+", code)
    return sorted(made, key=lambda name: order.index(name))


def needs(code: str) -> set[str]:
    """Give the names that code takes from the cells before it."""
    return taken(code) - {*bound(code)}


def taken(code: str) -> set[str]:
    """Give the names of the notebook that code refers to, those included that it makes itself."""
    if not parsed(code).body:
        return set()
    top = symtable.symtable(code, "cell", "exec")
    used, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {
            s.get_name()
            for s in table.get_symbols()
            if s.is_referenced() and (table is top or s.is_global())
        }
    return used


def sources(cells: Sequence[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """Say of each cell, (id, code), in which cell each name was last made before it needs that name.

    A function takes its names when it is called: what a needed function refers to is needed too.
    """
    makers: dict[str, str] = {}
    inside: dict[str, set[str]] = {}  # of each function that is there, the names that it takes
    found: dict[str, dict[str, str]] = {}
    for cell, code in cells:
        for statement in parsed(code).body:
            if isinstance(statement, ast.FunctionDef):
                inside[statement.name] = needs(ast.unparse(statement))
        wanted, waiting = set(), [*needs(code)]
        while waiting:
            name = waiting.pop()
            if name not in wanted and name not in bound(code):
                wanted.add(name)
                waiting += within([name], inside)
        found[cell] = {name: makers[name] for name in wanted if name in makers}
        makers |= dict.fromkeys(bound(code), cell)
    return found


def within(names: Iterable[str], inside: dict[str, set[str]]) -> set[str]:
    return {taken for name in names for taken in inside.get(name, ())}
