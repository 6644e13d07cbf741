"""Run files and report files to values: strict, and with the field named that is wrong."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import cattrs
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from autopack.calibration.prices import PriceTable
from autopack.errors import InvalidInputError
from autopack.ports.prediction import PhaseSpec, Proposal

T = TypeVar("T")

_KINDS: Final = (".toml", ".yaml", ".yml", ".json")


@attrs.frozen(kw_only=True)
class RunFile:
    """A run as a file describes it; see ``examples/telemetry_run.toml``."""

    phases: tuple[PhaseSpec, ...] = ()
    goal: str | None = None
    caps: dict[str, float] = attrs.Factory(dict)
    settings: dict[str, Any] = attrs.Factory(dict)
    labels: dict[str, str] = attrs.Factory(dict)


def read_run_file(path: Path) -> RunFile:
    """
    Return what a TOML, YAML or JSON file says of a run.

    Raises:
        InvalidInputError: The file is missing or malformed, or a field is unknown, missing or of
            a wrong type; names the field.
    """
    raw = _loaded(path)
    if not isinstance(raw, dict):
        raise InvalidInputError(f"{path}: a run file is a table with `phases`.")
    return _structured(raw, RunFile, path)


def proposal_from_json(path: Path) -> Proposal:
    """Return the proposal that a report's JSON file holds."""
    raw = _loaded(path)
    if not isinstance(raw, dict) or "proposal" not in raw:
        raise InvalidInputError(
            f"{path} holds no proposal; name a file written by `autopack calibrate --out DIR`."
        )
    return _structured(raw["proposal"], Proposal, path)


def prices_from_file(path: Path) -> PriceTable:
    """Return the table that a TOML, YAML or JSON file gives under ``prices``."""
    raw = _loaded(path)
    if not isinstance(raw, dict) or not isinstance(raw.get("prices"), list):
        raise InvalidInputError(
            f"{path} holds no prices: give a list `prices` of tables with model, since, input "
            "and output, in USD for a million tokens."
        )
    entries = [
        {**one, "since": str(one["since"])} if isinstance(one, dict) and "since" in one else one
        for one in raw["prices"]
    ]
    return _structured({"entries": entries}, PriceTable, path)


def _loaded(path: Path) -> Any:
    if not path.is_file():
        raise InvalidInputError(f"There is no file {path}.")
    ending = path.suffix.lower()
    if ending not in _KINDS:
        raise InvalidInputError(f"{path}: the file must end in one of {', '.join(_KINDS)}.")
    try:
        text = path.read_text(encoding="utf-8")
        if ending == ".toml":
            import tomllib

            return tomllib.loads(text)
        if ending == ".json":
            return json.loads(text)
        import yaml

        return yaml.safe_load(text)
    except (ValueError, UnicodeError) as fault:
        raise InvalidInputError(f"{path} cannot be read: {fault}") from fault
    except Exception as fault:
        if type(fault).__module__.startswith("yaml"):
            raise InvalidInputError(f"{path} cannot be read: {fault}") from fault
        raise


def _structured(raw: Any, cls: type[T], path: Path) -> T:
    try:
        return _converter().structure(raw, cls)
    except BaseValidationError as fault:
        raise InvalidInputError(f"{path}: {'; '.join(_faults(fault))}.") from fault
    except (InvalidInputError, ValueError, TypeError) as fault:
        raise InvalidInputError(f"{path}: {fault}") from fault


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for exact in (str, int, bool):
        converter.register_structure_hook(exact, lambda value, cls: _exactly(value, cls))
    converter.register_structure_hook(float, lambda value, _cls: _number(value))
    converter.register_structure_hook(datetime, lambda value, _cls: datetime.fromisoformat(value))
    return converter


def _exactly(value: Any, cls: type) -> Any:
    if type(value) is not cls:
        raise TypeError(f"{value!r} is not a {cls.__name__}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _faults(fault: BaseException, where: str = "") -> list[str]:
    if isinstance(fault, ForbiddenExtraKeysError):
        known = ", ".join(field.name for field in attrs.fields(fault.cl))
        extra = ", ".join(sorted(fault.extra_fields))
        return [f"{where or 'the file'} has an unknown field {extra} (known: {known})"]
    if isinstance(fault, BaseExceptionGroup):
        found: list[str] = []
        for inner in fault.exceptions:
            notes = getattr(inner, "__notes__", [])
            place = str(notes[0]).rpartition(" @ ")[2] if notes else where
            found += _faults(inner, _readable(str(notes[0])) if notes else place)
        return found
    if isinstance(fault, KeyError):
        return [f"{where} is missing: {fault.args[0]}"]
    return [f"{where}: {fault}"]


def _readable(note: str) -> str:
    for ending in (" for class ", "Structuring "):
        note = note.replace(ending, " " if ending.startswith(" ") else "")
    return note
