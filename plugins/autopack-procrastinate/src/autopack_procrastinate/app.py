"""An app with Autopack's task alone, for ``procrastinate --app autopack_procrastinate.app.app``."""

import os
from typing import Final

from procrastinate import App, PsycopgConnector

from autopack_procrastinate.tasks import NAMESPACE, blueprint

VARIABLE: Final = "AUTOPACK_PROCRASTINATE"
"""The database, as libpq has it; without it, what PGHOST and its like say."""


def database_of(conninfo: str | None) -> str:
    """Return the database that is meant, as libpq has it."""
    return os.environ.get(VARIABLE, "") if conninfo is None else conninfo


def app_at(conninfo: str | None = None) -> App:
    """Return an app at a database; not yet open."""
    made = App(connector=PsycopgConnector(conninfo=database_of(conninfo)))
    made.add_tasks_from(blueprint(), namespace=NAMESPACE)
    return made


app = app_at()
