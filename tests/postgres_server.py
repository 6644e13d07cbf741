"""A PostgreSQL server for tests: a fresh cluster in a temporary folder, stopped at the end."""

import contextlib
import functools
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from tests.shared_servers import remove_at_the_end

from autopack_postgres.database_address import parsed
from autopack_postgres.log_schemas import create_schema
from autopack_postgres.store import PostgresBackend

_USERS = ("postgres", "nobody")
_numbers = itertools.count(1)


def _binaries():
    """Return where PostgreSQL's programs are; None where there are none."""
    found = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found is None and not places:
        return None
    return Path(found or places[-1]).resolve().parent


BINARIES = _binaries()


class PostgresServer:
    """
    A server of its own, reached by a socket in its folder.

    Without *is_synced* the disk is not waited for, which only a power cut would show. It begins
    empty, or goes on from a base backup of another one, as *settings* say. *environment* is what
    its processes are told beyond this one's.
    """

    def __init__(self, *, is_synced=False, settings="", backup=None, environment=None):
        self._environment = {**os.environ, **(environment or {})}
        self.folder = Path(tempfile.mkdtemp(prefix="autopack-pg-", dir="/tmp"))
        self._user = None
        if os.geteuid() == 0:  # it does not run as root
            self._user = next(name for name in _USERS if _is_known(name))
            shutil.chown(self.folder, self._user)
        data = self.folder / "data"
        if backup is None:
            self._run("initdb", "-D", data, "-A", "trust", "-U", "autopack", "-E", "UTF8",
                      "--locale=C", "--no-sync")  # fmt: skip
        else:
            self._run("/bin/cp", "-r", backup, data)
            self._run("/bin/touch", data / "recovery.signal")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(
                f"listen_addresses = ''\nunix_socket_directories = '{self.folder}'\n"
                f"max_connections = 200\nfsync = {'on' if is_synced else 'off'}\n"
                "checkpoint_timeout = 30min\nmax_wal_size = 4GB\nshared_buffers = 256MB\n"
                f"{settings}\n"
            )
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_fault):
        self.remove()

    def url(self, schema="autopack", user="autopack"):
        """Return the address of a log on it."""
        return f"postgresql:///postgres?host={self.folder}&user={user}&schema={schema}"

    def start(self):
        """Start it, and wait until it answers."""
        data, told = self.folder / "data", self.folder / "told.txt"
        self._run("pg_ctl", "-D", data, "-l", told, "-w", "-t", "60", "start",
                  env=self._environment)  # fmt: skip

    def stop(self, mode="fast"):
        """Stop it; ``immediate`` is as if it had crashed."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def told(self):
        """Return the lines that it has written into its own log."""
        return (self.folder / "told.txt").read_text(encoding="utf-8").splitlines()

    def back_up(self):
        """Make a base backup in its folder, and return where."""
        where = self.folder / "backup"
        self._run("pg_basebackup", "-D", where, "-h", self.folder, "-U", "autopack",
                  "-X", "none", "-c", "fast", "--no-sync")  # fmt: skip
        return where

    def remove(self):
        """Stop it, and leave nothing behind."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program, *arguments, env=None):
        subprocess.run(
            [BINARIES / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            user=self._user,
            group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
            extra_groups=None if self._user is None else [],
            cwd=self.folder,
            env=env,
        )


def _is_known(name):
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def need_postgres():
    """Skip a test, saying so, where there is no PostgreSQL; never in CI, which installs one."""
    if BINARIES is None:
        why = "PostgreSQL is not installed here: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


@functools.cache
def _shared():
    server = PostgresServer()
    remove_at_the_end(server.remove)
    return server


def shared_server():
    """Return this process's server; it is stopped with the tests, or else with the process."""
    need_postgres()
    return _shared()


def new_url():
    """Return an address on the shared server at which there is nothing yet."""
    return shared_server().url(f"log_{next(_numbers)}")


def new_log(**options):
    """Return an open, empty log on the shared server."""
    address = parsed(new_url())
    create_schema(address)
    return PostgresBackend(address, **options)


@contextlib.contextmanager
def opened_logs():
    """Make an empty log on the shared server, open it as often as asked, and close them all."""
    address = parsed(new_url())
    create_schema(address)
    with contextlib.ExitStack() as opened:

        def open_one():
            backend = PostgresBackend(address)
            opened.callback(backend.close)
            return backend

        yield open_one
