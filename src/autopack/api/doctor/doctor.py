"""The doctor: looks at the installation and at a log, and says what to do."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from autopack.api.doctor.file_checks import file_checks
from autopack.api.doctor.installation_checks import (
    clock_check,
    dependency_check,
    plugin_checks,
    variable_checks,
    version_checks,
)
from autopack.api.doctor.log_checks import log_checks, refusal_check
from autopack.api.logs import open_log
from autopack.errors import AutopackError
from autopack.log.addresses import masked, path_of
from autopack.log.log import journal_of
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import Registry
from autopack.report.doctor_findings import Diagnosis, DoctorCheck


def diagnose(
    log_target: str | Path | None = None, *, full: bool = False, plugins: Registry | None = None
) -> Diagnosis:
    """
    Look at versions, plugins, variables and the clock, and at a log if one is named.

    Nothing is changed or created, and nothing that is found is raised.

    Args:
        log_target: A path, ``sqlite:///PATH``, or a plugin's URL; None looks at no log.
        full: Verify every event and the storage, instead of the last 1,000 events.
        plugins: Those that are loaded already; loaded now if not given.
    """
    registry = plugins or load_plugins()
    checks = [
        *version_checks(),
        dependency_check(),
        *plugin_checks(registry.infos),
        *variable_checks(os.environ, log_target),
    ]
    if log_target is None:
        checks.append(clock_check(datetime.fromtimestamp(time.time(), UTC)))
        return Diagnosis(checks=tuple(checks))
    log_id, found = None, []
    try:
        with open_log(log_target, plugins=registry) as log:
            log_id, found = journal_of(log).log_id, list(log_checks(log, is_full=full))
    except AutopackError as fault:
        found = [refusal_check(fault)]
    return Diagnosis(
        checks=(*checks, *found, *_of_file(log_target, is_log=log_id is not None)),
        target=masked(str(log_target)),
        log_id=log_id,
    )


def _of_file(target: str | Path, *, is_log: bool) -> Iterator[DoctorCheck]:
    """Yield the checks of the file, if the target names one that is a log."""
    path = path_of(target) if is_log else None
    if path is not None:
        yield from file_checks(path.absolute())
