"""What every way of telling has in common: the hooks, tries and pauses, and a warning."""

import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import attrs
import structlog

from autopack import hookimpl
from autopack.errors import InvalidInputError
from autopack_notify.messages import Message, drain_message, gate_message, is_news

if TYPE_CHECKING:
    from autopack import DrainReport, Recorded

logger = structlog.get_logger("autopack_notify")


@attrs.frozen
class Fault:
    """Why a try failed, without anything secret, and whether another one may do better."""

    what: str
    may_pass: bool = True


@attrs.frozen(kw_only=True)
class Sender:
    """
    Tells somebody of a drain that has stopped, of what waits for a decision, and of reports.

    A try that fails is repeated after a pause that doubles, unless it can do no better. Whoever
    tells of a drain's end waits for all of it: at most ``(retries + 1) * timeout_s`` and the
    pauses. A gate is told by a thread of its own, so that no append waits.

    Args:
        timeout_s: For each try.
        retries: How many more tries a failed one gets.
        pause_s: Before the first of them.

    Raises:
        InvalidInputError: A time or a count that cannot be meant.
    """

    timeout_s: float = 5.0
    retries: int = 2
    pause_s: float = 1.0

    def __attrs_post_init__(self) -> None:
        """Refuse times and counts that cannot be meant."""
        for name in ("timeout_s", "pause_s"):
            value = getattr(self, name)
            if not 0 < value <= 3600:
                raise InvalidInputError(
                    f"{name} is {value}; it is above 0 and at most 3600 seconds."
                )
        if not 0 <= self.retries <= 20:
            raise InvalidInputError(f"retries is {self.retries}; it is 0 to 20.")

    @hookimpl
    def autopack_drain_stopped(self, report: "DrainReport") -> None:
        """Tell the report: a sender is a plugin, for ``load_plugins(extra=[sender])``."""
        self.send(report)

    @hookimpl
    def autopack_event_recorded(self, recorded: "Recorded[Any]") -> None:
        """Tell that a phase waits for a decision, as soon as it does; other events are not told."""
        if recorded.type == "phase.gated" and is_news(recorded, time.time()):
            self.tell_gate(recorded)

    def tell_gate(self, recorded: "Recorded[Any]") -> threading.Thread:
        """Tell a gate in the background; the process does not end before it is done."""
        post = threading.Thread(target=self.tell, args=(gate_message(recorded),))
        post.start()
        return post

    def send(self, report: "DrainReport") -> bool:
        """Tell a drain's report, and whether it arrived; what went wrong is logged."""
        return self.tell(drain_message(report))

    def tell(self, message: Message) -> bool:
        """Tell a message, and whether it arrived; what went wrong is logged."""
        fault, tries = Fault("not tried"), 0
        for tries in range(1, self.retries + 2):
            if tries > 1:
                time.sleep(self.pause_s * 2 ** (tries - 2))
            outcome = self._tried(message)
            if outcome is None:
                return True
            fault = outcome
            if not fault.may_pass:
                break
        logger.warning(
            f"the {self.kind} was not told", url=self.shown, tries=tries, fault=fault.what
        )
        return False

    @property
    @abstractmethod
    def kind(self) -> str:
        """What it is, in a word."""

    @property
    @abstractmethod
    def shown(self) -> str:
        """Where it leads, without anything secret."""

    @abstractmethod
    def _try(self, message: Message) -> Fault | None:
        """Tell once; return why it failed, or None."""

    def _tried(self, message: Message) -> Fault | None:
        """Tell once; a thread bounds the whole try, since a server may answer byte by byte."""
        outcomes: list[Fault | None] = []
        post = threading.Thread(target=lambda: outcomes.append(self._try(message)), daemon=True)
        post.start()
        post.join(self.timeout_s)
        return outcomes[0] if outcomes else self._no_answer()

    def _no_answer(self) -> Fault:
        return Fault(f"no answer within {self.timeout_s:g} s")
