"""Records of models tried on tasks, from anybody's experiment, as trials."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.prediction.calibration.price_table import PriceTable
from autopack.prediction.calibration.record_reader import (
    AMOUNT,
    MOMENT,
    WHOLE,
    Reading,
    RecordReader,
)
from autopack.prediction.cascades.trials import Trial
from autopack.values.money import Usd

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "task": ("task", "task_id", "instance_id", "phase_id"),
    "model": ("model", "request_model"),
    "cost_usd": ("cost_usd", "usd"),
    "verdict": ("verdict", "right", "resolved"),
    "checked": ("checked", "check_passed"),
    "calls": ("calls", "api_calls"),
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "at": ("at", "ts", "timestamp", "time"),
}
"""What a row can tell, with the columns that are looked for; upper and lower case are alike."""

NEEDED: Final = "Needed are task, model and verdict, and cost_usd (or tokens and their prices)."
"""What a matrix of trials must tell; the other fields it may."""
_NEEDS: Final = {"task": "of tasks", "model": "of models", "verdict": "of verdicts"}
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


def trials_of(
    records: Iterable[Mapping[str, Any]],
    *,
    columns: Mapping[str, str] | None = None,
    prices: PriceTable | None = None,
) -> list[Trial]:
    """
    Return records as trials; what a record does not tell is unknown, never 0 and never false.

    Args:
        columns: Columns by field of :data:`FIELDS`, where they have other names.
        prices: For records that tell their tokens, and no cost; as of the record's moment, or
            the latest of them. Without it some record must have a cost.

    Raises:
        InvalidInputError: A column is missing, or a value cannot be read; names the record by
            number, from 1.
    """
    needs = _NEEDS if prices is not None else {**_NEEDS, "cost_usd": "of costs in USD"}
    reader = RecordReader(FIELDS, _READINGS, columns or {}, needs=needs, hint=NEEDED)
    read = [reader.read(number, one) for number, one in enumerate(records, 1)]
    reader.check_columns()
    return [_trial(_named(number, one), prices) for number, one in enumerate(read, 1)]


def _named(number: int, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record that names its task and its model."""
    for name in ("task", "model"):
        if fields[name] is None:
            raise InvalidInputError(
                f"Record {number} of the trace names no {name}.", name=name, value=None
            )
    return fields


def _trial(fields: Mapping[str, Any], prices: PriceTable | None) -> Trial:
    cost = fields["cost_usd"]
    if cost is None and prices is not None:
        cost = _priced(fields, prices)
    return Trial(
        task=fields["task"],
        model=fields["model"],
        cost_usd=None if cost is None else float(cost),
        right=fields["verdict"],
        checked=fields["checked"],
        calls=fields["calls"],
    )


def _priced(fields: Mapping[str, Any], prices: PriceTable) -> Usd | None:
    tokens = fields["input_tokens"], fields["output_tokens"]
    if None in tokens:
        return None
    at = _LATEST if fields["at"] is None else datetime.fromtimestamp(fields["at"], UTC)
    return prices.usd(fields["model"], at, input_tokens=tokens[0], output_tokens=tokens[1])


def _word(value: Any) -> bool:
    """Return what a verdict says; a number is read only where it is 0 or 1."""
    text = str(value).strip().lower()
    if text in ("true", "yes", "right", "passed", "1", "1.0"):
        return True
    if text in ("false", "no", "wrong", "failed", "0", "0.0"):
        return False
    raise ValueError(value)


def _label(value: Any) -> str:
    if isinstance(value, bool | float | list | dict) or not str(value).strip():
        raise ValueError(value)
    return str(value).strip()


_VERDICT: Final = Reading(_word, "true or false")
_NAME: Final = Reading(_label, "a name")
_READINGS: Final[Mapping[str, Reading]] = {
    "task": _NAME,
    "model": _NAME,
    "cost_usd": AMOUNT,
    "verdict": _VERDICT,
    "checked": _VERDICT,
    "calls": WHOLE,
    "input_tokens": WHOLE,
    "output_tokens": WHOLE,
    "at": MOMENT,
}
