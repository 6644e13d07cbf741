"""
A plugin of somebody else, built, installed, used, updated, uninstalled, and installed again.

It brings an event with an upcaster, a projection with an SQL view, a strategy and a calibrator. A
log that it helped to write is whole without it, and right again with it.
"""

import json
import os
import sqlite3
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

UV = Path(sys.executable).with_name("uv")
PROJECT = """\
    [build-system]
    requires = ["hatchling>=1.25,<2"]
    build-backend = "hatchling.build"

    [project]
    name = "autopack-rounds"
    version = "{version}"
    requires-python = ">=3.11"
    dependencies = ["autopack>=0.1,<0.2"]

    [project.entry-points.autopack]
    rounds = "autopack_rounds"
"""
FIRST = '''\
    """Rounds: who walked them, and for how long, in minutes."""

    import attrs

    import autopack
    from autopack import Choose, Wait, hookimpl
    from autopack.events import PhaseCompleted
    from autopack.types import Prediction, Proposal


    @autopack.event("round.walked")
    class RoundWalked:
        run_id: str
        by: str
        took: int


    @attrs.frozen
    class Walked:
        rounds: int = 0
        took: int = 0


    class Rounds:
        """How many rounds each has walked, and how many phases were done."""

        name, version, types = "rounds", 1, (RoundWalked, PhaseCompleted)
        row_type, sql_view = Walked, True

        def key(self, recorded):
            return getattr(recorded.event, "by", "phases")

        def project(self, row, recorded):
            row = row or Walked()
            if isinstance(recorded.event, PhaseCompleted):
                return attrs.evolve(row, rounds=row.rounds + 1)
            return Walked(rounds=row.rounds + 1, took=row.took + recorded.event.took)


    def newest(view):
        if not view.ready:
            return Wait("none is ready", until=view.next_ready_at)
        return Choose(view.ready[-1].ref, "the newest")


    class Largest:
        name = "largest"

        def __init__(self, estimator="deliverables", estimator_version=""):
            self.estimator, self.version = estimator, estimator_version

        def initial(self):
            return ()

        def set_aside(self, state, sample):
            return "unmeasured" if sample.actual_output_tokens is None else None

        def update(self, state, sample):
            return (*state, sample.actual_output_tokens)

        def predict(self, state, features, tau):
            return Prediction(tokens=max(state, default=1234), tau=tau, basis="largest")

        def propose(self, state):
            return Proposal(
                calibrator=self.name,
                estimator=self.estimator,
                base_version=self.version,
                new_version=self.version,
                samples_used=len(state),
            )


    UPCASTERS = {}


    @hookimpl
    def autopack_register_events(register):
        register(RoundWalked, upcasters=UPCASTERS)


    @hookimpl
    def autopack_register_projections(register):
        register("rounds", Rounds())


    @hookimpl
    def autopack_register_strategies(register):
        register("newest", newest)


    @hookimpl
    def autopack_register_calibrators(register):
        register("largest", Largest)
'''
SECOND = (
    FIRST.replace("in minutes", "in seconds")
    .replace('event("round.walked")', 'event("round.walked", schema=2)')
    .replace("took: int", "took_s: float")
    .replace("took=row.took + recorded.event.took", "took_s=row.took_s + recorded.event.took_s")
    .replace('"rounds", 1, (', '"rounds", 2, (')
    .replace(
        "UPCASTERS = {}",
        'UPCASTERS = {1: lambda fields: {"took_s": 60.0 * fields.pop("took"), **fields}}',
    )
)
DRAIN = """
import sys
import autopack
from autopack import ANY, Completed, PhaseSpec
from autopack_rounds import RoundWalked

def work(phase, attempt):
    attempt.record_usage(call_id=phase.key, model="m", output_tokens=700)
    walked = RoundWalked(run_id="r", by="kim", **{sys.argv[2]: 2})
    log.append("rounds", [walked], expected_version=ANY)
    return Completed(summary=phase.phase_id)

with autopack.open_log("log.db") as log:
    autopack.create_run(log, sys.argv[1], [PhaseSpec("a"), PhaseSpec("b")])
    autopack.drain(log, executor=work, strategy="newest", calibrator="largest", tau=0.5)
    claims = [r.event for r in log.read_all() if r.type == "phase.claimed"]
    budgets = [r.event.budget_tokens for r in log.read_all() if r.type == "phase.estimated"]
    print([claim.phase_id for claim in claims], budgets[-1])
"""


class Venv:
    """A fresh environment whose only own package is the plugin; the rest is this project's."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, folder / "venv" / "bin" / "python"
        self.uv("venv", "-q", "--python", sys.executable, str(folder / "venv"))
        site = next((folder / "venv" / "lib").glob("python*")) / "site-packages"
        own = json.dumps(sysconfig.get_path("purelib"))
        (site / "project.pth").write_text(f"import site; site.addsitedir({own})\n")

    def uv(self, *words: str) -> None:
        """Run uv, by what its cache has."""
        self._run([str(UV), *words])

    def install(self, wheel: Path) -> None:
        """Install a wheel, in place of an older one."""
        options = ("-q", "--no-deps", "--offline", "--python", str(self.python))
        self.uv("pip", "install", *options, str(wheel))

    def uninstall(self) -> None:
        """Take the plugin away."""
        self.uv("pip", "uninstall", "-q", "--python", str(self.python), "autopack-rounds")

    def says(self, *words: str, code: int = 0) -> str:
        """Return what Python prints, with these arguments."""
        return self._run([str(self.python), *words], code)

    def autopack(self, *words: str, code: int = 0) -> str:
        """Return what a command prints about the log."""
        return self.says("-m", "autopack", "--log", "log.db", *words, code=code)

    def _run(self, command: list[str], code: int = 0) -> str:
        clean = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "AUTOPACK_LOG")}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=clean,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert code == done.returncode, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def in_sql(self) -> list[tuple[object, ...]]:
        """Return the rows of the plugin's view as any client sees them, without their positions."""
        with sqlite3.connect(self.folder / "log.db") as client:
            return [row[:3] for row in client.execute("SELECT * FROM v_rounds")]


def built(venv: Venv, version: str, source: str) -> Path:
    """Build the plugin and return its wheel."""
    place = venv.folder / version
    (place / "src" / "autopack_rounds").mkdir(parents=True)
    (place / "pyproject.toml").write_text(textwrap.dedent(PROJECT).format(version=version))
    (place / "src" / "autopack_rounds" / "__init__.py").write_text(textwrap.dedent(source))
    venv.uv("build", "-q", "--wheel", "--out-dir", str(venv.folder / "dist"), str(place))
    return venv.folder / "dist" / f"autopack_rounds-{version}-py3-none-any.whl"


@pytest.mark.slow
def test_a_log_outlives_a_plugin_that_helped_to_write_it(tmp_path):
    """Installed, updated, uninstalled and installed again: nothing is lost, and nothing guessed."""
    if not UV.exists():
        pytest.skip("needs uv beside this Python, to build and install the wheels")
    venv = Venv(tmp_path)
    first, second = built(venv, "0.1.0", FIRST), built(venv, "0.2.0", SECOND)
    (tmp_path / "drain.py").write_text(DRAIN, encoding="utf-8")

    venv.install(first)
    venv.autopack("log", "create", "log.db")
    assert "['b', 'a'] 700\n" == venv.says("drain.py", "r1", "took")
    assert [("kim", 2, 4), ("phases", 2, 0)] == venv.in_sql()

    venv.install(second)  # what is stored is in minutes still
    assert {"rounds": 2, "took_s": 240.0} == row_of(venv, "kim")
    assert venv.says("drain.py", "r2", "took_s").endswith("'b', 'a'] 700\n")
    assert [("kim", 4, 244.0), ("phases", 4, 0.0)] == venv.in_sql()

    venv.uninstall()
    head = json.loads(venv.autopack("log", "info", "--json"))
    assert "clean" in venv.autopack("log", "verify", "--views")
    exported = [json.loads(line) for line in export(venv).splitlines()]
    assert 4 == sum(one["type"] == "round.walked" for one in exported)
    assert 4 == len(json.loads(venv.autopack("replay", "--projection", "phases", "--json"))["rows"])
    assert "round.walked" in venv.autopack("log", "tail", "--after", "0", "--json")
    venv.autopack("run", "create", "r3", "--phases", str(run_file(tmp_path)))
    venv.autopack("drain", "--executor", "recorded", "-x", "failure_share=0")
    venv.autopack("log", "verify", "--views")
    venv.autopack("drain", "--strategy", "newest", "--executor", "recorded", code=2)
    assert head["events"] < json.loads(venv.autopack("log", "info", "--json"))["events"]

    venv.install(second)  # what happened meanwhile is in its view at once, and in SQL with a drain
    assert {"rounds": 4, "took_s": 244.0} == row_of(venv, "kim")
    assert {"rounds": 5, "took_s": 0.0} == row_of(venv, "phases")
    assert "'b', 'a'] " in venv.says("drain.py", "r4", "took_s")
    assert [("kim", 6, 248.0), ("phases", 7, 0.0)] == venv.in_sql()
    venv.autopack("log", "verify", "--views")


def row_of(venv: Venv, key: str) -> dict[str, object]:
    """Return a row of the plugin's view as a command prints it."""
    row: dict[str, object] = json.loads(venv.autopack("view", "rounds", "--key", key, "--json"))
    return row


def export(venv: Venv) -> str:
    """Return the log as lines of JSON."""
    venv.autopack("export", "jsonl", "out.jsonl")
    return (venv.folder / "out.jsonl").read_text(encoding="utf-8")


def run_file(folder: Path) -> Path:
    """Return a file with one phase."""
    path = folder / "run.json"
    path.write_text('{"phases": [{"id": "a"}]}', encoding="utf-8")
    return path
