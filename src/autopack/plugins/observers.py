"""Plugins that are called by the way: nothing that they raise comes back to who was at work."""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, ClassVar, Final

from autopack.plugins.narrator import Narrator

_narrator: Final = Narrator("autopack.plugins.observers")


class ObserverFaults:
    """
    What observers raised.

    Attributes:
        counts: How often, by who it was and the kind of the error.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, fault: BaseException, *, observer: str, **words: Any) -> None:
        """Count an error, and log the first of its kind: there may be thousands."""
        kind = f"{observer}: {type(fault).__name__}"
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            _narrator.error("observer failed", observer=observer, **words, exc_info=fault)


class Observers(list[Callable[[Any], None]]):
    """
    Those who are told of what is done, in order; a list to add to and remove from.

    Attributes:
        faults: What they raised.
    """

    def __init__(self, observers: Iterable[Callable[[Any], None]] = ()) -> None:
        super().__init__(observers)
        self.faults = ObserverFaults()

    def tell(self, news: Iterable[Any]) -> None:
        """
        Call each observer with each piece of news, one by one; one with ``tell_all`` with all.

        Raises:
            KeyboardInterrupt: Somebody pressed Ctrl-C meanwhile.
        """
        if not self:
            return
        told = list(news)
        at_once = [observe for observe in self if hasattr(observe, "tell_all")]
        with Interrupts() as interrupts:
            for one in told:
                for observe in list(self):
                    if observe not in at_once:
                        self._tell(interrupts, observe, one)
            for observe in at_once:
                self._tell(interrupts, observe.tell_all, told)

    def _tell(self, interrupts: "Interrupts", observe: Any, news: Any) -> None:
        answer = _answer(interrupts, observe, news)
        if isinstance(answer, BaseException):
            name = getattr(observe, "__qualname__", type(observe).__name__)
            self.faults.add(answer, observer=name)


class Interrupts:
    """
    Takes note of a Ctrl-C while a plugin is called, and lets it do what it does.

    A plugin can raise ``KeyboardInterrupt`` by itself, and is then a plugin that failed. Within
    one that takes note, others only ask it: to set a handler for each call takes longer than most.
    """

    _noting: ClassVar["Interrupts | None"] = None

    def __init__(self) -> None:
        self.is_real = False
        self._before: Any = None
        self._thread = threading.get_ident()

    @classmethod
    def at_hand(cls) -> "Interrupts | None":
        """Return what takes note already; None in other threads, where no Ctrl-C arrives."""
        noting = cls._noting
        return noting if noting is not None and noting._thread == threading.get_ident() else None

    def __enter__(self) -> "Interrupts":
        # Python runs signal handlers in the main thread only; elsewhere no Ctrl-C arrives.
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._heard)
                Interrupts._noting = self
        return self

    def __exit__(self, *_fault: object) -> None:
        if Interrupts._noting is self:
            Interrupts._noting = None
        # A handler that the plugin has set meanwhile stays.
        if self._before is not None and signal.getsignal(signal.SIGINT) == self._heard:
            signal.signal(signal.SIGINT, self._before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.is_real = True
        self._before(number, frame)


def answer_of(call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """
    Return what a plugin answers, or the error that it raised, whatever that is.

    Raises:
        KeyboardInterrupt: Somebody pressed Ctrl-C meanwhile.
    """
    if noting := Interrupts.at_hand():
        return _answer(noting, call, *given, **named)
    with Interrupts() as interrupts:
        return _answer(interrupts, call, *given, **named)


def _answer(interrupts: Interrupts, call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    was_real, interrupts.is_real = interrupts.is_real, False
    try:
        return call(*given, **named)
    except KeyboardInterrupt as fault:
        if interrupts.is_real:
            raise
        return fault
    except BaseException as fault:
        return fault
    finally:
        interrupts.is_real = interrupts.is_real or was_real
