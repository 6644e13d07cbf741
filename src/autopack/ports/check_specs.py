"""Checks as they are named: a program, a registered name, or an object, each with its options."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.errors.nearest import did_you_mean
from autopack.ports.figures import DAY_S, check_seconds

TIMEOUT_S: Final = 600.0
"""How long a check may take that names no ``timeout_s``."""
_NAME_CHARS: Final = 60
_FIELDS: Final = ("name", "run", "use", "options", "timeout_s")
_FORMS: Final = (
    'an argument list (["pytest", "-q"]), a registered name or file.py:name, a table with a '
    "name, or a list of these"
)


@attrs.frozen(kw_only=True)
class CheckSpec:
    """
    One check as it was named.

    Args:
        name: What its verdicts go by.
        run: A program and its arguments, with placeholders; no shell reads them.
        use: A registered name or ``file.py:name``, where it runs no program.
        options: What the check is made with.
        timeout_s: How long it may take, in seconds.
        thing: The object itself, which no log can keep.
    """

    name: str
    run: tuple[str, ...] = ()
    use: str | None = None
    options: Mapping[str, Any] = attrs.Factory(dict)
    timeout_s: float = TIMEOUT_S
    thing: Any = None

    def table(self) -> dict[str, Any]:
        """Return it as a log keeps it; what is usual is left out."""
        usual: dict[str, Any] = {"run": (), "use": None, "options": {}, "timeout_s": TIMEOUT_S}
        fields = {name: getattr(self, name) for name in _FIELDS}
        kept = {name: value for name, value in fields.items() if value != usual.get(name)}
        return {**kept, **({"run": list(self.run)} if self.run else {})}


Checks: TypeAlias = tuple[CheckSpec, ...]

CheckLike: TypeAlias = (
    str | Sequence[Any] | Mapping[str, Any] | Callable[..., Any] | CheckSpec | None
)
"""
How checks are named: a list of plain texts is one program's arguments; any other list is of several
checks, none if it is empty. A text is a registered name or ``file.py:name``, a table has a ``name``
and what it runs or its options. Where a drain is given it, an object will do.
"""


def checks_of(given: CheckLike, *, may_be_object: bool = False) -> Checks | None:
    """
    Return the checks that are named; None if nothing is said of them.

    Args:
        may_be_object: Whether a callable is taken, which the log cannot keep.

    Raises:
        InvalidInputError: It names none, or two have one name.
    """
    if given is None:
        return None
    several: Sequence[Any] = given if isinstance(given, list | tuple) else [given]
    if several is given and given and all(isinstance(one, str) for one in several):
        several = [given]  # one program's arguments
    found = [_check(one, may_be_object=may_be_object) for one in several]
    names = [one.name for one in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidInputError(
            f"Two checks are called {told(twice[0])}: give each a name of its own, as in "
            '{"name": "tests", "run": [...]}.',
            name="check",
            value=twice[0],
        )
    return tuple(found)


def named_checks(given: CheckLike) -> Checks | None:
    """Return the checks that are named, of which a log can keep each."""
    return checks_of(given)


def tables_of(checks: Checks | None) -> tuple[Mapping[str, Any], ...] | None:
    """Return checks as a log keeps them."""
    return None if checks is None else tuple(one.table() for one in checks)


def _check(given: Any, *, may_be_object: bool) -> CheckSpec:
    match given:
        case CheckSpec():
            found = given
        case str():
            found = _named(given)
        case list() | tuple():
            found = CheckSpec(name=_line(given), run=_arguments(given))
        case Mapping():
            found = _of_table(given)
        case _ if callable(given) or callable(getattr(given, "check", None)):
            found = CheckSpec(name=_name_of(given), thing=given)
        case _:
            raise _refusal(given, f"it is {told(given)}; give {_FORMS}")
    if found.thing is not None and not may_be_object:
        raise _refusal(
            given,
            f"{found.name} is an object, which the log cannot keep; name it as file.py:name, or "
            "give it to the drain",
        )
    return found


def _named(text: str) -> CheckSpec:
    if not text.strip():
        raise _refusal(text, f"it is {told(text)}; give {_FORMS}")
    if " " in text.strip() and ".py:" not in text:
        words = ", ".join(f'"{word}"' for word in text.split())
        says = f"{told(text)} is no name; a program is a list of arguments: [{words}]"
        raise _refusal(text, says)
    return CheckSpec(name=text.strip(), use=text.strip())


def _of_table(given: Mapping[str, Any]) -> CheckSpec:
    """Return the check that a table tells; what is no field of it is an option of the check."""
    name, run = given.get("name"), given.get("run")
    if name is None and run is not None:
        name = _line(_arguments(run))
    if not isinstance(name, str) or not name.strip():
        raise _refusal(given, f"its name is {told(name)}; give a text", "check.name")
    options = {one: value for one, value in given.items() if one not in _FIELDS}
    if not isinstance(given.get("options", {}), Mapping):
        raise _refusal(given, "its options are no table", "check.options")
    options |= given.get("options", {})
    use = given.get("use")
    if run is not None and (options or use is not None):
        odd = [*options, *(["use"] if use is not None else [])]
        close = did_you_mean(odd[0], _FIELDS)
        raise _refusal(given, f"one that runs a program has no {odd[0]!r}.{close}")
    if not isinstance(use, str | None):
        raise _refusal(given, f"its use is {told(use)}; give a registered name", "check.use")
    timeout_s = given.get("timeout_s", TIMEOUT_S)
    check_seconds("timeout_s", timeout_s, most=DAY_S)
    return CheckSpec(
        name=" ".join(name.split()),
        run=() if run is None else _arguments(run),
        use=None if run is not None else use or name,
        options=options,
        timeout_s=float(timeout_s),
    )


def _arguments(given: Any) -> tuple[str, ...]:
    is_list = isinstance(given, list | tuple)
    if not is_list or not given or not all(isinstance(one, str) for one in given) or not given[0]:
        raise _refusal(
            given, f"it runs {told(given)}; give a list of texts, the program first", "check.run"
        )
    if any("\0" in one for one in given):
        raise _refusal(given, "no program can get an argument with a zero byte", "check.run")
    return tuple(given)


def _line(given: Sequence[str]) -> str:
    """Return a program's line as its name, without the folder that it is in."""
    if not all(isinstance(one, str) for one in given) or not given:
        return ""
    line = " ".join(" ".join([given[0].rpartition("/")[2], *given[1:]]).split())
    return line if len(line) <= _NAME_CHARS else f"{line[: _NAME_CHARS - 3]}..."


def _name_of(thing: Any) -> str:
    found = getattr(thing, "name", None) or getattr(thing, "__name__", None)
    return found if isinstance(found, str) else type(thing).__qualname__


def _refusal(given: Any, says: str, name: str = "check") -> InvalidInputError:
    message = f"A check cannot be so: {says}".removesuffix("?")
    ending = "?" if says.endswith("?") else "."
    return InvalidInputError(f"{message}{ending}", name=name, value=given)
