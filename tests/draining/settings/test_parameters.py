"""What type checkers and editors offer at a call is what the call takes, by name and type."""

import inspect
import re
from typing import Any, ParamSpecKwargs, Unpack, get_origin, get_type_hints

import attrs
import pytest

import autopack
from autopack.api.amendments import amend_usage
from autopack.api.reports import EvaluationSettings, evaluate
from autopack.draining.queue.drain_limits import Limits
from autopack.draining.settings.parameters import DrainLimits, DrainSettings
from autopack.draining.settings.settings import settings_of
from autopack.errors import InvalidInputError
from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.ports.usage import AmendedFigures, UsageFigures
from autopack.prediction.calibration.conformal import SplitConformal
from autopack.prediction.calibration.median_ratio import MedianRatio
from autopack.prediction.calibration.options import CalibratorOptions
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.prediction.mixture.calibrator import Mixture
from autopack.values.money import Usd, UsdLike
from drains import specs

IDENTITY = {"run_id", "phase_id", "attempt", "lease_token", "call_id", "request_model", "late"}


def public_callables():
    """Return each public function, and each method and constructor of a public class, by name."""
    for name in autopack.__all__:
        thing = getattr(autopack, name)
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing):
            for part, method in vars(thing).items():
                is_public = part == "__init__" or not part.startswith("_")
                if is_public and inspect.isfunction(method) and method.__module__ != "typing":
                    yield f"{name}.{part}", method


def is_typed(hint):
    if isinstance(hint, ParamSpecKwargs):  # as the function that is handed over takes it
        return True
    return get_origin(hint) is Unpack or (isinstance(hint, str) and hint.startswith("Unpack["))


def test_no_public_call_takes_just_anything():
    """What is taken by keyword is named one by one, or by a typed dictionary."""
    taken = {
        name: parameter.annotation
        for name, function in public_callables()
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.VAR_KEYWORD
    }

    assert {"drain", "probe", "simulate", "calibrate", "amend_usage"} < set(taken)
    assert {"Drain.__init__", "Attempt.record_usage"} < set(taken)
    assert set() == {name for name, hint in taken.items() if not is_typed(hint)}


def test_a_drains_settings_are_those_it_takes():
    """Each by its type; the limits among them are those of a drain."""
    names = get_type_hints(settings_of)
    limits = {field.name: field.type for field in attrs.fields(Limits)}
    for name in ("registry", "executor", "strategy", "limits", "return"):
        names.pop(name)

    for name in ("max_usd", "max_usd_per_phase", "max_usd_per_day"):
        assert Usd | None == limits[name]
        limits[name] = UsdLike | None  # any way of giving it is taken
    assert limits == get_type_hints(DrainLimits)
    assert {**names, **limits} == get_type_hints(DrainSettings)


def test_every_setting_of_a_drain_is_documented():
    """By name, where an editor shows it."""
    told = DrainLimits.__doc__ + DrainSettings.__doc__
    for name in DrainSettings.__annotations__:
        assert re.search(rf"\b{name}\b.*: ", told), name


def test_a_calls_figures_are_those_that_are_recorded():
    """All fields of the event but those that say whose call it was; amended are some of them."""
    recorded = get_type_hints(LlmUsageRecorded)
    amended = get_type_hints(LlmUsageAmended)
    for name in IDENTITY:
        recorded.pop(name)
    for name in ("run_id", "phase_id", "attempt", "provider", "call_id", "why"):
        amended.pop(name)

    for hints in (recorded, amended):
        assert Usd | None == hints["cost_usd"]
        hints["cost_usd"] = UsdLike | None  # any way of giving it is taken
        hints.pop("price_table")  # it is told by who computes a cost
    amended.pop("cost_source")  # an amended cost was reported
    assert recorded == get_type_hints(UsageFigures)
    assert amended == get_type_hints(AmendedFigures)


def test_a_calibrators_options_are_those_of_the_built_in_ones():
    """But for those that the library gives, and the share, which each call asks for itself."""
    built_in = (Mixture, MedianRatio, ShrinkageQuantile, SplitConformal)
    options = {
        field.name: field.type
        for calibrator in built_in
        for field in attrs.fields(attrs.resolve_types(calibrator))
        if field.init and field.name not in ("estimator", "estimator_version", "old", "tau")
    }

    options["experts"] |= str  # by name as well

    assert options == get_type_hints(CalibratorOptions)


def test_a_report_takes_what_an_evaluation_takes():
    """Whatever stands in the page can be asked for where the page is written."""
    names = get_type_hints(evaluate)
    for name in ("log", "options", "return"):
        names.pop(name)

    assert {**names, **get_type_hints(CalibratorOptions)} == get_type_hints(EvaluationSettings)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda log, live: autopack.drain(log, executor="recorded", worker=2), "no setting worker"),
        (lambda log, live: autopack.Drain(log, executor="recorded", n=2), "no setting n"),
        (lambda log, live: autopack.probe(log, executor="recorded", run="r"), "no setting run"),
        (lambda log, live: live.record_usage(model="m", tokens=5), "no figure tokens"),
        (lambda log, live: amend_usage(log, call_id="c", why="w", tokens=5), "given was tokens"),
        (lambda log, live: autopack.calibrate(log, min_sample=5), "no option min_sample"),
        (lambda log, live: autopack.calibrate(log, tau=0.5), "no option tau"),
    ],
)
def test_a_name_that_is_none_is_told_at_run_time_too(call, said):
    """Whoever has no type checker is told the same."""
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", specs("a"))
        with autopack.attempt(log, "r/a") as live, pytest.raises(InvalidInputError, match=said):
            call(log, live)


def test_a_plugins_own_option_is_taken_by_its_calibrator(log_path):
    """Types know the built-in calibrators' options; another's are looked up when it is made."""

    class Steady(MedianRatio):
        def __init__(self, *, patience: int = 0, **options: Any) -> None:
            super().__init__(**options)
            told.append(patience)

    told = []
    with autopack.open_log(log_path) as log:
        autopack.calibrate(log, calibrator=Steady, patience=3)

    assert [3] == told
