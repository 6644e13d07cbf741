"""What a command says beside its result: structured logging, to stderr only."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # which takes a module for resources along
    from importlib.abc import Loader

_QUIET: Final = 40
_LEVELS: Final = (30, 20, 10)
"""WARNING, INFO and DEBUG, as ``logging`` has them, which is not needed for anything else."""


def configure_logging(verbose: int) -> None:
    """
    Send structlog's lines to stderr: warnings, with ``-v`` information, with ``-vv`` all.

    Below 0 there are errors alone.

    Importing structlog takes longer than most commands, which have nothing to log: unless it is
    loaded, it is configured at the moment when somebody imports it.
    """
    if "structlog" in sys.modules:
        _configure(verbose)
    elif not any(isinstance(finder, _WhenImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenImported(verbose))


def _configure(verbose: int) -> None:
    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _on_one_line,
            _Visible(
                structlog.dev.ConsoleRenderer(
                    colors=False, exception_formatter=structlog.dev.plain_traceback
                )
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            _QUIET if verbose < 0 else _LEVELS[min(verbose, len(_LEVELS) - 1)]
        ),
        logger_factory=_stderr_logger,
        cache_logger_on_first_use=False,
    )


def _on_one_line(_logger: Any, _method: str, told: Any) -> Any:
    """Return what is to be logged with each value on one line: none can pass for a line of ours."""
    from autopack.report.escaping import on_line

    return {name: on_line(v) if isinstance(v, str) else v for name, v in told.items()}


class _Visible:
    """Renders as another renderer does, with control characters shown as escapes."""

    def __init__(self, render: Any) -> None:
        self._render = render

    def __call__(self, *given: Any) -> str:
        from autopack.report.escaping import visible

        return visible(self._render(*given))


def _stderr_logger(*_arguments: Any) -> Any:
    import structlog

    return structlog.PrintLogger(sys.stderr)  # asked for late: a test may have replaced it


class _WhenImported:
    """Finds structlog as ever, once, and has it configured as soon as it is loaded."""

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "structlog":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            configuring: Any = _Configuring(spec.loader, self.verbose)
            spec.loader = configuring
        return spec


class _Configuring:
    def __init__(self, loader: "Loader", verbose: int) -> None:
        self._loader, self._verbose = loader, verbose

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _configure(self._verbose)
