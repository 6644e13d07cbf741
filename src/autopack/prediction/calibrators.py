"""Calibrators by their names and options, and what one of them has learned from a log by now."""

import contextlib
import inspect
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from autopack.errors import AutopackError, InvalidInputError, PluginError
from autopack.log.journal import Journal
from autopack.log.views import LiveView
from autopack.plugins.registry import Registry
from autopack.ports.prediction import CalibratorLike, Features, Prediction, Sample
from autopack.prediction.calibration.calibrator_fold import folded
from autopack.prediction.calibration.usable_samples import stratum, unfit_as_size
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.observations import samples_of

DEFAULT_QUANTILES: Final = "shrinkage-quantile"
"""The calibrator that is asked for quantiles unless another is named."""

_LEARNS_AT: Final = 50


def calibrator_of(
    registry: Registry,
    wanted: CalibratorLike,
    usual: Mapping[str, Any],
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """
    Return a calibrator: by its registered name, with options in it or beside it; or itself.

    Args:
        wanted: ``"median-ratio"``, ``"median-ratio:damping=0.5"``, a class, or a calibrator.
        usual: Options for those calibrators that have them.
        options: Options by name; one that the calibrator does not have is refused.
    """
    name, given = options_of(wanted) if isinstance(wanted, str) else (wanted, {})
    found = registry.resolve("calibrator", name)
    if isinstance(found, type):
        return _checked(made(found, {**given, **options}, usual))
    if options:
        raise InvalidInputError(
            f"Calibrator {found.name!r} is made already: give {', '.join(options)} to its class.",
            name="options",
            value=dict(options),
        )
    return _checked(found)


def _checked(found: Any) -> Any:
    """Return what can be used as a calibrator, or say what it lacks."""
    lacks = [name for name in ("name", "initial", "update", "predict") if not hasattr(found, name)]
    if lacks:
        raise InvalidInputError(
            f"{found!r} is no calibrator: it has no {', '.join(lacks)}.",
            name="calibrator",
            value=found,
        )
    return found


def made(calibrator: type, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """Return a calibrator with *options*, and those of *defaults* that it knows."""
    known = inspect.signature(calibrator).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidInputError(
            f"Calibrator {getattr(calibrator, 'name', calibrator.__name__)!r} has no option "
            f"{', '.join(unknown)}. It has: {', '.join(known)}.",
            name=f"options.{unknown[0]}",
            value=options[unknown[0]],
        )
    usual = {name: value for name, value in defaults.items() if name in known}
    try:
        return calibrator(**{**usual, **options})
    except TypeError as fault:
        given = ", ".join(f"{option} = {value!r}" for option, value in options.items())
        raise InvalidInputError(
            f"Calibrator {getattr(calibrator, 'name', calibrator.__name__)!r} got {given}, of "
            f"which one is of the wrong kind: {fault}.",
            name="options",
            value=dict(options),
        ) from fault


def options_of(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of ``NAME:OPTION=VALUE,...``."""
    name, colon, tail = text.rpartition(":")
    if not colon or "=" not in tail:
        return text, {}
    options = {}
    for part in tail.split(","):
        option, equals, value = part.partition("=")
        if not equals or not option.strip():
            raise InvalidInputError(
                f"{part!r} in {text!r} is no option: give OPTION=VALUE.", name="options", value=part
            )
        options[option.strip().replace("-", "_")] = _value(value.strip())
    return name, options


class Quantiles:
    """
    What a calibrator says of the next output, as far as a log's samples have taught it by now.

    It learns anew from all of them once a fiftieth more have ended, so that it answers as it
    would for somebody who comes to the log at that moment; nothing is read before it is asked.
    """

    def __init__(self, journal: Journal, calibrator: Any) -> None:
        self.name = str(calibrator.name)
        self._journal, self._calibrator = journal, calibrator
        self._samples: LiveView | None = None
        self._state: Any = None
        self._fresh, self._learned = 0, 0
        self._of_group: Counter[tuple[str, str]] = Counter()

    def at(self, features: Features, tau: float) -> Prediction:
        """
        Return the output size at quantile *tau*.

        Raises:
            PluginError: The calibrator failed, or what it says is no size.
        """
        with _named(self.name):
            self._learn()
            found: Prediction = self._calibrator.predict(self._state, features, tau)
            if not 0 <= found.tokens < math.inf:
                what = f"it predicted {found.tokens!r} tokens at {tau:g}"
                raise PluginError(self.name, f"{what}; a size is finite, 0 or more")
        return found

    def known(self, features: Features) -> int:
        """Return how many samples of the same category and complexity say how large it may be."""
        self._learn()
        return self._of_group[features.category, features.complexity]

    def _learn(self) -> None:
        is_first = self._samples is None
        samples = self._samples = self._samples or LiveView(self._journal, ATTEMPTS)
        changed = samples.catch_up().values()
        self._fresh += sum(_has_ended(after) for _before, after in changed)
        if not is_first and self._fresh <= self._learned // _LEARNS_AT:
            return
        found = samples_of(samples.rows.values(), log_id=self._journal.log_id)
        self._state, _aside = folded(self._calibrator, self._calibrator.initial(), found)
        self._of_group = Counter((one.category, one.complexity) for one in found if _speaks(one))
        self._fresh, self._learned = 0, len(found)


def quantiles_of(
    journal: Journal, registry: Registry, calibrator: Any, *, estimator: str, tau: float
) -> Callable[[], Quantiles]:
    """Return a function that gives one and the same :class:`Quantiles`, made when it is called."""

    @cache
    def quantiles() -> Quantiles:
        usual = {"tau": tau, "estimator": estimator}
        return Quantiles(journal, calibrator_of(registry, calibrator or DEFAULT_QUANTILES, usual))

    return quantiles


@contextlib.contextmanager
def _named(calibrator: str) -> Iterator[None]:
    """Turn what a calibrator raises into an error that names it."""
    try:
        yield
    except AutopackError:
        raise
    except Exception as fault:
        what = f"the calibrator failed: {type(fault).__name__}: {fault}"
        raise PluginError(calibrator, what) from fault


def _has_ended(row: AttemptRow | None) -> bool:
    return row is not None and (row.success is not None or row.truncated)


def _speaks(sample: Sample) -> bool:
    return unfit_as_size(sample) is None and stratum(sample) == "succeeded"


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
