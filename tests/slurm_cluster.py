"""A real Slurm of one node for tests: in a temporary folder, stopped at the end."""

import functools
import getpass
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from tests.shared_servers import remove_at_the_end

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
_PATIENCE_S = 60.0
_CONFIGURATION = """\
ClusterName=autopack
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
MpiDefault=none
ReturnToService=2
KillWait=2
MaxArraySize=5
GresTypes=gpu
DefMemPerNode=50
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=2000 Features=eu,fast Gres=gpu:1
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=other Nodes={host} MaxTime=INFINITE State=UP
"""


class SlurmCluster:
    """A controller and one node, which offer a GPU that is none, and the words eu and fast."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="autopack-slurm-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.conf = self.folder / "slurm.conf"
        controller, node = _free_ports(2)
        self.conf.write_text(
            _CONFIGURATION.format(
                host=platform.node().partition(".")[0],
                folder=self.folder,
                controller=controller,
                node=node,
                user=getpass.getuser(),
                cpus=os.cpu_count(),
            ),
            encoding="utf-8",
        )
        (self.folder / "gres.conf").write_text("Name=gpu Count=1 File=/dev/null\n")
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir()
        self._programs = [self._munge()]
        for name in ("slurmctld", "slurmd"):
            self._programs.append(self._begun(name, "-D", "-f", self.conf))
        self._wait_until_idle()

    def command(self, *command):
        """Return what a command of Slurm's prints."""
        environment = {**os.environ, "SLURM_CONF": str(self.conf)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        return done.stdout

    def remove(self):
        """End all of it, jobs first, and leave nothing behind."""
        self.command("scancel", f"--user={getpass.getuser()}")
        ends_s = time.monotonic() + _PATIENCE_S
        while self.command("squeue", "--noheader") and time.monotonic() < ends_s:
            time.sleep(0.05)
        for program in reversed(self._programs):
            program.terminate()
        for program in self._programs:
            try:
                program.wait(timeout=15)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _munge(self):
        """Begin the service by which the others know each other; it does not run as root."""
        place = self.folder / "munge"
        (place / "key").write_bytes(os.urandom(1024))
        (place / "key").chmod(0o400)
        user = {}
        if os.geteuid() == 0:
            for path in (place, place / "key"):
                shutil.chown(path, "munge", "munge")
            user = {"user": "munge", "group": "munge", "extra_groups": []}
        files = {"socket": "socket", "key-file": "key", "log-file": "log", "pid-file": "pid",
                 "seed-file": "seed"}  # fmt: skip
        options = [f"--{option}={place / name}" for option, name in files.items()]
        return self._begun("munged", "--foreground", *options, **user)

    def _begun(self, name, *options, **user):
        with (self.folder / f"{name}.txt").open("wb") as told:
            path = shutil.which(name, path=_PATH)
            return subprocess.Popen([path, *options], stdout=told, stderr=told, **user)

    def _wait_until_idle(self):
        ends_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                if self.command("sinfo", "--noheader", "--format=%t").split()[0] == "idle":
                    return
            except (subprocess.CalledProcessError, IndexError):
                pass
            if time.monotonic() > ends_s:
                told = [path.read_text(errors="replace") for path in self.folder.glob("*.txt")]
                pytest.fail("Slurm did not begin:\n" + "\n".join(told))
            time.sleep(0.05)


def _free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def need_slurm():
    """Skip a test, saying so, where there is no Slurm; never in CI, which installs one."""
    if missing := [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]:
        why = f"{', '.join(missing)}: not installed here: apt-get install slurm-wlm munge"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


@functools.cache
def _shared():
    cluster = SlurmCluster()
    remove_at_the_end(cluster.remove)
    return cluster


def shared_cluster():
    """Return this process's cluster; it is stopped with the tests, or else with the process."""
    need_slurm()
    return _shared()
