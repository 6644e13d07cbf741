"""Repositories of every sort: each works, or is refused with what to do."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from tests.repositories import branches, commit, files_at, git, new_repository, trees, write

import autopack
from autopack import Completed, PhaseRef, PhaseSpec
from autopack.errors import InvalidInputError
from autopack.events import RunPrepared
from autopack_git import Worktrees
from autopack_git.names import safe


def writes(phase, attempt):
    write(attempt.workspace, {"new.txt": "done\n"})
    return Completed()


def drained(log, repository, work=writes, run="r", phase="one", **options):
    autopack.create_run(log, run, [PhaseSpec(phase)])
    autopack.drain(log, executor=work, workspace=Worktrees(repository=repository, **options))
    return autopack.get_phase(log, PhaseRef(run, phase))


def refused(log, repository, **options):
    """Return why a drain is refused; nothing is written by then."""
    autopack.create_run(log, "r", [PhaseSpec("one")])
    before = log.head()
    keeper = Worktrees(repository=repository, **options)
    with pytest.raises(InvalidInputError) as fault:
        autopack.drain(log, executor=writes, workspace=keeper)
    assert before == log.head()
    return str(fault.value)


def test_a_folder_in_no_repository_is_refused(log, tmp_path):
    """With how to begin one."""
    (tmp_path / "plain").mkdir()
    told = refused(log, tmp_path / "plain")

    assert f"{tmp_path / 'plain'} is in no git repository" in told
    assert "git init" in told
    assert "repository=FOLDER" in told


def test_a_folder_that_is_not_there_is_refused(log, tmp_path):
    """By its name."""
    assert f"There is no folder {tmp_path / 'gone'}" in refused(log, tmp_path / "gone")


def test_a_repository_without_a_commit_is_refused(log, tmp_path):
    """With how to make the first one."""
    folder = tmp_path / "empty"
    folder.mkdir()
    git(folder, "init", "--quiet")

    assert "git commit --allow-empty" in refused(log, folder)


def test_without_git_it_is_refused(log, repository, monkeypatch, tmp_path):
    """With what is needed."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "needs git, 2.38 or newer, and it cannot be started" in refused(log, repository)


def test_a_git_that_is_too_old_is_refused(log, repository, monkeypatch, tmp_path):
    """By its version."""
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.30.2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}{os.environ['PATH']}")

    assert "needs git 2.38 or newer; this is 'git version 2.30.2'" in refused(log, repository)


def test_a_detached_head_works_with_a_branch_of_its_own(log, repository):
    """And is told that others need a name."""
    git(repository, "checkout", "--quiet", "--detach")

    assert "COMPLETE" == drained(log, repository).status
    assert "new.txt" in files_at(repository, "autopack/r")


@pytest.mark.parametrize("integrate", ["fast-forward", "rebase", "ask"])
def test_a_detached_head_has_no_branch_to_merge_into(log, repository, integrate):
    """So it is refused, unless one is named."""
    git(repository, "checkout", "--quiet", "--detach")

    assert "has a detached HEAD" in refused(log, repository, integrate=integrate)


def test_another_branch_can_be_named(log, repository):
    """Whatever is checked out."""
    git(repository, "checkout", "--quiet", "--detach")
    drained(log, repository, integrate="rebase", target="main")

    assert "new.txt" in files_at(repository, "main")
    assert not (repository / "new.txt").exists()


def test_a_dirty_checkout_is_left_as_it_is(log, repository):
    """Its files are recorded, and are in no worktree."""
    write(repository, {"a.txt": "mine\n", "untracked.txt": "mine\n"})
    seen = []

    def work(phase, attempt):
        seen.append(sorted(one.name for one in attempt.workspace.iterdir()))
        return writes(phase, attempt)

    drained(log, repository, work)
    (event,) = [recorded.event for recorded in log.read_all(types=[RunPrepared])]

    assert [[".git", "a.txt"]] == seen
    assert "2" == event.environment["dirty_files"]
    assert " M a.txt\n?? untracked.txt" == log.artifacts.get(event.artifacts["dirty-files"])
    assert "2 files of the checkout that are not committed are not in them" in event.summary
    assert "mine\n" == (repository / "a.txt").read_text(encoding="utf-8")


def test_what_a_run_starts_from_is_recorded(log, repository):
    """Commit, branch, and where its work goes."""
    drained(log, repository)
    (event,) = [recorded.event for recorded in log.read_all(types=[RunPrepared])]

    assert git(repository, "rev-parse", "main") == event.commit
    assert {"branch": "main", "target": "autopack/r", "integrate": "branch"}.items() <= dict(
        event.environment
    ).items()


def test_a_folder_within_the_repository_will_do(log, repository):
    """All of the repository is in the worktree."""
    (repository / "sub").mkdir()

    assert "COMPLETE" == drained(log, repository / "sub").status
    assert ["a.txt", "new.txt"] == list(files_at(repository, "autopack/r"))


def test_a_bare_repository_works(log, repository, tmp_path):
    """Its worktrees are beside it."""
    bare = tmp_path / "bare repo.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), str(bare))

    assert "COMPLETE" == drained(log, bare).status
    assert "new.txt" in files_at(bare, "autopack/r")
    assert not (tmp_path / "bare repo.git.trees").exists()


def test_a_shallow_clone_works(log, repository, tmp_path):
    """As far as its history goes."""
    commit(repository, {"b.txt": "b\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")

    assert "COMPLETE" == drained(log, tmp_path / "shallow").status
    assert "2" == git(tmp_path / "shallow", "rev-list", "--count", "autopack/r")


def test_a_worktree_of_the_users_own_works(log, repository, tmp_path):
    """What is checked out there is what the run starts from."""
    git(repository, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    drained(log, tmp_path / "side", integrate="rebase")

    assert "new.txt" in files_at(repository, "side")
    assert "new.txt" not in files_at(repository, "main")
    assert [str(tmp_path / "side")] == trees(repository)


def test_names_with_spaces_and_of_any_script_work(log, tmp_path):
    """Of folders, runs, phases and files; two names never become one branch."""
    repository = new_repository(tmp_path / "a räpo with 'quotes'", {"a file.txt": "x\n"})

    def work(_phase, attempt):
        write(attempt.workspace, {"ünï cödé\nname.txt": "done\n"})

    for run, phase in (("näch t", "p/ä 1"), ("näch-t", "..p.lock")):
        assert "COMPLETE" == drained(log, repository, work, run=run, phase=phase).status
    own = [name for name in branches(repository) if name != "main"]

    assert 2 == len(own)
    assert all(name.startswith("autopack/n") for name in own)


@pytest.mark.parametrize(
    "name",
    ["nightly", "v1.2", "A_b-c", "a b", "ä", "..", "a..b", "x.lock", "-x", "a" * 200, "@{", "~"],
)
def test_a_safe_name_can_be_a_branch(name, repository):
    """Git takes it, and what was safe stays as it is."""
    git(repository, "check-ref-format", f"refs/heads/autopack/{safe(name)}")

    assert (safe(name) == name) == (name in ("nightly", "v1.2", "A_b-c"))
    assert len(safe(name)) <= 60


def test_a_branch_of_that_name_of_somebody_elses_is_left_alone(log, repository):
    """The run gets another one."""
    git(repository, "branch", "autopack/r")
    drained(log, repository)

    assert ["autopack/r", "autopack/r-2", "main"] == branches(repository)
    assert git(repository, "rev-parse", "main") == git(repository, "rev-parse", "autopack/r")


class TestSubmodules:
    """Repositories within."""

    @pytest.fixture
    def outer(self, repository, tmp_path):
        inner = new_repository(tmp_path / "inner", {"lib.txt": "lib\n"})
        git(repository, "submodule", "add", "--quiet", str(inner), "lib")
        git(repository, "commit", "--quiet", "-m", "Add lib")
        return repository

    def test_they_need_a_word(self, log, outer):
        """Which of the two is meant."""
        told = refused(log, outer)

        assert "has submodules (lib)" in told
        assert "submodules=init" in told
        assert "submodules=empty" in told

    @pytest.mark.parametrize(("word", "is_there"), [("init", True), ("empty", False)])
    def test_either_works(self, log, outer, word, is_there):
        """They are checked out, or their folders are empty; the commit is the same."""
        seen = []

        def work(phase, attempt):
            seen.append((attempt.workspace / "lib" / "lib.txt").exists())
            return writes(phase, attempt)

        row = drained(log, outer, work, submodules=word)

        assert ("COMPLETE", [is_there]) == (row.status, seen)
        assert [] == trees(outer)
        assert git(outer, "rev-parse", "main:lib") == git(outer, "rev-parse", "autopack/r:lib")

    @pytest.mark.parametrize("is_committed", [False, True])
    def test_one_that_was_changed_goes_to_a_person(self, log, outer, is_committed):
        """Its work would be lost with the worktree, which therefore stays."""

        def work(phase, attempt):
            write(attempt.workspace, {"lib/lib.txt": "changed\n"})
            if is_committed:
                git(attempt.workspace / "lib", "commit", "--quiet", "-am", "Change")
            return writes(phase, attempt)

        row = drained(log, outer, work, submodules="init")
        autopack.sweep_workspaces(log, Worktrees(repository=outer, keep_failed_s=0))
        (kept,) = trees(outer)

        assert "GATED" == row.status
        assert "the submodule lib" in row.reason
        assert "changed\n" == Path(kept, "lib", "lib.txt").read_text(encoding="utf-8")


class TestFilters:
    """Files that git keeps otherwise, as git-lfs does."""

    def test_what_is_kept_by_lfs_needs_it(self, log, repository):
        """Else pointers would be taken for files."""
        commit(repository, {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"})

        assert "git lfs install" in refused(log, repository)

    def test_a_filter_of_the_users_is_asked(self, log, repository, tmp_path):
        """On the way in, and on the way out."""
        upper, lower = (
            f"{sys.executable} -c 'import sys; sys.stdout.write(sys.stdin.read().{way}())'"
            for way in ("upper", "lower")
        )
        git(repository, "config", "filter.lfs.clean", upper)
        git(repository, "config", "filter.lfs.smudge", lower)
        commit(repository, {".gitattributes": "*.bin filter=lfs -text\n", "a.bin": "abc\n"})
        seen = []

        def work(_phase, attempt):
            seen.append((attempt.workspace / "a.bin").read_text(encoding="utf-8"))
            write(attempt.workspace, {"b.bin": "new\n"})

        drained(log, repository, work)

        assert ["abc\n"] == seen
        assert "NEW" == files_at(repository, "autopack/r")["b.bin"]


def test_a_repository_that_is_gone_loses_nothing_of_the_log(log, repository):
    """The next run is refused, and the log reads on."""
    drained(log, repository)
    shutil.rmtree(repository)
    autopack.create_run(log, "again", [PhaseSpec("one")])
    with pytest.raises(InvalidInputError, match="There is no folder"):
        autopack.drain(log, executor=writes, workspace=Worktrees(repository=repository))

    assert 1 == len(autopack.list_workspaces(log))


def test_what_a_hook_says_of_a_repository_is_not_meant(log, repository, tmp_path, monkeypatch):
    """A drain may be begun from a hook of another repository."""
    other = new_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    drained(log, repository)
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")

    assert "new.txt" in files_at(repository, "autopack/r")
    assert ["main"] == branches(other)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"integrate": "merge"}, "integrate is 'merge'; it must be one of"),
        ({"on_conflict": "force"}, "on_conflict is 'force'"),
        ({"keep_failed_s": -1}, "keep_failed_s is -1; give seconds"),
        ({"keep_failed_s": "3d"}, "keep_failed_s is '3d'"),
        ({"submodules": True}, "submodules is True"),
        ({"branch": "x"}, "has no option branch"),
    ],
)
def test_an_option_that_cannot_be_so_is_refused(log, repository, options, told):
    """By its name and value."""
    autopack.create_run(log, "r", [PhaseSpec("one")])
    with pytest.raises(InvalidInputError, match="worktree") as fault:
        autopack.drain(log, executor=writes, workspace={"name": "worktree", **options})

    assert told in str(fault.value)
