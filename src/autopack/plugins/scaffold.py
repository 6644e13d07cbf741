"""A plugin package to start from: files from templates, written whole or not at all."""

import keyword
import re
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from autopack.errors import InvalidInputError
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import KINDS as REGISTERED

KINDS: Final = {
    "strategy": (
        '"$name", $object',
        "--log LOG drain --strategy $name --executor recorded --dry-run",
    ),
    "executor": ('"$name", $object', "--log LOG drain --executor $name --dry-run"),
    "preset": ('"$name", $object', "--log LOG drain --preset $name --dry-run"),
    "estimator": (
        '"$name", $object()',
        "estimate --estimator $name --category docs --complexity low",
    ),
    "calibrator": ('"$name", $object', "--log LOG calibrate --calibrator $name"),
    "projection": ('"$name", $object', "--log LOG replay --projection $name"),
    "event": ("$object", "--log LOG log tail"),
    "importer": ('"$name", $object()', "--log LOG import $name march.$name.csv"),
    "exporter": ('"$name", $object()', "--log LOG export $name FILE"),
    "backend": ('"$name", $object()', "log create $name://here"),
    "workspace": ('"$name", $object', "--log LOG drain --workspace $name --executor recorded"),
    "launcher": ('"$name", $object', "--log LOG scale --launcher $name --max 4 --once"),
    "check": ('"$name", $object', "--log LOG drain --executor recorded --check $name --dry-run"),
    "prices": ('"$name", $object()', "--log LOG usage --prices $name"),
    "command": ('"$name", $object', "--log LOG $name"),
    "hook": ("", "--log LOG drain --executor recorded"),
}
"""What a plugin can be made for, with what it registers, and a command that uses it."""

_FUNCTIONS: Final = ("strategy", "executor", "projection", "check", "command")
"""The kinds that are functions; the others are classes."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def create_plugin(name: str, kind: str, folder: Path | str) -> Path:
    """
    Write the package ``autopack-NAME`` into *folder* and return its path.

    It installs, passes its tests, and shows up in ``autopack plugins``; change what it does.

    Args:
        name: Lower-case words with hyphens; under it the object is registered.
        kind: ``strategy``, ``executor``, ``preset``, ``estimator``, ``calibrator``, ``projection``,
            ``event``, ``importer``, ``exporter``, ``backend``, ``workspace``, ``launcher``,
            ``check``, ``prices`` or ``command``; ``hook`` is for what is asked or told, and has no
            name: gates, guards, prices call by call, observers.

    Raises:
        InvalidInputError: The name or kind cannot be used, an installed plugin has the name, the
            folder is missing, or the package is there already; it is left as it is.
    """
    name, folder = name.removeprefix("autopack-"), Path(folder)
    if kind not in KINDS:
        raise InvalidInputError(
            f"{kind!r} is no kind of plugin; choose one of {', '.join(KINDS)}.",
            name="kind",
            value=kind,
        )
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise InvalidInputError(
            f"{name!r} cannot name a plugin: use lower-case words with hyphens, as in night-shift.",
            name="name",
            value=name,
        )
    if name in (load_plugins().names(kind) if kind in REGISTERED else ()):
        raise InvalidInputError(
            f"There is an installed {kind} {name!r} already, and a second one of that name would "
            "be refused. Choose another name, or see whose it is with:",
            do="load_plugins().infos",
            typed="autopack plugins",
            name="name",
            value=name,
        )
    if not folder.is_dir():
        raise InvalidInputError(
            f"There is no folder {folder} to put the plugin in.", name="folder", value=folder
        )
    target = folder / f"autopack-{name}"
    if target.exists():
        raise InvalidInputError(
            f"{target} exists already and was left as it is.", name="folder", value=target
        )
    with tempfile.TemporaryDirectory(dir=folder, prefix=".autopack-") as scratch:
        made = Path(scratch, target.name)
        for path, text in plugin_files(name, kind).items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_text(text, encoding="utf-8", newline="\n")
        shutil.move(made, target)
    return target


def plugin_files(name: str, kind: str) -> dict[str, str]:
    """Return the texts of the package by path."""
    word = name.replace("-", "_")
    package = f"autopack_{word}"
    registered, use = KINDS[kind]
    named = {"name": name, "object": word if kind in _FUNCTIONS else _class_name(name, kind)}
    values = {
        **named,
        "kind": kind,
        "plural": REGISTERED.get(kind, f"{kind}s"),
        "register": "RegisterEvent" if kind == "event" else "Register",
        "registered": Template(registered).substitute(named),
        "distribution": f"autopack-{name}",
        "package": package,
        "function": word,
        "summary": f"The {kind} {name!r} for Autopack.",
        "use": f"autopack {Template(use).substitute(named)}",
    }
    sources = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"src/{package}/plugin.py": "hook.py" if kind == "hook" else "plugin.py",
        f"src/{package}/{kind}.py": f"{kind}.py",
        f"tests/test_{word}.py": f"test_{kind}.py",
    }
    if kind == "hook":  # its functions are the plugin
        del sources[f"src/{package}/hook.py"]
    if kind == "event":
        sources[f"src/{package}/format.txt"] = "format.txt"
    folder = files("autopack.plugins") / "templates"
    texts = {
        path: Template((folder / f"{source}.txt").read_text(encoding="utf-8")).substitute(values)
        for path, source in sources.items()
    }
    return {**texts, f"src/{package}/__init__.py": f'"""{values["summary"]}"""\n'}


def _class_name(name: str, kind: str) -> str:
    """Return a class's name; the kind in it keeps it from being a word of Python, or of ours."""
    return "".join(part.capitalize() for part in [*name.split("-"), kind])
