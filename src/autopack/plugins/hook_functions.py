"""Which functions of a plugin can be called as hooks, and for how long each may take."""

import copy
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypedDict, TypeVar, Unpack, overload

import pluggy

from autopack.errors import InvalidInputError

F = TypeVar("F", bound=Callable[..., Any])
Kinds: TypeAlias = type | tuple[type, ...]
"""Of which types an answer may be, as ``isinstance`` takes them."""

DEADLINE_S: Final = 30.0
"""How long a hook may take, in seconds, where nothing else is said."""
_DEADLINES_S: Final = {"autopack_gate_phase": 600.0}
"""Where a model, or another program, may be asked about a whole piece of work."""
_VALUES: Final = frozenset({"settings", "phase", "outcome", "failure", "usage"})
"""Arguments that are frozen, and hold what is not: mappings and lists."""
_MARK: Final = pluggy.HookimplMarker("autopack")
_ATTRIBUTE: Final = "autopack_deadline_s"

_NEVER_RUN = "so it would be called and never run. Make it a plain function that returns its answer"


class HookOptions(TypedDict, total=False):
    """What pluggy takes: wrappers are refused when the plugin is loaded."""

    tryfirst: bool
    trylast: bool
    optionalhook: bool
    specname: str | None
    wrapper: bool
    hookwrapper: bool


def why_refused(implementation: pluggy.HookImpl, hook: str) -> str | None:
    """
    Say why a function cannot be a hook's, or return None.

    Hooks are called one by one and as they are, so that one that fails can be named and the rest
    are still asked; there is no call around which pluggy's wrappers could be put.
    """
    if implementation.wrapper or implementation.hookwrapper:
        mark = "wrapper" if implementation.wrapper else "hookwrapper"
        return (
            f"{hook} is a wrapper ({mark}=True), but hooks are called one by one here, and there "
            f"is nothing to wrap. Mark it with @hookimpl alone and return its own answer"
        )
    if inspect.iscoroutinefunction(implementation.function):
        return f"{hook} is an async function, {_NEVER_RUN}"
    if inspect.isgeneratorfunction(implementation.function) or inspect.isasyncgenfunction(
        implementation.function
    ):
        return f"{hook} is a generator, {_NEVER_RUN}"
    return None


@overload
def hookimpl(function: F, /, **options: Unpack[HookOptions]) -> F: ...


@overload
def hookimpl(
    function: None = None, /, *, deadline_s: float | None = None, **options: Unpack[HookOptions]
) -> Callable[[F], F]: ...


def hookimpl(
    function: F | None = None, /, *, deadline_s: float | None = None, **options: Unpack[HookOptions]
) -> F | Callable[[F], F]:
    """
    Mark a plugin's function as the implementation of the hook that has its name.

    Args:
        function: The function; without it a decorator is returned.
        deadline_s: For how long it may take, in seconds; None leaves it to the hook.
        options: pluggy's: ``tryfirst``, ``trylast``, ``specname``, ``optionalhook``.

    Raises:
        InvalidInputError: The deadline is no time in seconds.
    """
    if deadline_s is not None and not (_is_number(deadline_s) and deadline_s > 0):
        raise InvalidInputError(
            f"A hook's deadline is a time in seconds, over 0, not {deadline_s!r}.",
            name="deadline_s",
            value=deadline_s,
        )

    def marked(function: F) -> F:
        if deadline_s is not None:
            setattr(function, _ATTRIBUTE, float(deadline_s))
        return _MARK(function, **options)

    return marked if function is None else marked(function)


def deadline_of(hook: str, implementation: pluggy.HookImpl) -> float:
    """Return for how long a hook may take, in seconds: as its function says, or as is usual."""
    own: float = getattr(implementation.function, _ATTRIBUTE, _DEADLINES_S.get(hook, DEADLINE_S))
    return own


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def own_copy(name: str, value: Any) -> Any:
    """Return a hook's argument as one plugin is handed it: of values, with its own containers."""
    if name not in _VALUES:
        return value
    try:
        return copy.deepcopy(value)
    except Exception:  # of what an executor put there
        return value


def misfit(answer: object, of: Kinds) -> str | None:
    """Say why an answer is not of the types that a hook asks for, or None; nothing of it is run."""
    if not isinstance(answer, of):
        kinds = of if isinstance(of, tuple) else (of,)
        wanted = " or ".join(kind.__name__ for kind in kinds)
        return f"it answered {type(answer).__name__}, not {wanted}"
    if isinstance(answer, str):
        try:
            answer.encode()
        except UnicodeEncodeError:
            return "it answered a text that cannot be stored: half of a character is in it"
    return None
