"""A program's start through the launcher: it is kept first, and nothing of it is changed."""

import asyncio
import errno
import os
import sys

import pytest

from autopack.draining.executors.processes import GroupProcess

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups as POSIX has them")

TELL = """\
import os, signal, sys
print(sorted(os.environ.items()), os.getpid(), signal.getsignal(signal.SIGPIPE), sys.argv[1:])
print(sorted(os.listdir("/dev/fd"))[:-1])
"""


async def run(argv, keeper, env=None):
    """Return how a program ended, its group, and what it printed."""
    out = bytearray()
    process = await GroupProcess.start(argv, stdout=out.extend, stderr=out.extend, env=env,
                                       keeper=keeper)  # fmt: skip

    async def look():
        return None

    try:
        return await process.wait(look), process.group, out.decode()
    finally:
        process.kill()


@pytest.fixture
def pipe():
    theirs, ours = os.pipe()
    yield theirs, ours
    os.close(theirs)
    os.close(ours)


def test_a_program_is_kept_before_it_begins(pipe):
    """When a program that ends at once has begun, its number is in the pipe already."""
    theirs, ours = pipe
    code, group, _out = asyncio.run(run(["/bin/sh", "-c", "exit 7"], ours))

    assert 7 == code
    assert f"{group}\n".encode() == os.read(theirs, 100)


@pytest.mark.parametrize("env", [{"a.b": "1", "PATH": os.defpath}, {"LC_CTYPE": "C", "LANG": "C"}])
def test_a_program_is_started_as_without_a_launcher(pipe, env):
    """Variables with odd names, signals, arguments, and no descriptor of ours."""
    argv = [sys.executable, "-I", "-S", "-c", TELL, "-x", "", "a b"]
    _code, group, kept = asyncio.run(run(argv, pipe[1], env))
    _code, other, plain = asyncio.run(run(argv, None, env))

    assert plain.replace(str(other), "N") == kept.replace(str(group), "N")
    assert "-x" in kept


@pytest.mark.parametrize("keeper", [True, False])
def test_why_a_program_could_not_begin_is_told(pipe, tmp_path, keeper):
    """By the system's own error, and with its name."""
    text = tmp_path / "text"
    text.write_text("no program")
    text.chmod(0o700)
    faults = []
    for name in (str(tmp_path / "nowhere"), str(tmp_path), str(text)):
        with pytest.raises(OSError, match=r"\[Errno") as caught:
            asyncio.run(run([name], pipe[1] if keeper else None))
        faults.append((caught.value.errno, caught.value.filename))

    assert [errno.ENOENT, errno.EACCES, errno.ENOEXEC] == [number for number, _ in faults]
    assert [str(tmp_path / "nowhere"), str(tmp_path), str(text)] == [name for _, name in faults]


def test_a_start_that_is_called_off_leaves_no_program(pipe, tmp_path):
    """Whenever the cancel comes."""

    async def called_off(after_s):
        task = asyncio.create_task(run(["/bin/sh", "-c", "sleep 60"], pipe[1]))
        await asyncio.sleep(after_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    before = len(os.listdir("/dev/fd"))
    asyncio.run(called_off(0.005))

    assert before == len(os.listdir("/dev/fd"))
