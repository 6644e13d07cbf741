"""Describes public names of Python as Markdown: what their source and their docstrings say."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import groupby, pairwise
from pathlib import Path
from types import FunctionType
from typing import Any, Final, TypeAlias

import attrs

from .docstrings import Link, markdown

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_WIDTH: Final = 88


def entry(path: str, link: Link) -> str:
    """Return the sections of a name, ``autopack.NAME`` or where else it stands, and its members."""
    module_name, _, name = path.rpartition(".")
    module = import_module(module_name)
    home = getattr(module, "_HOMES", {}).get(name, module_name)
    title = name if module_name in ("autopack", "autopack.types") else path
    found = getattr(module, name)
    if isinstance(found, type | FunctionType):
        home = found.__module__
    nodes, doc = _defined(home, name)
    if isinstance(nodes[0], ast.ClassDef):
        return "\n\n".join(_class(found, nodes[0], link))
    if isinstance(nodes[0], _FUNCTION):
        return _function("###", title, nodes, home, link)
    return _section("###", title, _source(home, nodes[0]), doc, link)


def _section(level: str, title: str, code: str, doc: str, link: Link) -> str:
    owner = title.partition(".")[0]
    told = markdown(doc, lambda name: link(f"{owner}.{name}") or link(name))
    return f"{level} {title}\n\n```python no-run\n{code}\n```\n\n{told}".rstrip()


def _function(level: str, title: str, nodes: list[Any], home: str, link: Link) -> str:
    """Return the section of a function; the last of its definitions takes all that others do."""
    code = _signature(title.rpartition(".")[2], nodes[-1], home)
    return _section(level, title, code, ast.get_docstring(nodes[-1]) or "", link)


def _class(cls: Any, node: ast.ClassDef, link: Link) -> Iterator[str]:
    """Yield a class's section, and one for each told attribute, public method and property."""
    home = cls.__module__
    yield _section("###", node.name, _shape(cls, node), ast.get_docstring(node) or "", link)
    for part, after in pairwise(node.body):
        if isinstance(part, ast.AnnAssign) and (doc := _text(after)):
            title = f"{node.name}.{ast.unparse(part.target)}"
            yield _section("####", title, _source(home, part), doc, link)
    methods = [part for part in node.body if isinstance(part, _FUNCTION) and part.name[0] != "_"]
    for name, parts in groupby(methods, key=lambda part: part.name):
        first, *others = parts
        title = f"{node.name}.{name}"
        if {"property", "cached_property"} & _marks(first):
            code = f"{name}: {_hint(first.returns)}"
            yield _section("####", title, code, ast.get_docstring(first) or "", link)
        else:
            yield _function("####", title, [first, *others], home, link)


def _shape(cls: Any, node: ast.ClassDef) -> str:
    """Return how a class is made; of what nobody makes by a call, which attributes it has."""
    init = [part for part in node.body if isinstance(part, _FUNCTION) and part.name == "__init__"]
    if init:
        return _signature(node.name, init[0], cls.__module__)
    if attrs.has(cls):
        return _call(node.name, _fields(cls), "")
    bases = ", ".join(ast.unparse(base) for base in [*node.bases, *node.keywords])
    head = f"class {node.name}({bases})" if bases else f"class {node.name}"
    parts = [part for part in node.body if isinstance(part, ast.AnnAssign | ast.Assign)]
    rows = [row for part in parts if (row := _source(cls.__module__, part))[0] != "_"]
    return "\n    ".join([f"{head}:", *rows]) if rows else head


def _fields(cls: Any) -> Iterator[str]:
    """Yield the arguments of an attrs class; what a factory makes may be left out, too."""
    fields = [field for field in attrs.fields(cls) if field.init and field.name[0] != "_"]
    fields.sort(key=lambda field: field.kw_only)
    hints = {
        part.target.id: _hint(part.annotation)
        for base in reversed(cls.__mro__[:-1])
        for part in getattr(_defined(base.__module__, base.__name__)[0][0], "body", ())
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }
    for number, field in enumerate(fields):
        if field.kw_only and (number == 0 or not fields[number - 1].kw_only):
            yield "*"
        default = (
            "..." if isinstance(field.default, attrs.Factory) else _shown(field.default, "...")
        )
        is_asked = field.default is attrs.NOTHING
        yield f"{field.name}: {hints[field.name]}" + ("" if is_asked else f" = {default}")


def _signature(name: str, node: Function, home: str) -> str:
    """Return how a function is called."""
    start = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    is_made = node.name == "__init__" or node.returns is None
    returns = "" if is_made else f" -> {_hint(node.returns)}"
    return _call(start + name, _arguments(node.args, vars(import_module(home))), returns)


def _arguments(given: ast.arguments, space: Mapping[str, Any]) -> Iterator[str]:
    places = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(places) - len(given.defaults)), *given.defaults]
    for number, (one, default) in enumerate(zip(places, defaults, strict=True), 1):
        if one.arg not in ("self", "cls"):
            yield _argument(one, default, space)
        if number == len(given.posonlyargs) and number > 1:
            yield "/"
    if given.vararg or given.kwonlyargs:
        yield f"*{_argument(given.vararg, None, space)}" if given.vararg else "*"
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(one, default, space)
    if given.kwarg:
        yield f"**{_argument(given.kwarg, None, space)}"


def _argument(one: ast.arg, default: ast.expr | None, space: Mapping[str, Any]) -> str:
    text = f"{one.arg}: {_hint(one.annotation)}" if one.annotation else one.arg
    if default is None:
        return text
    told = _quoted(ast.unparse(default))
    value = space.get(told, default) if isinstance(default, ast.Name) else default
    return f"{text} = {told if value is default else _shown(value, told)}"


def _shown(value: Any, otherwise: str) -> str:
    """Return how a value is written, if it can be."""
    try:
        ast.literal_eval(repr(value))
    except (ValueError, SyntaxError):
        return otherwise
    return _quoted(repr(value))


def _call(name: str, arguments: Iterator[str], returns: str) -> str:
    """Return a call in a line, or where that is too long with a line for each argument."""
    given = list(arguments)
    line = f"{name}({', '.join(given)}){returns}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in given), f"){returns}"])


def _hint(node: ast.expr | None) -> str:
    """Return a type as it is written, without quotes around it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return _quoted(ast.unparse(node)) if node else ""


def _quoted(code: str) -> str:
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', code)


def _marks(node: Function) -> set[str]:
    return {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}


@cache
def _text_of(home: str) -> str:
    return Path(str(import_module(home).__file__)).read_text(encoding="utf-8")


@cache
def _defined(home: str, name: str) -> tuple[list[Any], str]:
    """Return the statements of a module that define a name, and the text below the last."""
    body = ast.parse(_text_of(home)).body
    found = [n for n, part in enumerate(body) if name in _names(part)]
    after = body[found[-1] + 1 :][:1] if found else []
    return [body[n] for n in found] or [None], _text(*after)


def _text(part: ast.stmt | None = None) -> str:
    """Return the text that a statement is; none for one that is no text alone."""
    is_text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
    return inspect.cleandoc(str(part.value.value)) if is_text else ""


def _source(home: str, part: ast.AST) -> str:
    return ast.get_source_segment(_text_of(home), part) or ""


def _names(part: ast.stmt) -> set[str]:
    targets = getattr(part, "targets", None) or [getattr(part, "target", None)]
    return {getattr(part, "name", ""), *(getattr(target, "id", "") for target in targets)}
