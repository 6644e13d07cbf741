"""A disk that takes longer to sync, for one server alone; and how long a disk takes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REST_US = 3_700
"""What each sync waits before it begins, so that some 260 a second are made."""

_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int rested(const char *name, int fd) {
    usleep(atoi(getenv("SYNC_REST_US")));
    return ((int (*)(int)) dlsym(RTLD_NEXT, name))(fd);
}

int fsync(int fd) { return rested("fsync", fd); }
int fdatasync(int fd) { return rested("fdatasync", fd); }
"""
# Blocks of a file that is there already, as those of the WAL are.
_MEASURED = """
import os, sys, time
from statistics import median
file, times = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR), []
os.pwrite(file, bytes(8192 * 16), 0)
os.fsync(file)
for turn in range(60):
    os.pwrite(file, os.urandom(8192), 8192 * (turn % 16))
    began = time.perf_counter()
    os.fdatasync(file)
    times.append(time.perf_counter() - began)
os.unlink(sys.argv[1])
print(median(times))
"""


def slow_disk(folder: Path) -> dict[str, str]:
    """Return the environment of a program whose disk is slow; needs a compiler of C, ``cc``."""
    source, library = folder / "slow_disk.c", folder / "slow_disk.so"
    source.write_text(_SOURCE, encoding="utf-8")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True, cwd=folder
    )
    return {"LD_PRELOAD": str(library), "SYNC_REST_US": str(REST_US)}


def sync_s(folder: Path, environment: Mapping[str, str]) -> float:
    """Return what a sync of 8 kB takes in a folder, in seconds: the median of 60."""
    called = [sys.executable, "-c", _MEASURED, folder / "synced"]
    said = subprocess.run(
        called, env={**os.environ, **environment}, check=True, capture_output=True, text=True
    )
    return float(said.stdout)
