"""Commands that are refused; nothing was changed."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from shlex import quote

from autopack.errors.base import AutopackError
from autopack.errors.exact_figures import figure
from autopack.errors.nearest import did_you_mean, listed


class CommandRefusedError(AutopackError):
    """A command was refused; nothing was changed."""


class RunExistsError(CommandRefusedError):
    """A run of that id exists."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Run {run_id!r} exists already and was left as it is. Choose another id, "
            "or add phases to it with",
            do="queue_phases().",
            typed=f"`autopack phase add {quote(run_id)} --file FILE`.",
        )
        self.run_id = run_id


class RunMissingError(CommandRefusedError):
    """There is no run of that id, or there was none yet at the position that was asked for."""

    def __init__(
        self, run_id: str, *, known: Iterable[str] | None = None, at: int | None = None
    ) -> None:
        hint = " List those that are there with: autopack run list"
        if known is not None:
            names = list(known)
            runs = f"Runs here: {listed(names)}." if names else "It holds no runs yet."
            hint = f"{did_you_mean(run_id, names)} {runs}"
        if known is not None and run_id in names:
            hint = " It was never created, and has no phases: only other events name it."
        said = f"There is no run {run_id!r} in this log.{hint}"
        if at is not None:
            said = (
                f"There was no run {run_id!r} yet at position {at}: name a later moment. "
                f"See when it began with: autopack history {quote(run_id)}"
            )
        super().__init__(said)
        self.run_id = run_id


class RunPausedError(CommandRefusedError):
    """The run is paused, so none of its phases can be claimed."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Run {run_id!r} is paused. Go on with:",
            do=f"resume_run(log, {run_id!r}, why=...)",
            typed=f"autopack run resume {quote(run_id)}",
        )
        self.run_id = run_id


class PhaseExistsError(CommandRefusedError):
    """The run has a phase of that id."""

    def __init__(self, ref: object) -> None:
        super().__init__(f"Phase {ref} was queued before; nothing was added. Use another id.")
        self.ref = ref


class PhaseMissingError(CommandRefusedError):
    """The run has no phase of that id."""

    def __init__(self, ref: object, *, known: Iterable[str] = ()) -> None:
        names = list(known)
        meant = did_you_mean(str(ref).partition("/")[2], names)
        there = f" Phases there: {listed(names)}." if names else ""
        super().__init__(f"There is no phase {ref} in this log.{meant}{there}")
        self.ref = ref


class MoveRefusedError(CommandRefusedError):
    """A phase cannot go from its state to another one."""

    def __init__(
        self, ref: object, *, state: str, to: str, what: str, do: str = "", typed: str = ""
    ) -> None:
        stands = f"is {state} already" if state == to else f"is {state}: it cannot become {to}"
        super().__init__(
            f"Phase {ref} {stands} ({what}). See why with:",
            do=f"history(log, run, phase). {do}" if do else "history(log, run, phase)",
            typed=". ".join(filter(None, (f"autopack history {quote(str(ref))}", typed or do))),
        )
        self.ref, self.state, self.to, self.what = ref, state, to, what


class NothingToJudgeError(CommandRefusedError):
    """There is no work to judge: the attempt is not made, or not ended."""

    def __init__(self, ref: object, *, attempt: int | None, ended: int) -> None:
        known = f"its attempts that have ended: {ended}" if ended else "no attempt of it has ended"
        which = "" if attempt is None else f" of attempt {attempt}"
        super().__init__(f"Phase {ref} has no work{which} to judge ({known}).")
        self.ref, self.attempt, self.ended = ref, attempt, ended


class AttemptsSpentError(CommandRefusedError):
    """A phase has no attempt left."""

    def __init__(self, ref: object, *, spent: int, max_attempts: int) -> None:
        super().__init__(
            f"Phase {ref} has spent {spent} of {max_attempts} attempts. Find the cause, then "
            "give it new ones with:",
            do="requeue(log, ref, why=...)",
            typed=f"autopack phase requeue {quote(str(ref))}",
        )
        self.ref, self.spent, self.max_attempts = ref, spent, max_attempts


class LeaseLostError(CommandRefusedError):
    """The phase is no longer this worker's: its lease ended and it was taken back."""

    def __init__(self, ref: object, *, token: str, state: str, holder: str | None) -> None:
        super().__init__(
            f"Phase {ref} is no longer held with lease {token}: it is {state}"
            + (f", held by {holder}" if holder else "")
            + ". What was recorded is kept as late; stop working on it."
        )
        self.ref, self.token, self.state, self.holder = ref, token, state, holder


class CapReachedError(CommandRefusedError):
    """A cap is used up."""

    def __init__(
        self, scope: str, *, unit: str, used: float | Decimal, cap: float | Decimal
    ) -> None:
        super().__init__(
            f"The cap of {scope} is reached: {figure(used)} of {figure(cap)} {unit} are used, "
            f"{figure(Decimal(str(used)) - Decimal(str(cap)))} above it. "
            "The call is recorded; make no further one, or raise the cap."
        )
        self.scope, self.unit, self.used, self.cap = scope, unit, used, cap


class CapFullError(CommandRefusedError):
    """What a claim would set aside does not fit under a cap; nothing was claimed."""

    def __init__(
        self,
        scope: str,
        *,
        unit: str,
        spent: float | Decimal,
        reserved: float | Decimal,
        wanted: float | Decimal,
        cap: float | Decimal,
    ) -> None:
        named = "USD" if unit == "usd" else unit
        used = f"{figure(spent)} are used" + (
            f" and {figure(reserved)} set aside" if reserved else ""
        )
        wants = f", so that a claim of {figure(wanted)} does not fit" if wanted else ""
        called, typed = _raised(scope, unit)
        super().__init__(
            f"The cap of {scope} is {figure(cap)} {named}: {used}{wants}. "
            "Let work in flight end, or raise the cap:",
            do=called,
            typed=typed,
        )
        self.scope, self.unit, self.spent, self.reserved = scope, unit, spent, reserved
        self.wanted, self.cap = wanted, cap


def _raised(scope: str, unit: str) -> tuple[str, str]:
    """Return how a cap is raised: in Python, and on the command line."""
    kind, _, name = scope.partition("-")
    if kind == "run":
        called = f"set_caps(log, {name!r}, {{{unit!r}: ...}}, why=...)"
        return called, f"autopack run cap {quote(name)} {unit}=... --why ..."
    each = "" if kind == "drain" else f" per {kind}"
    named = f"max {unit}{each}"
    return named.replace(" ", "_"), "--" + named.replace(" ", "-")


class PriceUnknownError(CommandRefusedError):
    """There is a cap in USD, and nobody knows what an attempt may cost."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"{scope} has a cap in USD, but no price is known for the phase's model, so that the "
            "cap could not be kept. Give prices (and the model, where none is named), say what a "
            "call counts as whose price nobody "
            "tells, or insist on a cap that counts reported costs alone:",
            do="prices=read_prices(path), assume_usd_per_call=..., or allow_unknown_price=True.",
            typed="--prices FILE, --assume-usd-per-call USD, or --allow-unknown-price.",
        )
        self.scope = scope


class LaneRestingError(CommandRefusedError):
    """Nobody is sent to an account, or to a model of it, for now; nothing was claimed."""

    def __init__(self, account: str, model: str | None, *, cause: str, until: datetime) -> None:
        whose = account if model is None else f"{account} for {model}"
        super().__init__(
            f"Account {whose} rests until {until.isoformat(timespec='seconds')} ({cause}), or is "
            "being tried by another attempt. Wait for it; a drain does."
        )
        self.account, self.model, self.cause, self.until = account, model, cause, until


class EmptyLogError(CommandRefusedError):
    """The log holds no runs and no phases, which for a drain is suspicious."""

    def __init__(self, target: str, *, events: int) -> None:
        super().__init__(
            f"{target} holds no runs and no phases ({events} events), so there is nothing to "
            "drain. Is it the right log? Insist with",
            do="allow_empty=True.",
            typed="--allow-empty.",
        )
        self.target, self.events = target, events


class NothingReadyError(CommandRefusedError):
    """A probe found no phase to try."""

    def __init__(self, reason: str, detail: str | None) -> None:
        super().__init__(
            f"No phase can be tried ({reason}{': ' + detail if detail else ''}). "
            "Nothing was written. See what is queued, and why it waits, with:",
            do="status(log)",
            typed="autopack status",
        )
        self.reason, self.detail = reason, detail


class DrainUsedError(CommandRefusedError):
    """A drain was to be run a second time."""

    def __init__(self, drain_id: str) -> None:
        super().__init__(
            f"Drain {drain_id} has been run: a drain is run once. To go on with it make "
            f"Drain(log, resumes={drain_id!r}), or another one for new work."
        )
        self.drain_id = drain_id


class DrainRefusedError(CommandRefusedError):
    """A plugin's guard refused the drain."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(f"Plugin {plugin!r} refused the drain: {reason}")
        self.plugin, self.reason = plugin, reason
