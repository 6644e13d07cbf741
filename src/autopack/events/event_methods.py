"""
How events compare, hash and show, written once.

attrs would write and compile the three anew for each class, which took a quarter of the time in
which a command starts. They honour what ``attrs.field`` says of ``eq``, ``hash`` and ``repr``.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import attrs


class EventMethods:
    """What a bare class of an event is given, where it has none of its own."""

    def __eq__(self, other: object) -> bool:
        """Tell whether another event is of the same class and says the same."""
        if other.__class__ is not self.__class__:
            return NotImplemented
        cls: Any = type(self)
        return all(
            getattr(self, name) == getattr(other, name)
            if key is None
            else key(getattr(self, name)) == key(getattr(other, name))
            for name, key in _compared(cls)
        )

    def __hash__(self) -> int:
        """Return the same for equal events; what holds a table has none."""
        cls: Any = self.__class__
        return hash((cls, *(getattr(self, name) for name in _hashed(cls))))

    def __repr__(self) -> str:
        """Return the class and its fields, as they would be written."""
        cls: Any = self.__class__
        shown = (f"{name}={show(getattr(self, name))}" for name, show in _shown(cls))
        return f"{cls.__qualname__.rsplit('>.', 1)[-1]}({', '.join(shown)})"


@cache
def _compared(cls: type) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple((field.name, field.eq_key) for field in attrs.fields(cls) if field.eq)


@cache
def _hashed(cls: type) -> tuple[str, ...]:
    return tuple(
        field.name
        for field in attrs.fields(cls)
        if (field.eq if field.hash is None else field.hash)
    )


@cache
def _shown(cls: type) -> tuple[tuple[str, Callable[[Any], str]], ...]:
    return tuple(
        (field.name, field.repr if callable(field.repr) else repr)
        for field in attrs.fields(cls)
        if field.repr
    )


EVENT_METHODS: Final[Mapping[str, Any]] = {
    name: vars(EventMethods)[name] for name in ("__eq__", "__hash__", "__repr__")
}
