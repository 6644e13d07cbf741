"""
The hooks that plugins implement, typed and documented; no code.

Each is called in a thread of its own, under a deadline: 30 s, but ten minutes for a gate, or what
``@hookimpl(deadline_s=...)`` says. One that gives no answer in time has failed.

Registration hooks are handed a function ``register(name, object)`` and are called once, when a
name of their kind is first looked up; events are registered when the plugins are loaded. A name
that is taken already is refused, with both distributions named.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pluggy

from autopack.plugins.hook_functions import hookimpl as hookimpl

if TYPE_CHECKING:  # a plugin is loaded without them; they say what its functions are handed
    from autopack.draining.engine.drain_report import DrainReport
    from autopack.events import LlmUsageRecorded
    from autopack.log.log import Log
    from autopack.ports.attempt import Attempt
    from autopack.ports.log import Recorded
    from autopack.ports.work import Classed, Completed, Failed, PhaseView
    from autopack.prediction.calibration.price_table import Quote

hookspec = pluggy.HookspecMarker("autopack")
Register: TypeAlias = Callable[[str, Any], None]
"""``register(name, object)``."""

Fields: TypeAlias = dict[str, Any]
"""An event's fields by name, as JSON tells them."""


class RegisterEvent(Protocol):
    """``register(event_class, upcasters={schema: function})``."""

    def __call__(
        self, event_class: type, *, upcasters: Mapping[int, Callable[[Fields], Fields]] = ...
    ) -> None:
        """Make a class known; each upcaster turns one schema's fields into the next one's."""


@hookspec
def autopack_register_strategies(register: Register) -> None:
    """Register drain strategies: callables ``(DrainView) -> Choose | Retry | Wait | Stop``."""


@hookspec
def autopack_register_executors(register: Register) -> None:
    """Register executors: objects with ``execute(phase, attempt)``, or callables like it."""


@hookspec
def autopack_register_presets(register: Register) -> None:
    """
    Register presets of the executor ``command``: clients whose output a reader of yours knows.

    A class of objects with ``name``, ``command``, ``stdin`` and ``reader(lease_token, place)``,
    which returns a :class:`autopack.types.ProgramReader`.
    """


@hookspec
def autopack_register_estimators(register: Register) -> None:
    """Register estimators: objects with ``name``, ``base_version``, ``estimate()``."""


@hookspec
def autopack_register_calibrators(register: Register) -> None:
    """Register calibrator classes, made with the user's options as keyword arguments."""


@hookspec
def autopack_register_projections(register: Register) -> None:
    """
    Register projections, by their own names, for ``view``, ``replay`` and ``diff``.

    Like the library's own they are persisted at the end of a drain and by ``autopack views
    refresh``, so that a view folds only what is new; one that fails is named and left out.
    """


@hookspec
def autopack_register_events(register: RegisterEvent) -> None:
    """
    Register event classes and upcasters.

    Called with ``register(event_class, upcasters={schema: function})``: a function takes the
    stored fields of that schema and returns those of the next one.
    """


@hookspec
def autopack_register_importers(register: Register) -> None:
    """Register importers: objects with ``name``, ``recognises(path)``, ``read(path)``."""


@hookspec
def autopack_register_exporters(register: Register) -> None:
    """Register exporters: a ``name``, and ``lines(events)`` or ``write(source, file)``."""


@hookspec
def autopack_register_backends(register: Register) -> None:
    """
    Register storage backends by URL scheme.

    The object has ``create(target)`` and ``open(target, *, durability)``, both returning a
    ``Backend``; opening never creates, creating never opens.
    """


@hookspec
def autopack_register_workspaces(register: Register) -> None:
    """
    Register who keeps a folder for each attempt: objects, or classes made with a user's options.

    They have what :class:`autopack.types.Workspaces` says: ``prepare``, ``open``, ``settle`` and
    ``sweep``.
    """


@hookspec
def autopack_register_launchers(register: Register) -> None:
    """
    Register launchers: objects, or classes made with a user's options, that start workers.

    They have what :class:`autopack.types.Launcher` says: ``running``, ``start`` and ``stop``.
    """


@hookspec
def autopack_register_checks(register: Register) -> None:
    """
    Register checks: objects with ``check(work)``, callables like it, or classes of them.

    They are shown an :class:`autopack.types.CheckedWork` and answer ``True``, ``False``, a text
    that says what is wrong, or a :class:`autopack.types.CheckResult`. A class is made with the
    options that a check is named with.
    """


@hookspec
def autopack_register_prices(register: Register) -> None:
    """
    Register prices: objects with ``version`` and ``entries(model, provider)``, or tables.

    They are what ``--prices NAME`` means; see :class:`autopack.types.PriceSource`.
    """


@hookspec
def autopack_register_commands(register: Register) -> None:
    """Register click commands for the command line."""


@hookspec
def autopack_guard_drain(log: "Log", settings: dict[str, Any]) -> str | None:
    """
    Refuse a drain: return why, or None to let it go on.

    Called before the drain writes anything; one refusal is enough, and an error refuses too.
    """


@hookspec(firstresult=True)
def autopack_gate_phase(phase: "PhaseView", attempt: "Attempt", outcome: "Completed") -> str | None:
    """
    Send completed work to a person: return the question, or None to let it through.

    Called when an executor has completed a phase, before that is recorded; it has ten minutes. The
    first question wins, the built-in one (the phase's label
    ``gate``) comes last. The phase waits at its gate with the outputs, artifacts and summary of
    the work. An error, or an answer that is no question, sends it there too.
    """


@hookspec(firstresult=True)
def autopack_classify_failure(failure: "Failed", answered: bool) -> "str | Classed | None":
    """
    Say which class a failure is of; the first answer wins, the built-in one comes last.

    ``answered`` says whether calls of the attempt are recorded. Classes: rate_limited, usage_limit,
    overloaded, connection, timeout, truncated, boundary, refused, validation, check_failed, auth,
    quota, invalid_request, execution, unknown. An error, or another word, is logged and counts as
    no answer.
    """


@hookspec(firstresult=True)
def autopack_price_usage(
    usage: "LlmUsageRecorded", at: datetime
) -> "Quote | Decimal | float | None":
    """
    Return what a call that was made at a moment cost in USD, or None where no price is known.

    A float is taken as what it prints as; all are rounded half-even to the pico-dollar. A ``Quote``
    also says which table its price is from.
    """


@hookspec(firstresult=True)
def autopack_category_for(category: str) -> str | None:
    """
    Return the standard word under which a category's evidence is grouped, or None.

    Called when a phase's features are made, before each attempt; the first answer wins, the
    built-in vocabulary comes last. The word is recorded with the estimate, so that a replay does
    not ask again. An error is logged and counts as no answer.
    """


@hookspec
def autopack_redact(text: str) -> str:
    """
    Return *text* without what must not be stored.

    Called for every text but keys before it is stored; plugins are chained, each gets the text
    as the one before left it, and leaves alone what was redacted before. An error refuses the
    append: nothing unredacted is written.
    """
    raise NotImplementedError


@hookspec
def autopack_event_recorded(recorded: "Recorded[Any]", log: "Log") -> None:
    """Observe an event after its commit; an error is logged and counted, and breaks nothing."""


@hookspec
def autopack_drain_stopped(report: "DrainReport") -> None:
    """Observe the end of a drain, after its last event; an error breaks nothing."""


@hookspec(firstresult=True)
def autopack_send_report(address: str, title: str, text: str, page: str) -> bool | None:
    """
    Send a report to *address*: return whether it arrived, or None for an address of other kinds.

    Called by ``autopack report --notify`` and ``send_report`` with the report's title, and all of
    it as plain text and as HTML. The first answer wins. An address that cannot be used is refused
    by an ``InvalidInputError``, which does not show its secrets; any other error is a PluginError.
    """
