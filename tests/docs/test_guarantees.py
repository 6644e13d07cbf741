"""The page of promises names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guarantees.md"


def named():
    """Return every test that the page names."""
    return sorted(set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def defined():
    """Return the names of all tests, those that users run on their own backends among them."""
    names = set()
    for folder in (ROOT / "tests", ROOT / "src" / "autopack", ROOT / "plugins"):
        for path in folder.rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return names


def test_every_promise_names_its_tests(defined):
    """Each name on the page is a test."""
    assert [] == [name for name in named() if name not in defined]
    assert len(named()) > 40


def test_no_section_promises_without_a_test():
    """Each section names at least one."""
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]

    assert [] == [text.splitlines()[0] for text in sections if "`test_" not in text]
