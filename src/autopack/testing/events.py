"""What the events of every plugin promise: subclass the suite, and name the plugin and its pin."""

from functools import cached_property
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from autopack.errors import InvalidEventError
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import Registry
from autopack.ports.log import ANY
from autopack.testing.event_pins import (
    Pin,
    pins_text,
    read_pins,
    reading_faults,
    shape_faults,
    unpinned,
)
from autopack.testing.generators import values
from autopack.testing.making import not_written
from autopack.testing.settings import patiently

_RULES: Final = (
    "A log that was written before is read for ever. Raise the schema and register an upcaster "
    "from the one before, which says what the old fields are today; without one a schema may only "
    "add fields with a default. What was never released may be taken out of the file."
)


class EventContract:
    """
    Events come back as they went, and what was stored says for ever what it said.

    Subclass it with a name that pytest collects; give :meth:`make` and :meth:`pin`. The file that
    :meth:`pin` names says how each schema of each event is stored, with examples. The suite writes
    what it lacks, and fails until that is kept with the code.
    """

    def make(self) -> Any:
        """Return the plugin, a module or an object: what has ``autopack_register_events``."""
        raise not_written("make()", "return the plugin that registers the events")

    def pin(self) -> Path:
        """Return the file that pins the format; beside the code it is in the wheel."""
        raise not_written("pin()", "return the path of the file that pins the format")

    @cached_property
    def registry(self) -> Registry:
        """The installed plugins and this one."""
        installed, made = load_plugins(), self.make()
        if installed.manager.is_registered(made):
            return installed
        return load_plugins(extra=[made])

    @cached_property
    def classes(self) -> dict[str, type]:
        """The plugin's event classes by their names in the log."""
        name = self.registry.manager.get_name(self.make())
        found = [info for info in self.registry.infos_so_far if info.name == name]
        assert found, f"{self.make()!r} could not be loaded as a plugin"
        faults, words = found[0].faults, [one.partition(" ") for one in found[0].provides]
        assert not faults, f"it is not registered as it should: {'; '.join(faults)}"
        names = [event for kind, _, event in words if kind == "event"]
        return {event: self.registry.codec.class_of(event) for event in names}

    def _pins(self) -> list[Pin]:
        file = self.pin()
        return read_pins(file.read_text(encoding="utf-8")) if file.exists() else []

    def test_it_registers_events(self) -> None:
        """The hook registers at least one."""
        assert self.classes, "autopack_register_events registers no event"

    @patiently(data=st.data())
    def test_an_event_comes_back_as_it_went(self, data: st.DataObject) -> None:
        """Whatever its fields allow is stored, and read as the same event."""
        cls = data.draw(st.sampled_from(list(self.classes.values())))
        fields = {field.name: data.draw(values(field.type)) for field in attrs.fields(cls)}
        event: Any = None
        try:
            event = cls(**fields)
        except InvalidEventError:
            assume(False)
        log = Log(MemoryBackend(), registry=self.registry)
        log.append("suite", [event], expected_version=ANY)

        assert [event] == [recorded.event for recorded in log.read("suite")]

    def test_no_field_is_lost_or_changed(self) -> None:
        """Names, types and defaults are as pinned, or a schema was raised that says how."""
        faults = list(shape_faults(self._pins(), self.classes, self.registry.codec))

        assert not faults, "\n".join([*faults, _RULES])

    def test_what_was_stored_says_what_it_said(self) -> None:
        """Every pinned example can be read; what meant the same in two schemas still does."""
        faults = list(reading_faults(self._pins(), self.registry.codec))

        assert not faults, "\n".join([*faults, _RULES])

    def test_its_format_is_pinned(self) -> None:
        """Each schema stands in the file before it is released; what breaks it is not written."""
        pins, codec = self._pins(), self.registry.codec
        if [*shape_faults(pins, self.classes, codec), *reading_faults(pins, codec)]:
            pytest.skip("what was stored would be broken; the other tests say how")
        new = unpinned(pins, self.classes, codec)
        told = ", ".join(f"{pin.name} schema {pin.shape.schema}" for pin in new)
        hint = self.write([*pins, *new]) if new else ""

        assert not new, f"{self.pin().name} lacks {told}. {hint}"

    def write(self, pins: list[Pin]) -> str:
        """Write the file anew, and say so."""
        self.pin().write_text(pins_text(pins), encoding="utf-8", newline="\n")
        return "It is written now: keep it with the code"
