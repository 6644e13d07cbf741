"""Check ``json``: an output is JSON, and is as a JSON schema says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.ports.checks import CheckAnswer, CheckedWork, CheckResult

_OF_PAYLOAD: Final = "payload."
_TOLD_MOST: Final = 10


class JsonCheck:
    """
    Says where an output is not as a JSON schema says.

    Args:
        schema: The schema itself, as a table; the path of its file, absolute or from the folder in
            which the drain is started; or ``payload.NAME``, where the phase's payload has it.
            Without one the output has to be JSON, and no more.
        output: The output's name; the only one, if it is left out.

    Raises:
        InvalidInputError: There is no such file, it holds no JSON schema, or the library
            ``jsonschema`` is not installed.
    """

    name = "json"

    def __init__(self, schema: Any = None, output: str | None = None) -> None:
        if not isinstance(schema, Mapping | str | bool | None):
            raise _refusal("schema", schema, "give a table, the path of a file, or payload.NAME")
        if not isinstance(output, str | None):
            raise _refusal("output", output, "give the name of an output")
        self._output = output
        self._way: tuple[str, ...] = ()
        self._validator: Any = None
        if isinstance(schema, str) and schema.startswith(_OF_PAYLOAD):
            self._way = tuple(schema.removeprefix(_OF_PAYLOAD).split("."))
            _library()  # rather now than after the work is done
        elif schema is not None:
            self._validator = _validator(_read(schema) if isinstance(schema, str) else schema)

    def check(self, work: CheckedWork) -> CheckAnswer:
        """Return whether the output is as the schema says, and where it is not."""
        name = self._output
        if name is None and len(work.outputs) > 1:
            there = ", ".join(sorted(work.outputs))
            return _unable(f"there are several outputs ({there}): say which, by `output`")
        name = name if name is not None else next(iter(work.outputs), None)
        if name is None or name not in work.outputs:
            return "it gave no output" if name is None else f"it gave no output {name!r}"
        try:
            found = json.loads(work.outputs[name])
        except (ValueError, RecursionError) as fault:
            return f"output {name} is no JSON: {fault}"
        validator = self._validator
        if self._way:
            schema = _at(work.phase.payload, self._way)
            if schema is None:
                return _unable(f"the phase's payload has no {'.'.join(self._way)}")
            validator = _validator(schema)
        return True if validator is None else _faults(validator, found, name) or True


def _faults(validator: Any, found: Any, name: str) -> str:
    """Return what a schema finds wrong, a line each, in the order of the document."""
    errors = sorted(validator.iter_errors(found), key=lambda error: error.json_path)
    lines = [f"output {name}, {error.json_path}: {error.message}" for error in errors]
    more = [f"and {len(lines) - _TOLD_MOST} more"] if len(lines) > _TOLD_MOST else []
    return "\n".join([*lines[:_TOLD_MOST], *more])


def _validator(schema: Any) -> Any:
    """Return what validates by a schema; nothing is fetched for it from anywhere."""
    jsonschema, registry = _library()
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as fault:
        raise _refusal("schema", schema, f"it is no JSON schema: {fault.message}") from fault
    return kind(schema, registry=registry)


def _library() -> tuple[Any, Any]:
    try:
        import jsonschema
        from referencing import Registry
    except ImportError as fault:
        raise InvalidInputError(
            "The check 'json' needs the library jsonschema: pip install 'autopack[json]'.",
            name="check",
            value="json",
        ) from fault
    return jsonschema, Registry()


def _read(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as fault:
        raise _refusal("schema", path, f"it cannot be read: {fault}") from fault


def _at(payload: Any, way: tuple[str, ...]) -> Any:
    for step in way:
        payload = payload.get(step) if isinstance(payload, Mapping) else None
    return payload


def _unable(why: str) -> CheckResult:
    return CheckResult(verdict="could_not_run", says=why)


def _refusal(name: str, value: Any, says: str) -> InvalidInputError:
    shown = value if isinstance(value, str) else type(value).__name__
    return InvalidInputError(
        f"{name} of the check 'json' is {shown!r}: {says}.", name=f"check.{name}", value=value
    )
