"""Old event shapes to today's, one function a step. Stored bytes never change."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Fields = dict[str, Any]
Upcaster = Callable[[Fields], Fields]


def upcast(fields: Fields, *, schema: int, known: int, steps: Mapping[int, Upcaster]) -> Fields:
    """
    Return *fields* of version *schema* in the shape of version *known*.

    A step that is not in *steps* only added fields with a default, so it changes nothing.

    Args:
        steps: By the schema they start from; each returns the fields of the next one.
    """
    for step in range(schema, known):
        if step in steps:
            fields = steps[step](fields)
    return fields


CORE_UPCASTERS: Mapping[str, Mapping[int, Upcaster]] = MappingProxyType({})
"""The library's own steps by event type; a log of each release under ``tests/logs`` replays."""
