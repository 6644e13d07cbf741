"""What may be changed of a drain while it runs: checked, as the log keeps it, and taken over."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from autopack.draining.queue.drain_limits import Limits
from autopack.draining.queue.rate_limits import Rates
from autopack.draining.settings.parameters import DrainChanges
from autopack.draining.settings.settings import Settings
from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.ports.figures import WORKERS_MOST, YEAR_S, check_count, check_seconds

CHANGEABLE: Final = tuple(sorted(DrainChanges.__annotations__))
_LIMITS: Final = {field.name for field in attrs.fields(Limits)} & set(CHANGEABLE)
_RATES: Final = {field.name for field in attrs.fields(Rates)} & set(CHANGEABLE)


def kept_changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return changes as the log keeps them.

    Raises:
        InvalidInputError: There are none, one is not to be changed, or its value is none.
    """
    if not given:
        raise InvalidInputError(
            f"Nothing is changed: name one of {', '.join(CHANGEABLE)}.", name="changes", value=None
        )
    limits = _checked(given)
    if given.get("max_usd") is None:
        return dict(given)
    return {**given, "max_usd": str(limits.max_usd)}


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """
    Return settings with these changes.

    Raises:
        InvalidInputError: One is not to be changed, or its value is none.
    """
    _checked(changes)
    limits = {name: value for name, value in changes.items() if name in _LIMITS}
    rates = {name: value for name, value in changes.items() if name in _RATES}
    rest = {name: changes[name] for name in changes.keys() - _LIMITS - _RATES}
    return attrs.evolve(
        settings,
        limits=attrs.evolve(settings.limits, **limits),
        rates=attrs.evolve(settings.rates, **rates),
        **rest,
    )


def in_words(changes: Mapping[str, Any]) -> str:
    """Return changes in one line."""
    shown = {name: "none" if value is None else value for name, value in changes.items()}
    return ", ".join(f"{name} {value}" for name, value in sorted(shown.items()))


def _checked(changes: Mapping[str, Any]) -> Limits:
    """Return the limits among them; refuse what is none."""
    for name in sorted(set(changes) - set(CHANGEABLE)):
        raise InvalidInputError(
            f"{name} cannot be changed while a drain runs.{did_you_mean(name, CHANGEABLE)} "
            f"What can: {', '.join(CHANGEABLE)}.",
            name=name,
            value=changes[name],
        )
    if "workers" in changes:
        check_count("workers", changes["workers"], most=WORKERS_MOST)
    if changes.get("timeout_s") is not None:
        check_seconds("timeout_s", changes["timeout_s"], most=YEAR_S)
    Rates(**{name: value for name, value in changes.items() if name in _RATES})
    return Limits(**{name: value for name, value in changes.items() if name in _LIMITS})
