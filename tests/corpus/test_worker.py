"""The process that parses PDF, Word and HTML files: whatever ends it costs one file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odqa.corpus import ReadLimits, Unusable, read_file, worker
from odqa.corpus.base import OpenFile
from odqa.corpus.load import load
from odqa.corpus.worker_process import _as_json, results_of
from odqa.files import open_regular
from odqa.types import Block, BlockKind, Document

# What a parser may do to its process, by the name of the file.
HOSTILE = """
import os, signal, time
from odqa.corpus import worker_process
def hostile(file, load=worker_process.load):
    name = file.path.stem
    if name == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if name == "hang": time.sleep(1000)
    if name == "block": signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}); [None for _ in iter(int, 1)]
    if name == "memory": bytearray(10**12)
    if name == "exit": os._exit(0)
    if name == "lie": return iter([Lie()])
    return load(file)
class Lie:
    id = title = text = source = ""
    metadata, sections, blocks = {}, 7, ()
worker_process.load = hostile
serve("""


@pytest.fixture
def hostile(monkeypatch):
    worker._end()
    monkeypatch.setattr(worker, "PROGRAM", worker.PROGRAM.replace("serve(int", HOSTILE.strip("\n") + "int"))
    yield
    worker._end()


def page(folder: Path, name: str) -> Path:
    path = folder / f"{name}.html"
    path.write_text(f"<p>{name}</p>")
    return path


def outcome(path: Path, seconds: int = 60) -> str:
    (found,) = read_file(path, limits=ReadLimits(seconds=seconds))
    return found.text if isinstance(found, Document) else found.reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [("crash", "SIGSEGV"), ("memory", "1,000 MB of memory"), ("exit", "exit code 0"), ("lie", "crash")],
)
def test_what_ends_the_process_costs_that_file(hostile, tmp_path, name, reason, monkeypatch):
    if name == "memory":
        monkeypatch.setattr("odqa.corpus.base.MEMORY", 0)
    assert outcome(page(tmp_path, "before")) == "before"
    assert reason in outcome(page(tmp_path, name))
    assert outcome(page(tmp_path, "after")) == "after"


@pytest.mark.parametrize("name", ["hang", "block"])
def test_a_parser_that_never_ends_is_ended(hostile, tmp_path, name):
    assert outcome(page(tmp_path, "before")) == "before"
    reason = outcome(page(tmp_path, name), seconds=1)
    assert "more than 1 s" in reason and "--max-file-seconds" in reason
    assert outcome(page(tmp_path, "after")) == "after"


def test_a_process_that_was_ended_from_outside_is_started_again(tmp_path):
    assert outcome(page(tmp_path, "before")) == "before"
    process = worker._worker._process
    process.kill()
    process.wait()
    assert outcome(page(tmp_path, "after")) == "after"


def test_one_process_reads_many_files(tmp_path):
    outcome(page(tmp_path, "first"))
    process = worker._worker._process.pid
    assert [outcome(page(tmp_path, str(number))) for number in range(20)] == [str(number) for number in range(20)]
    assert worker._worker._process.pid == process


def test_threads_get_their_own_answers(tmp_path):
    pages = [page(tmp_path, f"page {number}") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, pages)) == [path.stem for path in pages]


def test_an_interrupted_answer_is_not_taken_for_the_next(tmp_path, monkeypatch):
    def interrupt(reply: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(worker, "results_of", interrupt)
        outcome(page(tmp_path, "first"))
    assert outcome(page(tmp_path, "second")) == "second"


def test_a_process_that_cannot_be_started_costs_the_file(tmp_path, monkeypatch):
    worker._end()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (found,) = read_file(page(tmp_path, "a"))
    assert found == Unusable(str(tmp_path / "a.html"), "No such file or directory")


def test_a_fork_has_a_process_of_its_own(tmp_path):
    assert outcome(page(tmp_path, "before")) == "before"
    child = os.fork()
    if child == 0:
        right = outcome(page(tmp_path, "child")) == "child"
        worker._end()
        os._exit(0 if right else 1)
    assert outcome(page(tmp_path, "parent")) == "parent"
    assert os.waitpid(child, 0)[1] == 0


SCRIPT = """
import os, sys
from pathlib import Path
from odqa.corpus import read_file
from odqa.corpus import worker
print("run", flush=True)
print([found.text for found in read_file(Path(sys.argv[1]))], worker._worker._process.pid, flush=True)
{end}
"""


def run_script(path: Path, end: str, folder: Path) -> tuple[int, list[str], int]:
    """A script without a guard for __main__, which ends somehow: its exit code, its output, the process it started."""
    script = folder / "script.py"
    script.write_text(SCRIPT.format(end=end))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(worker.__file__).parents[2])},
    )
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    return done.returncode, lines, int(lines[-1].split()[-1])


def is_running(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("end", ["", "os._exit(0)", "os.kill(os.getpid(), 9)", "sys.exit(0)"])
def test_a_plain_script_reads_and_leaves_no_process(tmp_path, end):
    code, lines, process = run_script(page(tmp_path, "page"), end, tmp_path)
    assert code == (-signal.SIGKILL if "kill" in end else 0)
    assert lines[0] == "run" and lines[1].startswith("['page']") and len(lines) == 2
    for _ in range(200):
        if not is_running(process):
            break
        time.sleep(0.05)
    assert not is_running(process)


def test_the_other_process_gives_the_blocks_too(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<p>One</p>")
    with open_regular(path) as stream:
        file = OpenFile(path, stream)
        assert worker.read_apart(file) == list(load(file))
    rows = tuple(Block(at, at + 1, BlockKind.ROW, ("Zone",)) for at in range(3))
    made = Document("a", "A", "abc", "a.html", {}, (), rows)
    assert results_of(json.dumps([_as_json(made)]).encode()) == [made]


@pytest.mark.parametrize("blocks", ["3", "[[], [0, 9, 'pa']]", "[[], [0, 1, 'xx']]"])
def test_blocks_that_cannot_be_are_no_answer(blocks):
    values = f"['a', 'A', 'abc', 'a.html', {{}}, [], {blocks}]".replace("'", '"')
    with pytest.raises((ValueError, TypeError)):
        results_of(f'[["document", {values}]]'.encode())
