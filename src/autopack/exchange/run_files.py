"""Run files and report files to values: strict, and with the field named that is wrong."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from autopack.errors import InvalidInputError
from autopack.events.cap_table import cap_faults
from autopack.exchange import strict_json
from autopack.exchange.strict_values import Misfit, structured
from autopack.ports.check_specs import Checks, named_checks
from autopack.ports.prediction import PhaseSpec, Proposal
from autopack.ports.workspaces import checked_workspace
from autopack.prediction.calibration.price_entry import PriceEntry
from autopack.prediction.calibration.price_table import PriceTable
from autopack.values.money import UsdLike

T = TypeVar("T")

_KINDS: Final = (".toml", ".yaml", ".yml", ".json")
_TOLD_MOST: Final = 20
BYTES_MOST: Final = 64 * 1024 * 1024


@attrs.frozen(kw_only=True)
class RunFile:
    """A run as a file describes it; ``docs/run_files.md`` lists the fields."""

    phases: tuple[PhaseSpec, ...] = ()
    goal: str | None = None
    caps: dict[str, UsdLike] = attrs.Factory(dict)
    settings: dict[str, Any] = attrs.Factory(dict)
    labels: dict[str, str] = attrs.Factory(dict)
    workspace: Any = attrs.field(default=None, converter=checked_workspace)
    check: Checks | None = attrs.field(default=None, converter=named_checks)


@attrs.frozen(kw_only=True)
class _PriceFile:
    prices: tuple[PriceEntry, ...]
    version: str | None = None
    currency: str = "USD"


def read_run_file(path: Path | str) -> RunFile:
    """
    Return what a TOML, YAML or JSON file says of a run.

    Raises:
        InvalidInputError: The file is missing or malformed, or fields are unknown, missing or of
            a wrong kind; says of each in which phase it stands, and what it must be.
    """
    path = Path(path)
    raw = _loaded(path)
    return parse_run({} if raw is None else raw, source=path)  # an empty YAML file is None


def parse_run(raw: Any, *, source: Path | str) -> RunFile:
    """
    Return what the plain values of a run file, however they came here, say of a run.

    Args:
        source: Where they are from; errors begin with it.

    Raises:
        InvalidInputError: As for :func:`read_run_file`.
    """
    found = structured(raw, RunFile)
    faults = found if isinstance(found, list) else list(_faults(found))
    if isinstance(found, list) or faults:
        raise _refused(source, raw, faults)
    return found


def _faults(file: RunFile) -> Iterator[Misfit]:
    """Yield what is wrong with a run file whose fields are all of the right kind."""
    for unit, says in cap_faults(file.caps).items():
        yield Misfit(("caps", unit), f"cannot be used: {says}")
    first: dict[str, int] = {}
    for place, spec in enumerate(file.phases):
        if first.setdefault(spec.id, place) != place:
            says = f"is {spec.id!r}, as that of phase {first[spec.id] + 1}; it must be its own"
            yield Misfit(("phases", place, "id"), says)


def proposal_from_json(path: Path) -> Proposal:
    """Return the proposal that a report's JSON file holds; absurd multipliers are refused."""
    raw = _loaded(path)
    if not isinstance(raw, dict) or "proposal" not in raw:
        raise InvalidInputError(
            f"{path} holds no proposal; name a file written by `autopack calibrate --out DIR`.",
            name="path",
            value=path,
        )
    from autopack.prediction.calibration.multipliers import check_multipliers  # seldom needed

    found = _structured(raw["proposal"], Proposal, path)
    try:
        check_multipliers(found.new)
    except InvalidInputError as fault:
        raise InvalidInputError(f"{path}: {fault}", name=fault.name, value=fault.value) from fault
    return found


def prices_from_file(path: Path) -> PriceTable:
    """Return the table that a TOML, YAML or JSON file gives under ``prices``."""
    raw = _loaded(path)
    if not isinstance(raw, dict) or not isinstance(raw.get("prices"), list):
        raise InvalidInputError(
            f"{path} holds no prices: give a list `prices` of tables with model, since, input "
            "and output, in USD for a million tokens.",
            name="prices",
            value=raw.get("prices") if isinstance(raw, dict) else raw,
        )
    entries = [
        {**one, "since": str(one["since"])} if isinstance(one, dict) and "since" in one else one
        for one in raw["prices"]
    ]
    read = _structured({**raw, "prices": entries}, _PriceFile, path)
    if read.currency != "USD":
        raise InvalidInputError(
            f"{path}: currency is {read.currency!r}; prices are in USD: convert them first.",
            name="currency",
            value=read.currency,
        )
    name = path.name if read.version is None else f"{path.name} {read.version}"
    try:
        return PriceTable(entries=read.prices, name=name)
    except InvalidInputError as fault:
        raise InvalidInputError(f"{path}: {fault}", name=fault.name, value=fault.value) from fault


def _loaded(path: Path) -> Any:
    if path.is_dir():
        raise InvalidInputError(f"{path} is a folder: name a file in it.", name="path", value=path)
    if not path.is_file():
        raise InvalidInputError(f"There is no file {path}.", name="path", value=path)
    ending = path.suffix.lower()
    if ending not in _KINDS:
        raise InvalidInputError(
            f"{path}: the file must end in one of {', '.join(_KINDS)}.", name="path", value=path
        )
    if (size := path.stat().st_size) > BYTES_MOST:
        raise InvalidInputError(
            f"{path} has {size:,} bytes, over the limit of {BYTES_MOST:,}. Split it, and add the "
            "rest with",
            do="queue_phases().",
            typed="autopack phase add.",
            name="path",
            value=path,
        )
    try:
        return _parsed(path.read_text(encoding="utf-8-sig"), ending)
    except (OSError, InvalidInputError):
        raise
    except Exception as fault:  # PyYAML lets KeyError, AttributeError and others through
        raise InvalidInputError(
            f"{path} cannot be read: {_why_unreadable(fault)}.", name="path", value=path
        ) from fault


def _parsed(text: str, ending: str) -> Any:
    if ending == ".toml":
        import tomllib

        return tomllib.loads(text)
    if ending == ".json":
        return strict_json.loaded(text)
    from autopack.exchange import yaml_files

    return yaml_files.loaded(text)


def _why_unreadable(fault: Exception) -> str:
    if isinstance(fault, RecursionError):
        return "it is nested too deeply"
    mark = getattr(fault, "problem_mark", None)
    if mark is not None:  # of YAML; its own text goes over several lines
        said = " ".join(f"{getattr(fault, 'problem', None) or 'it is malformed'}".split())
        return f"{said} (at line {mark.line + 1}, column {mark.column + 1})"
    if isinstance(fault, ValueError) or type(fault).__module__.startswith("yaml"):
        return " ".join(str(fault).split()).removesuffix(".")
    return "a value does not fit its form"


def _structured(raw: Any, cls: type[T], path: Path) -> T:
    found = structured(raw, cls)
    if isinstance(found, list):
        raise _refused(path, raw, found)
    return found


def _refused(source: Path | str, raw: Any, faults: Sequence[Misfit]) -> InvalidInputError:
    lines = [_line(fault, raw) for fault in faults[:_TOLD_MOST]]
    wrong = _way_to(faults[0], raw)
    name, value = _place(wrong) or "the file", _given(raw, wrong)
    if len(lines) == 1:
        return InvalidInputError(f"{source}: {lines[0]}", name=name, value=value)
    if more := len(faults) - len(lines):
        lines.append(f"and {more} more")
    told = "".join(f"\n  {line}" for line in lines)
    message = f"{source}: {len(faults)} things are wrong.{told}"
    return InvalidInputError(message, name=name, value=value)


def _place(path: Sequence[str | int]) -> str:
    """Return the name of a place in a file: ``phases[2].id``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def _way_to(fault: Misfit, raw: Any) -> Sequence[str | int]:
    """Return the way to what is wrong: a field of the table at a fault's place, if one is named."""
    table = _given(raw, fault.path)
    is_named = isinstance(table, dict) and fault.field in table
    return (*fault.path, str(fault.field)) if is_named else fault.path


def _given(raw: Any, path: Sequence[str | int]) -> Any:
    """Return what a file gives at a place; None where it gives nothing."""
    for step in path:
        try:
            raw = raw[step]
        except (LookupError, TypeError):
            return None
    return raw


def _line(fault: Misfit, raw: Any) -> str:
    """Return a fault as a sentence; people count phases from 1, and know them by their ids."""
    phase, rest = "", fault.path
    if len(rest) > 1 and rest[0] == "phases":
        number, rest = int(rest[1]), rest[2:]
        spec = raw["phases"][number]
        name = spec.get("id") if isinstance(spec, dict) else None
        phase = f"phase {number + 1}" + (f" ({name!r})" if isinstance(name, str) else "")
    places = [text for text in (phase, _place(rest)) if text]
    told = f"{': '.join(places) or 'the file'} {fault.says}"
    return told if told.endswith((".", "?")) else f"{told}."
