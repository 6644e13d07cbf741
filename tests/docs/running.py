"""Runs the code of a Markdown page as a reader would, and compares what the page says it prints."""

import contextlib
import doctest
import io
import os
import subprocess
from pathlib import Path
from typing import Any

import attrs
from markdown_it import MarkdownIt

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_SAME = doctest.OutputChecker().check_output
_SECONDS = 600


@attrs.frozen
class Block:
    """One fenced block: its language, the file it is shown as, its text, and where it begins."""

    language: str
    title: str | None
    text: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    """Return a page's fenced blocks in order."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    return [_block(token) for token in tokens if token.type == "fence"]


def links_of(page: Path) -> list[str]:
    """Return where a page's links lead."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    inner = [child for token in tokens for child in token.children or ()]
    return [str(child.attrs["href"]) for child in inner if child.type == "link_open"]


def run_page(page: Path, folder: Path) -> int:
    """
    Run a page's blocks in *folder*, top to bottom, and return how many were run.

    ``python`` blocks share one namespace; one with ``title="FILE"`` is saved as that file
    instead, as blocks of other languages with a title are. Of a ``console`` block the lines after
    ``$`` are run by a shell and what follows is what they print, on either stream. A ``text``
    block right below a ``python`` one is what that printed. Three dots stand for anything. ``sh``
    blocks are run, and print what they like. A block with ``no-run`` is only shown.
    """
    names: dict[str, Any] = {"__name__": "__page__"}
    printed, count, end = None, 0, 0
    for block in blocks_of(page):
        place = f"{page.name}:{block.line}"
        if block.title is not None:
            file = folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            printed, count = _python(block, place, names), count + 1
        elif block.language == "text" and printed is not None and block.line <= end + 2:
            _check(block.text, printed, place)
        elif block.language in ("console", "sh"):
            _shell(block, place, folder)
            count += 1
        end = block.line + block.text.count("\n") + 1
    return count


def _block(token: Any) -> Block:
    language, _, rest = token.info.strip().partition(" ")
    title = rest.partition('title="')[2].partition('"')[0] or None
    if "no-run" in rest.split():
        language = "shown"
    return Block(language, title, token.content, token.map[0] + 1)


def _python(block: Block, place: str, names: dict[str, Any]) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile("\n" * block.line + block.text, place, "exec"), names)
    return said.getvalue()


def _shell(block: Block, place: str, folder: Path) -> None:
    if block.language == "sh":
        code, said = _run(block.text, folder)
        assert code == 0, f"{place}: exit {code}\n{said}"
        return
    for command, expected in _sessions(block.text):
        _code, said = _run(command, folder)
        _check(expected, said, f"{place}: {command}")


def _sessions(text: str) -> list[tuple[str, str]]:
    sessions: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            sessions.append((line[2:], ""))
        elif sessions and sessions[-1][0].endswith("\\\n"):
            sessions[-1] = (sessions[-1][0] + line, "")
        else:
            assert sessions, f"output before any command: {line!r}"
            sessions[-1] = (sessions[-1][0], sessions[-1][1] + line)
    return sessions


def _run(command: str, folder: Path) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name != "AUTOPACK_LOG"}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def _check(expected: str, said: str, place: str) -> None:
    assert _SAME(expected, said, _FLAGS), f"{place} printed:\n{said}\nThe page says:\n{expected}"
