"""The reference of the Python surface leaves no public name out, and no member of one."""

import inspect
import re

import attrs
import pytest

import autopack
from autopack import types
from docs.references import DOCS, names_on

PAGES = {page: (DOCS / page).read_text(encoding="utf-8") for page in ("python.md", "types.md")}
SECTIONS = {
    part.partition("\n")[0]: part.partition("\n")[2]
    for text in PAGES.values()
    for part in re.split(r"^#{3,4} ", text, flags=re.MULTILINE)[1:]
}
CLASSES = {
    name: one
    for module in (autopack, types)
    for name in module.__all__
    if inspect.isclass(one := getattr(module, name))
}


def described(page):
    """Return the names of the page's own module that it describes."""
    return [name for name in names_on(PAGES[page]) if "." not in name]


def test_every_public_name_is_described():
    """What ``__all__`` lists stands on the page once, and nothing else does."""
    names = [*described("python.md"), "__version__"]

    assert sorted(autopack.__all__) == sorted(names)


def test_every_type_is_described():
    """Once: where the calls are, or on the page of the types, which names the others."""
    too = set(types.__all__) & set(autopack.__all__)
    told = PAGES["types.md"].partition("everyday use")[2].partition("Events and errors")[0]

    assert sorted(set(types.__all__) - too) == sorted(described("types.md"))
    assert too == set(re.findall(r"`(\w+)`", told)) - {"autopack"}


@pytest.mark.parametrize("page", PAGES)
def test_each_name_has_a_heading(page):
    """It can be looked for, and linked."""
    for name in names_on(PAGES[page]):
        titles = (f"### autopack.{name}\n", f"### {name}\n")
        assert 1 == sum(PAGES[page].count(title) for title in titles), name


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_each_member_is_described(name):
    """A public method or property has a section, a field a line, if not on a base that is named."""
    cls, told = CLASSES[name], SECTIONS[name]
    methods = [
        one
        for one, what in vars(cls).items()
        if inspect.isfunction(what) or isinstance(what, property | classmethod | staticmethod)
    ]
    fields = [field.name for field in attrs.fields(cls)] if attrs.has(cls) else []
    fields += inspect.get_annotations(cls)
    bases = re.search(rf"^class {name}\((\w+)", told, re.MULTILINE)
    lines = told + (SECTIONS.get(bases[1], "") if bases else "")

    assert [] == [one for one in methods if one[0] != "_" and f"{name}.{one}" not in SECTIONS]
    assert [] == [
        one
        for one in fields
        if one[0] != "_" and f"{name}.{one}" not in SECTIONS
        if not re.search(rf"^ +{one}: |[(, ]{one}: ", lines, re.MULTILINE)
    ]


def test_what_a_docstring_says_is_there():
    """Arguments with their units, and errors as links."""
    usage, ended = SECTIONS["Attempt.record_usage"], SECTIONS["OwnAttempt.fail"]

    assert "- `occurred_at`: When the call ended, aware; now, if it is left out." in usage
    assert "- [`CapReachedError`](errors.md#capreachederror): " in usage
    assert "fail(code: str, message: str, *, retryable: bool | None = None) -> None" in ended
