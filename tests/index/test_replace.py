from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from odqa.index import replace
from odqa.index.replace import building, put_back

# Builds a new folder in the place of an old one, once for each step of the way, and each time dies at that step as
# by `kill -9`: at the n-th time that Python tells its audit hooks of a call into the system.
WALK = """
import os, pathlib, signal, sys
from odqa.index import replace

place, exchange = pathlib.Path(sys.argv[1]), sys.argv[2] == "True"
if not exchange:
    replace._exchange = lambda one, other: False

def build(content):
    with replace.building(place) as new:
        for name in ("vectors", "passages", "manifest"):
            (new / name).write_text(content)

def die_at(step):
    left = step
    def hook(event, arguments):
        nonlocal left
        if event.partition(".")[0] in ("os", "open", "shutil", "ctypes", "fcntl"):
            left -= 1
            if left == -1:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

build("old")
for step in range(1000):
    child = os.fork()
    if child == 0:
        die_at(step)
        build("new")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    replace.put_back(place)
    found = {path.name: path.read_text() for path in place.iterdir()}
    assert sorted(found) == ["manifest", "passages", "vectors"], (step, found)
    assert len(set(found.values())) == 1, (step, found)
    if status == 0:
        assert set(found.values()) == {"new"}
        break
    build("old")
    assert [path.name for path in place.parent.iterdir()] == [place.name], step
print(step)
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with one file, ``old``."""
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "old").touch()
    return tmp_path / "place"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("exchange", [True, False])
def test_whenever_the_process_is_killed_the_folder_is_the_old_one_or_the_new_one(
    tmp_path: Path, exchange: bool
) -> None:
    command = [sys.executable, "-c", WALK, str(tmp_path / "place"), str(exchange)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 10, "the walk had too few steps to have gone through the build"


@pytest.mark.parametrize("exchange", [True, False])
def test_the_new_folder_takes_the_place_of_the_old_one(
    old: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchange:
        monkeypatch.setattr(replace, "_exchange", lambda one, other: False)
    with building(old) as new:
        (new / "new").touch()
        assert names(old) == ["old"]
    assert names(old) == ["new"]
    assert names(old.parent) == ["place"]


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")
def test_linux_exchanges_two_folders_in_one_step(old: Path) -> None:
    other = old.with_name("other")
    other.mkdir()
    assert replace._exchange(old, other)
    assert (names(old), names(other)) == ([], ["old"])
    assert not replace._exchange(old, old.with_name("none"))


def test_a_folder_that_is_not_there_or_empty_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "a" / "b"):
        with building(folder) as new:
            (new / "new").touch()
        assert names(folder) == ["new"]
        assert names(folder.parent)[-1] == folder.name


def test_a_link_stays_a_link_to_the_new_folder(old: Path) -> None:
    link = old.with_name("link")
    link.symlink_to(old.name)
    with building(link) as new:
        (new / "new").touch()
    assert link.is_symlink()
    assert names(old) == ["new"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_folder_and_nothing_else(old: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), building(old) as new:
        (new / "new").touch()
        raise error
    assert names(old) == ["old"]
    assert names(old.parent) == ["place"]


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_between_the_two_renames_puts_the_old_folder_back(
    old: Path, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    rename = Path.rename

    def fail_once(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == failing + 1:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(replace, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(KeyboardInterrupt), building(old) as new:
        (new / "new").touch()
    assert names(old) == ["old"]
    assert names(old.parent) == ["place"]


def test_a_folder_that_stood_aside_when_the_process_died_is_put_back(old: Path) -> None:
    old.rename(old.with_name(".place.old-1234abcd"))
    put_back(old)
    assert names(old) == ["old"]
    put_back(old.with_name("other"))
    assert names(old.parent) == ["place"]


def test_what_the_dead_left_is_removed_and_what_the_living_hold_is_not(old: Path) -> None:
    for name in (".place.building-dead", ".place.building-alive", ".place.old-dead", ".places.building-other"):
        old.with_name(name).mkdir()
    lock = replace._lock(old.with_name(".place.building-alive"))
    assert lock is not None
    with building(old) as new:
        (new / "new").touch()
    os.close(lock)
    assert names(old.parent) == [".place.building-alive", ".places.building-other", "place"]


def test_two_builds_at_once_do_not_disturb_each_other(old: Path) -> None:
    with building(old) as one:
        (one / "one").touch()
        with building(old) as other:
            (other / "other").touch()
        assert names(old) == ["other"]
    assert names(old) == ["one"]
    assert names(old.parent) == ["place"]
