"""Which functions of a plugin can be called as hooks."""

import inspect

import pluggy

_NEVER_RUN = "so it would be called and never run. Make it a plain function that returns its answer"


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
