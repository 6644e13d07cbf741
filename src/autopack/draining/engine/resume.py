"""Going on with a drain from the log alone: what it was asked for, and what it used so far."""

import inspect
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from autopack.draining.attempts.escalation import ESCALATIONS
from autopack.draining.queue.drain_limits import Limits
from autopack.draining.settings.named_workspaces import workspace_again
from autopack.draining.settings.settings import settings_of
from autopack.errors import InvalidInputError
from autopack.events import (
    DrainRequest,
    DrainSetRequested,
    DrainStarted,
    DrainStopped,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseTimedOut,
)
from autopack.format.redaction import clean
from autopack.log.log import Log, journal_of, registry_of
from autopack.plugins.plugin_options import NamedPlugin, made_with
from autopack.ports.importing import IMPORTED
from autopack.ports.log import Recorded
from autopack.prediction.calibrators import options_of
from autopack.values.ids import drain_stream

LAST: Final = "last"
_ENDS: Final = (PhaseCompleted, PhaseFailed, PhaseTimedOut, PhaseGated)
_PLACES: Final = ("executor", "executors", "strategy", "estimator", "calibrator", "escalation")


def resumed(log: Log, given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the settings with which a drain goes on: those of its start, or those with which it was
    gone on with last, over them what was set since, and over all what is given.

    Args:
        given: Settings as :class:`autopack.Drain` takes them; ``resumes`` is a drain's id, or
            ``last`` for the one that was started last.

    Raises:
        InvalidInputError: There is no such drain, or a part of it was an object without a name,
            is not kept in the log, or was not named in this log.
    """
    drain_id = drain_named(log, str(given["resumes"]))
    started, is_own, position = _started_last(log, drain_id)
    _check_given(started, given, _unsaid(started) if is_own else _unheard(started))
    said = {**started.settings, **_set_since(log, drain_id, position)}
    before: dict[str, Any] = {
        "executor": started.executor, "strategy": started.strategy,
        **{name: value for name, value in said.items() if name in _known()},
    }  # fmt: skip
    before["workspace"] = workspace_again(started.settings) if is_own else None
    settings = {**before, **{name: value for name, value in given.items() if value is not None}}
    for place in _PLACES:
        if given.get(place) is None:
            _check_name(log, started, place, before.get(place))
    if is_own and settings["executor"] == started.executor:
        settings["executor"] = _executor_again(log, started)
    options = started.settings.get("strategy_options")
    if is_own and settings["strategy"] == started.strategy and options:
        name, found = started.strategy, registry_of(log).resolve("strategy", started.strategy)
        made = made_with(found, "strategy", name, options)
        settings["strategy"] = NamedPlugin(name, made, options)
    return {**settings, "resumes": drain_id, "drain": drain_id}


def kept(log: Log, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as a log keeps them, with the names of those that it does not keep whole."""
    redact = journal_of(log).redact
    lost = sorted(n for n, value in settings.items() if clean(redact, value) is not value)
    return {**settings, **({"redacted": lost} if lost else {})}


def _started_last(log: Log, drain_id: str) -> tuple[DrainStarted, bool, int]:
    """
    Return the last start by whoever went on with the drain, not by those who joined it, whether it
    is this log's own, and its position.

    Those of this log come first, and only they are its own: an import may bring any.
    """
    found = [r for r in log.read(drain_stream(drain_id)) if isinstance(r.event, DrainStarted)]
    own = [recorded for recorded in found if is_own_start(log, recorded)]
    first, *later = own or found
    last = next((one for one in reversed(later) if one.event.resumes is not None), first)
    return last.event, bool(own), last.position


def _set_since(log: Log, drain_id: str, position: int) -> dict[str, Any]:
    """Return what was set while the drain ran, or stood still, since its last start."""
    since: dict[str, Any] = {}
    for recorded in log.read(drain_stream(drain_id), types=[DrainSetRequested]):
        if recorded.position > position:
            since.update(recorded.event.settings)
    return since


def is_own_start(log: Log, recorded: Recorded[DrainStarted]) -> bool:
    """Tell whether a drain was started in this log, and not in one that it came from."""
    return recorded.event.log_id == journal_of(log).log_id and IMPORTED not in recorded.meta


def _unheard(started: DrainStarted) -> dict[str, str]:
    """Return what another log's drain names that could be run or read here, and why it is not."""
    named = {"strategy": started.strategy, **started.settings}
    checks = ["check"] if started.settings.get("check") else []
    files = [place for place in _PLACES[1:] if ".py:" in str(named.get(place))]
    why = "it was started in another log, and what came by an import or a restore runs nothing"
    return dict.fromkeys(["executor", *files, *checks], why)


def _unsaid(started: DrainStarted) -> dict[str, str]:
    """Return what of a drain is not whole in the log, and why."""
    lost = started.settings.get("redacted", ())
    why = f"the redaction hook took something out of {', '.join(lost)}"
    if "check" in started.settings.get("objects", ()) and not lost:
        return {"check": "its check was an object, which the log cannot bring back"}
    places = {"strategy_options": "strategy"}
    return {places.get(name, name if name in _known() else "executor"): why for name in lost}


def _check_given(started: DrainStarted, given: Mapping[str, Any], asked: Mapping[str, str]) -> None:
    missing = [place for place in asked if given.get(place) is None]
    if missing:
        raise InvalidInputError(
            f"Drain {started.drain_id} cannot be gone on with as it was: {asked[missing[0]]}. "
            "Give again:",
            do=", ".join(f"{place}=..." for place in missing),
            typed=", ".join(f"--{place.replace('_', '-')}" for place in missing),
            name=missing[0],
            value=None,
        )


def _executor_again(log: Log, started: DrainStarted) -> Any:
    """Return what the executor's name stands for, made as it was if it can say so."""
    found = registry_of(log).resolve("executor", started.executor)
    again = getattr(found, "again", None)
    return started.executor if again is None else again(started.settings)


def drain_named(log: Log, wanted: str, *, setting: str = "resumes") -> str:
    """
    Return the id of a drain that is meant; ``last`` is the one that was started last.

    Args:
        setting: By what name it was given.

    Raises:
        InvalidInputError: There is none of that name.
    """
    stream = drain_stream(wanted)
    if wanted != LAST and journal_of(log).backend.stream_versions([stream])[stream]:
        return wanted
    starts = list(log.read_all(types=[DrainStarted]))
    ids = [recorded.event.drain_id for recorded in starts]
    if wanted == LAST and ids:
        own = [recorded.event.drain_id for recorded in starts if is_own_start(log, recorded)]
        return str((own or ids)[-1])
    if not ids:
        raise InvalidInputError(
            "No drain was ever started in this log.",
            name=setting,
            value=wanted,
        )
    there = f"The last ones: {', '.join(dict.fromkeys(ids[-5:]))}."
    raise InvalidInputError(
        f"There is no drain {wanted!r} in this log. {there}",
        name=setting,
        value=wanted,
    )


def _known() -> set[str]:
    named = set(inspect.signature(settings_of).parameters) - {"registry", "limits", "resumes"}
    return named | {field.name for field in attrs.fields(Limits)}


def _check_name(log: Log, started: DrainStarted, place: str, name: Any) -> None:
    is_object = place in started.settings.get("objects", ())
    if is_object and _says_its_options(log, started, place):
        is_object = False
    is_file = isinstance(name, str) and ".py:" in name
    is_known = name is None or (place == "escalation" and name in ESCALATIONS)
    is_registered = place not in ("escalation", "executors") and _plain(name) in registry_of(
        log
    ).names(place)
    if not is_object and (is_file or is_known or is_registered):
        return
    is_made = isinstance(name, str) and (is_registered or is_file)
    why = "made with options" if is_made else "an object"
    raise InvalidInputError(
        f"Drain {started.drain_id} had {place} {name!r}, {why}, which the log cannot bring back. "
        f"Give it again: {place}=... (--{place}).",
        name=place,
        value=name,
    )


def _plain(name: Any) -> str:
    """Return a name without the options that may stand in it."""
    return options_of(name)[0] if isinstance(name, str) else ""


def _says_its_options(log: Log, started: DrainStarted, place: str) -> bool:
    """Tell whether an object's options are in the log, so that it can be made again."""
    if place == "strategy":
        return bool(started.settings.get("strategy_options"))
    found = registry_of(log).known("executor").get(started.executor)
    return place == "executor" and hasattr(found, "again")


def seconds_at_work(log: Log, drain_id: str) -> float:
    """Return the time between the events of a drain's stream while it was open."""
    total_s, last, n_open = 0.0, None, 0
    for recorded in log.read(drain_stream(drain_id)):
        now: datetime = recorded.recorded_at
        event = recorded.event
        if isinstance(event, DrainRequest):
            continue  # it may have been asked long after the drain was killed
        if isinstance(event, DrainStarted) and event.resumes is not None:
            n_open = 0  # whoever was at work before had ended, recorded or not
        if last is not None and n_open:
            total_s += (now - last).total_seconds()
        if isinstance(event, DrainStarted):
            n_open += 1
        elif isinstance(event, DrainStopped):
            n_open = max(0, n_open - 1)
        last = now
    return total_s
