"""Workers as jobs of a real Slurm of one node."""

import sys

import attrs
import pytest

import autopack
from autopack import create_run, scale
from autopack.errors import PluginError
from autopack.log.log import journal_of
from autopack.testing.launchers import LauncherContract, ordered
from autopack_slurm.jobs import SlurmLauncher
from drains import specs
from launched import EXECUTOR
from slurm_cluster import shared_cluster
from workers import rows_of, wait_for


@pytest.fixture
def cluster(monkeypatch):
    """A real Slurm, to which its commands speak."""
    cluster = shared_cluster()
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    return cluster


@pytest.mark.slow
class TestContract(LauncherContract):
    """It keeps the promises of every launcher."""

    patience_s = 60.0

    @pytest.fixture(autouse=True)
    def _slurm(self, cluster):
        yield
        wait_for(lambda: not cluster.command("squeue", "--noheader"))

    def make(self, folder):
        return SlurmLauncher()


@pytest.mark.slow
def test_a_job_is_given_what_its_phases_require(cluster, tmp_path):
    """GPUs, memory, words and a partition; what Slurm cannot give is said in its words."""
    launcher = SlurmLauncher(time="10:00", options=["--comment=ours"])
    offers = {"gpu": 1, "memory_gb": 0.1, "label": ["eu", "fast"], "partition": ["other"]}
    order = attrs.evolve(ordered("sleep", "60"), offers=offers)
    (job,) = launcher.start(order, 1)
    told = cluster.command("scontrol", "show", "job", job)
    launcher.stop([job])
    with pytest.raises(PluginError, match=r"sbatch says: .*feature"):
        launcher.start(attrs.evolve(order, offers={"label": ["moon"]}), 1)
    wait_for(lambda: not launcher.running(order.log_id))

    for part in (
        "Requeue=1", "TimeLimit=00:10:00", "Partition=other", "MinMemoryNode=103M",
        "Features=eu&fast", "Comment=ours", "TresPerNode=gres:gpu:1", f"JobName={order.name}",
    ):  # fmt: skip
        assert part in told


def test_more_than_an_array_may_have_are_several(cluster):
    """Slurm has a longest one, which this one says is of four."""
    order = ordered("sleep", "60")
    ids = SlurmLauncher(options=["--hold"]).start(order, 6)
    there = SlurmLauncher().running(order.log_id)
    SlurmLauncher().stop(ids)
    wait_for(lambda: not SlurmLauncher().running(order.log_id))

    assert sorted(ids) == sorted(one.id for one in there)
    assert ["1", "2", "3", "4", "1", "2"] == [one.partition("_")[2] for one in ids]


@pytest.mark.slow
class TestScaling:
    """``autopack scale`` by Slurm: a log's workers, and what becomes of one that is requeued."""

    @pytest.fixture
    def place(self, cluster, tmp_path, monkeypatch):
        """A folder with an executor that is told when to end, for jobs and for this process."""
        (tmp_path / "work.py").write_text(EXECUTOR, encoding="utf-8")
        monkeypatch.setenv("AUTOPACK_TEST_PLACE", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        return tmp_path

    @pytest.fixture
    def log(self, place):
        with autopack.create_log(place / "work.db") as log:
            yield log
            self.scaled(log, 0)
            wait_for(lambda: not self.there(log))

    def there(self, log):
        return SlurmLauncher().running(journal_of(log).log_id)

    def scaled(self, log, most):
        command = [
            sys.executable, "-m", "autopack", "--log", "work.db", "worker",
            "--executor", "work.py:execute", "--grace", "0.1",
        ]  # fmt: skip
        return scale(log, launcher="slurm", most=most, command=command, executor="work.py:execute")

    @pytest.mark.slow
    def test_a_job_that_is_requeued_loses_and_doubles_nothing(self, cluster, place, log):
        """Its phase is given back unspent, and done by the worker that the job begins again as."""
        create_run(log, "r", specs("a"))
        (job,) = self.scaled(log, 2).started
        wait_for((place / "began-a-1").exists)
        cluster.command("scontrol", "requeue", job)
        wait_for(lambda: "QUEUED" == rows_of(log)["a"].status)
        again = self.scaled(log, 2)
        wait_for(lambda: self.there(log)[0].is_waiting)
        why = self.there(log)[0].why
        cluster.command("scontrol", "update", f"jobid={job}", "starttime=now")  # or in two minutes
        (place / "go-a").touch()
        wait_for(lambda: "COMPLETE" == rows_of(log)["a"].status)
        row, usage = rows_of(log)["a"], autopack.status(log)
        ends = [r.type for r in log.read("phase-r/a") if r.type.startswith("phase.")]

        assert ((), 1, "BeginTime") == (again.started, again.there, why)
        assert (2, 1) == (row.attempts, row.attempts_spent)
        assert ["phase.released", "phase.completed"] == [
            one for one in ends if one in ("phase.released", "phase.reclaimed", "phase.completed")
        ]
        assert (2, 60) == (usage.calls, usage.total_tokens)

    @pytest.mark.slow
    def test_what_has_no_machine_is_said_in_slurms_words(self, cluster, place, log):
        """What waits for one, and what will never have one; the others begin."""
        held = SlurmLauncher().start(ordered("sleep", "60"), 2)
        create_run(log, "r", [*specs("a"), *specs("g", requires={"gpu": 7})])
        first = self.scaled(log, 4)
        wait_for(lambda: "Resources" in self.scaled(log, 4).stands)
        stands = self.scaled(log, 4).stands
        SlurmLauncher().stop(held)
        (place / "go-a").touch()
        wait_for(lambda: "COMPLETE" == rows_of(log)["a"].status)

        assert (1, 1) == (len(first.started), first.there)
        assert "slurm starts nobody with gpu 7: Plugin 'slurm': sbatch says:" in first.stands
        assert "slurm has not begun 1 of them yet (Resources)" in stands
