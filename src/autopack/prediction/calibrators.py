"""Calibrators by their names and options, and what one of them has learned from a log by now."""

import contextlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from autopack.errors import AutopackError, InvalidInputError, PluginError
from autopack.log.journal import Journal
from autopack.log.views import LiveView
from autopack.plugins.fault_place import said_with_place
from autopack.plugins.plugin_options import made_with, read_options
from autopack.plugins.registry import Registry
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.measures import OUTPUT, Measure
from autopack.ports.prediction import Features, Prediction, Sample
from autopack.prediction.calibration.measure_calibrator import in_measure, usual_in
from autopack.prediction.calibration.usable_samples import stratum, unfit_as_size
from autopack.prediction.ordered_fold import OrderedFold
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.observations import observations

_WITH_OPTIONS: Final = re.compile(r"(.*?):([^:=/\\]*=.*)", re.DOTALL)
DEFAULT_QUANTILES: Final = "mixture"
"""The calibrator that is asked for quantiles unless another is named."""


def calibrator_of(
    registry: Registry,
    wanted: CalibratorLike,
    usual: Mapping[str, Any],
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """
    Return a calibrator: by its registered name, with options in it or beside it; or itself.

    Args:
        wanted: ``"median-ratio"``, ``"median-ratio:damping=0.5"``, a class, or a calibrator; the
            calibrators that an option ``experts`` names are made likewise.
        usual: Options for those calibrators that have them.
        options: Options by name; one that the calibrator does not have is refused.
    """
    name, given = options_of(wanted) if isinstance(wanted, str) else (wanted, {})
    found = registry.resolve("calibrator", name)
    asked_for = {**read_options(found, given), **options}
    if isinstance(found, type):
        if isinstance(names := asked_for.get("experts"), str):
            experts = names.split("+")
            asked_for["experts"] = [calibrator_of(registry, one, usual) for one in experts]
        called = str(getattr(found, "name", found.__name__))
        return _checked(made_with(found, "calibrator", called, asked_for, usual))
    if asked_for:
        raise InvalidInputError(
            f"Calibrator {found.name!r} is made already: give {', '.join(asked_for)} to its class.",
            name="options",
            value=asked_for,
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


def options_of(text: str) -> tuple[str, dict[str, str]]:
    """Return the name and the options of ``NAME:OPTION=VALUE,...``, as they were typed."""
    found = _WITH_OPTIONS.fullmatch(text)
    if found is None:
        return text, {}
    name, tail = found.groups()
    options = {}
    for part in tail.split(","):
        option, equals, value = part.partition("=")
        if not equals or not option.strip():
            raise InvalidInputError(
                f"{part!r} in {text!r} is no option: give OPTION=VALUE.", name="options", value=part
            )
        options[option.strip().replace("-", "_")] = value.strip()
    return name, options


class Quantiles:
    """
    What a calibrator says of the next output, as far as a log's samples have taught it by now.

    Each sample is learned once it has ended, in the order of their ends, as a backtest does; one
    that changes, as a cut attempt does when the next goes further, is learned anew. Nothing is
    read before it is asked.

    Args:
        by: The measure: outputs of attempts are learned, or in another one what phases took.
    """

    def __init__(self, journal: Journal, calibrator: Any, by: Measure = OUTPUT) -> None:
        self.name, self.by = str(calibrator.name), by
        self._journal, self._calibrator = journal, in_measure(calibrator, by)
        self._rows: LiveView | None = None
        self._phases: dict[tuple[str | None, str | None], dict[int, AttemptRow]] = {}
        self._fold: OrderedFold | None = None
        self._of_group: Counter[tuple[str, str]] = Counter()

    def at(self, features: Features, tau: float) -> Prediction:
        """
        Return the output size at quantile *tau*.

        Raises:
            PluginError: The calibrator failed, or what it says is no size.
        """
        with _named(self.name):
            state = self._learned().state
            found: Any = self._calibrator.predict(state, features, tau)
            if not isinstance(found, Prediction):
                what = f"it predicted {found!r}, which is no Prediction"
                raise PluginError(
                    self.name, f"{what}; it must return Prediction(tokens=..., tau=..., basis=...)"
                )
            if not 0 <= found.tokens < math.inf:
                what = f"it predicted {found.tokens!r} tokens at {tau:g}"
                raise PluginError(self.name, f"{what}; a size is finite, 0 or more")
        said: Prediction = found
        return said

    def known(self, features: Features) -> int:
        """Return how many samples of the same category and complexity say how large it may be."""
        self._learned()
        return self._of_group[features.category, features.complexity]

    @property
    def samples(self) -> int:
        """How many samples say how large it may be, in all groups."""
        self._learned()
        return self._of_group.total()

    def _learned(self) -> OrderedFold:
        """Return the fold with all samples that have ended by now."""
        if self._rows is None or self._fold is None:
            self._rows = LiveView(self._journal, ATTEMPTS)
            self._fold = OrderedFold(self._calibrator)
            self._rows.catch_up()
            changed = list(self._rows.rows.values())
        else:
            changed = [after for _before, after in self._rows.catch_up().values() if after]
        for row in changed:
            self._phases.setdefault((row.run_id, row.phase_id), {})[row.position] = row
        for phase in {(row.run_id, row.phase_id) for row in changed}:
            # What a phase's other attempts say may change with one: a cut one is superseded.
            self._put(self._fold, self._phases[phase].values())
        return self._fold

    def _put(self, fold: OrderedFold, rows: Iterable[AttemptRow]) -> None:
        for sample in observations(rows, log_id=self._journal.log_id, by=self.by):
            if sample.success is None and not sample.truncated:
                continue
            before = fold.put(sample)
            if before is not None and _speaks(before):
                self._of_group[before.category, before.complexity] -= 1
            if _speaks(sample):
                self._of_group[sample.category, sample.complexity] += 1


def quantiles_of(
    journal: Journal,
    registry: Registry,
    calibrator: Any,
    *,
    estimator: str,
    tau: float,
    by: Measure = OUTPUT,
) -> Callable[[], Quantiles]:
    """Return a function that gives one and the same :class:`Quantiles`, made when it is called."""

    @cache
    def quantiles() -> Quantiles:
        usual = {"tau": tau, "estimator": estimator, **usual_in(by)}
        chosen = calibrator_of(registry, calibrator or DEFAULT_QUANTILES, usual)
        return Quantiles(journal, chosen, by)

    return quantiles


@contextlib.contextmanager
def _named(calibrator: str) -> Iterator[None]:
    """Turn what a calibrator raises into an error that names it."""
    try:
        yield
    except AutopackError:
        raise
    except Exception as fault:
        what = f"the calibrator failed: {said_with_place(fault)}"
        raise PluginError(calibrator, what) from fault


def _speaks(sample: Sample) -> bool:
    return unfit_as_size(sample) is None and stratum(sample) == "succeeded"
