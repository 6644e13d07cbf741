"""Read models: what a projection is, and what its view looks like to a reader."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

import attrs

from autopack.errors import InvalidInputError

R = TypeVar("R")
T = TypeVar("T")


@runtime_checkable
class KeyedProjection(Protocol):
    """
    A read model with one frozen row a key; the view is the mapping.

    ``row_type`` is the rows' attrs class. ``types`` names the event types it needs (None: all).
    A projection may also keep a *total* over its rows, updated with each row that changes:
    ``total_type``, ``initial_total()`` and ``total(total, before, after)``. With
    ``sql_view = True`` its persisted rows are an SQL view ``v_NAME`` of a log file, too: one typed
    column a field.
    """

    @property
    def name(self) -> str:
        """The view's name."""

    @property
    def version(self) -> int:
        """Raised when its answers change, so that saved rows are rebuilt."""

    @property
    def types(self) -> tuple[type, ...] | None:
        """The event classes it needs; None for all."""

    @property
    def row_type(self) -> type:
        """The attrs class of its rows."""

    def key(self, recorded: Any) -> str | None:
        """Return the key of the row that the event concerns, or None."""

    def project(self, row: Any, recorded: Any) -> Any:
        """Return the row after the event; None removes it."""


@runtime_checkable
class WholeProjection(Protocol):
    """A small read model that is one value: ``initial`` and ``project(view, recorded)``."""

    @property
    def name(self) -> str:
        """The view's name."""

    @property
    def version(self) -> int:
        """Raised when its answers change, so that a saved view is rebuilt."""

    @property
    def types(self) -> tuple[type, ...] | None:
        """The event classes it needs; None for all."""

    @property
    def initial(self) -> Any:
        """The view of an empty log."""

    def project(self, view: Any, recorded: Any) -> Any:
        """Return the view after the event."""


Projection: TypeAlias = KeyedProjection | WholeProjection

ProjectionLike: TypeAlias = str | Projection
"""A registered name, ``file.py:name``, or a projection."""


@attrs.frozen(kw_only=True)
class FunctionProjection:
    """A whole projection made of a function; see :func:`projection`."""

    name: str
    initial: Any
    function: Callable[[Any, Any], Any]
    version: int = 1
    types: tuple[type, ...] | None = None
    envelope: bool = True

    def project(self, view: Any, recorded: Any) -> Any:
        """Return the view after the event."""
        return self.function(view, recorded)

    def __call__(self, view: Any, recorded: Any) -> Any:
        """Call the function as it was written."""
        return self.function(view, recorded)


def projection(
    *,
    initial: T,
    name: str | None = None,
    types: tuple[type, ...] | None = None,
    version: int = 1,
    envelope: bool = True,
) -> Callable[[Callable[[T, Any], T]], FunctionProjection]:
    """
    Make a projection from a function ``(view, recorded) -> view``.

    Args:
        initial: The view of an empty log; never mutated.
        name: The projection's name; the function's own if not given.
        types: The event classes it needs; naming them makes replay faster.
        version: Raise it when the function's answer changes, so that saved views are rebuilt.
        envelope: False passes the bare event instead of ``Recorded``, for speed.
    """

    def decorate(function: Callable[[T, Any], T]) -> FunctionProjection:
        return FunctionProjection(
            name=name or str(getattr(function, "__name__", "projection")),
            initial=initial,
            function=function,
            version=version,
            types=types,
            envelope=envelope,
        )

    return decorate


def is_keyed(candidate: Any) -> bool:
    """Tell whether a projection keeps one row a key."""
    return hasattr(candidate, "key")


def check_projection(candidate: Any) -> Any:
    """Return *candidate* if it has what a projection needs, else say what is missing."""
    if isinstance(candidate, type):
        raise InvalidInputError(
            f"{candidate.__name__} is a class: give one that is made of it, "
            f"{candidate.__name__}().",
            name="projection",
            value=candidate,
        )
    needed = ("key", "row_type") if is_keyed(candidate) else ("initial",)
    missing = [n for n in ("name", "version", "project", *needed) if not hasattr(candidate, n)]
    if missing:
        raise InvalidInputError(
            f"{candidate!r} is not a projection: it lacks {', '.join(missing)}. "
            "A projection has name, version, types, project(), and initial or key() and row_type.",
            name="projection",
            value=candidate,
        )
    return candidate
