"""The map of the source shows the tree as it is, and each stop of its walks is there."""

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "autopack"
PAGE = (ROOT / "docs" / "source_map.md").read_text(encoding="utf-8")
FLOORS = PAGE.partition("## The floors")[2].partition("\n## ")[0]
DRAINING = PAGE.partition("## Inside `draining`")[2].partition("\n## ")[0]
STOPS = re.findall(r"^\d+\. `([\w/.]+)` `([\w.]+)`", PAGE, re.MULTILINE)
CONTRACTS = {
    one["id"]: one
    for one in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
}


def rooms_in(folder):
    """Return the rooms of a folder: packages, and modules that stand alone."""
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return packages | {path.stem for path in folder.glob("*.py") if path.stem[0] != "_"}


def names_in(path):
    """Return the functions and classes of a module, methods by their class."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            parts = [one for one in node.body if hasattr(one, "name")]
            found |= {node.name, *(f"{node.name}.{one.name}" for one in parts)}
        elif hasattr(node, "name"):
            found.add(node.name)
    return found


def test_each_room_is_on_its_floor():
    """Floors and rooms are those of the import contract, and those of the tree."""
    shown = [(int(floor), room) for floor, room in re.findall(r"\| (\d+) \| `(\w+)`", FLOORS)]
    layers = [re.findall(r"\b[a-z]\w*", layer) for layer in CONTRACTS["layers"]["layers"]]

    assert sorted((n, room) for n, some in enumerate(layers, 1) for room in some) == sorted(shown)
    assert rooms_in(SOURCE) == {room for _floor, room in shown}


def test_pure_rooms_are_those_of_the_contract():
    """A room is called pure where the contract keeps all of it pure."""
    pure = set(re.findall(r"\| `(\w+)` \|[^\n]*\| yes \|", FLOORS))
    kept = {name.removeprefix("autopack.") for name in CONTRACTS["pure"]["source_modules"]}

    assert {name for name in kept if "." not in name} == pure
    assert {name.partition(".")[0] for name in kept if "." in name} == {"prediction"}


def test_the_rooms_of_the_drain_are_there():
    """None is missing, none is left over."""
    assert rooms_in(SOURCE / "draining") == set(re.findall(r"^\| `(\w+)`", DRAINING, re.MULTILINE))


def test_the_house_is_small():
    """Few rooms on a floor, few floors: the whole plan can be held in the head."""
    assert len(rooms_in(SOURCE)) <= 18
    assert len(CONTRACTS["layers"]["layers"]) <= 12
    assert len(rooms_in(SOURCE / "draining")) <= 10


def test_no_two_classes_have_one_name():
    """A name that is read somewhere is found in one place; templates and the kit are others'."""
    found = Counter(
        node.name
        for path in SOURCE.rglob("*.py")
        if not {"testing", "templates"} & set(path.parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )

    assert {} == {name: n for name, n in found.items() if n > 1}
    assert len(found) > 200


def test_each_stop_of_a_walk_is_there():
    """The file, and in it what is called."""
    assert len(STOPS) > 15
    for path, name in STOPS:
        assert name in names_in(SOURCE / path), f"{path} has no {name}"
