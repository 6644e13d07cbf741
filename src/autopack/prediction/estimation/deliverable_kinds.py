"""What a deliverable is, read from its text: its path, its kind, and whether it is new."""

import re
from collections.abc import Mapping, Sequence, Set
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import attrs

from autopack.prediction.estimation import phrases, vocabulary

Kind: TypeAlias = Literal["backend", "frontend", "test", "doc", "config", "sql"]

_SUFFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,9}")
_AROUND: Final = "`'\"<>,;:"

_BY_SUFFIX: Final[Mapping[str, Kind]] = {
    "md": "doc",
    "rst": "doc",
    "yml": "config",
    "yaml": "config",
    "json": "config",
    "toml": "config",
    "txt": "config",
    "ini": "config",
    "cfg": "config",
    "tsx": "frontend",
    "jsx": "frontend",
    "vue": "frontend",
    "svelte": "frontend",
    "py": "backend",
    "pyi": "backend",
    "sql": "sql",
}
_TEST_FOLDERS: Final = frozenset({"test", "tests", "__tests__"})
_MIGRATION_FOLDERS: Final = frozenset({"migration", "migrations"})
_LEDGERS: Final = frozenset(
    {"build_log.md", "build_history.md", "changelog.md", "history.md", "release_notes.md"}
)


@attrs.frozen(kw_only=True)
class Deliverable:
    """
    What a text says that is to be written.

    Args:
        is_new: Whether it is to be made or changed; None if the text does not say.
    """

    path: str
    kind: Kind
    is_new: bool | None


def recognise(text: str, category: str = "") -> Deliverable:
    """Return what *text* names; *category* decides a kind only where the path does not."""
    said = " ".join(text.split())
    path = path_of(said)
    return Deliverable(path=path, kind=kind_of(path, category), is_new=phrases.is_new(said))


def flatten(given: object) -> tuple[str, ...]:
    """
    Return the texts in *given*, stripped, without blanks, in order.

    Mappings give their values, sets their texts in sorted order; a container inside itself is
    read once. Anything that is no container gives its ``str``.
    """
    texts: list[str] = []
    pending, seen = [given], set[int]()
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping | Set | list | tuple):
            if id(item) not in seen:
                seen.add(id(item))
                pending.extend(reversed(_members(item)))
        elif item is not None and (text := str(item).strip()):
            texts.append(text)
    return tuple(texts)


def path_of(text: str) -> str:
    """
    Return the path that *text* names, with forward slashes.

    A leading verb and a note in brackets are left out. Of several words the first that looks
    most like a path is taken; if none does, all of them.
    """
    stripped = " ".join(text.split())
    rest = phrases.without_note(phrases.without_verb(stripped)).strip() or stripped
    words = [word.strip(_AROUND).rstrip(".").replace("\\", "/") for word in rest.split()]
    best = max(words, key=_likeness, default="")
    return best if len(words) == 1 or _likeness(best) else rest


def extension(path: str) -> str:
    """Return what follows the last dot of a file name, in lower case; empty if there is none."""
    stem, _, suffix = path.rpartition("/")[2].rpartition(".")
    return suffix.lower() if stem and _SUFFIX.fullmatch(suffix) else ""


def kind_of(path: str, category: str = "") -> Kind:
    """Return the kind of the file at *path*; *category* decides only where the path does not."""
    *folders, name = path.replace("\\", "/").lower().removeprefix("./").split("/")
    suffix = extension(name)
    if _TEST_FOLDERS.intersection(folders) or _is_test_name(name, suffix):
        return "test"
    if folders[:1] in (["docs"], ["doc"]):
        return "doc"
    if suffix != "sql" and _is_migration(folders):
        return "config"
    otherwise: Kind = "frontend" if vocabulary.category(category) == "frontend" else "backend"
    return _BY_SUFFIX.get(suffix, otherwise)


def is_ledger(path: str) -> bool:
    """Tell whether *path* is a running record: a changelog, a history, a build log."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.lower().replace("-", "_") in _LEDGERS


def _members(given: object) -> list[object]:
    if isinstance(given, Mapping):
        return list(given.values())
    if isinstance(given, Set):
        return sorted(given, key=str)
    return list(given) if isinstance(given, list | tuple) else []


def _likeness(word: str) -> int:
    return 2 * bool(extension(word)) + ("/" in word)


def _is_test_name(name: str, suffix: str) -> bool:
    if _BY_SUFFIX.get(suffix) in {"doc", "config", "sql"}:
        return False
    stem = name.removesuffix(f".{suffix}") if suffix else ""
    return stem.startswith("test_") or stem.endswith(("_test", ".spec", ".test"))


def _is_migration(folders: Sequence[str]) -> bool:
    is_named = bool(_MIGRATION_FOLDERS.intersection(folders))
    return is_named or ("alembic", "versions") in pairwise(folders)
