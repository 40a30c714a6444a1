"""What every command shares: errors become one line and an exit code, and a light start stays light."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from odqa.cli import COMMANDS, GROUPS, app
from odqa.cli.common import OUTPUT, Program, command, first_sentence, tell_fallback
from odqa.cli.output import print_json
from odqa.cli.progress import progress_bar, track
from odqa.cli.surroundings import Terminated
from odqa.errors import DataError, IndexFolderError, ModelError, OdqaError, UsageError


def invoke(error: BaseException):
    """Run a command that fails with ``error``."""
    program = typer.Typer(cls=Program)

    @program.command()
    @command
    def fail() -> None:
        raise error

    program.callback()(lambda: None)

    return CliRunner().invoke(program, ["fail"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("k is 0"), 2),
        (OdqaError("it failed"), 1),
        (DataError("x.json: broken"), 1),
        (ModelError("no model"), 1),
        (IndexFolderError("no index"), 1),
    ],
)
def test_errors_are_one_line_and_an_exit_code(error, code):
    result = invoke(error)
    assert result.exit_code == code
    assert result.stderr == f"odqa: {error}\n"
    assert result.stdout == ""


def test_ctrl_c_is_130():
    result = invoke(KeyboardInterrupt())
    assert result.exit_code == 130
    assert result.stderr.startswith("odqa: interrupted") and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x/y"), "No space left on device (x/y)"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "secret"), "Permission denied (secret)"),
        (OSError("the network is gone"), "the network is gone"),
    ],
)
def test_errors_of_the_system_name_the_file(error, said):
    result = invoke(error)
    assert result.exit_code == 1
    assert result.stderr == f"odqa: {said}\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ZeroDivisionError("by\x1b[2J 0"),
            ["defect", "ZeroDivisionError: by\\x1b[2J 0", "ODQA_DEBUG=1", "issues"],
        ),
        (AssertionError(), ["defect", "AssertionError;", "ODQA_DEBUG=1"]),
        (MemoryError(), ["not enough memory;", "ulimit"]),
        (RuntimeError("long\nDefaultCPUAllocator: can't allocate memory: 9 bytes"), ["not enough memory (Default"]),
        (ImportError("libx.so: failed to map segment from shared object"), ["not enough memory (libx.so"]),
        (ImportError("No module named 'x'"), ["library cannot be loaded", "No module named 'x'"]),
        (RuntimeError("Symlink loop from 'x'"), ["links that lead in a circle", "'x'"]),
        (RecursionError("maximum recursion depth exceeded"), ["nested too deeply"]),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ["Broken pipe"]),  # Not that of our own output.
    ],
)
def test_whatever_fails_is_told_in_one_line(error, words):
    result = invoke(error)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("odqa: ") and result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr


def test_a_terminated_command_says_so_with_its_own_exit_code():
    result = invoke(Terminated())
    assert result.exit_code == 143
    assert result.stderr.startswith("odqa: interrupted")


def test_the_stack_trace_can_be_asked_for_and_drives_no_terminal(monkeypatch):
    monkeypatch.setenv("ODQA_DEBUG", "1")
    for error, code in ((UsageError("k is\x1b[2J 0"), 2), (OSError("gone"), 1), (ZeroDivisionError(), 1)):
        result = invoke(error)
        assert result.exit_code == code
        assert "Traceback" in result.stderr and "raise error" in result.stderr
        assert result.stderr.splitlines()[-1].startswith("odqa: ")
        assert "\x1b" not in result.stderr


def python(code: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, **environment}, timeout=60, check=False
    )


def test_json_is_utf_8_in_every_locale():
    value = ascii({"a": "Zürich 東京 🗼"})
    code = f"from odqa.cli.output import print_json; print('before'); print_json({value})"
    done = python(code, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.stderr == b""
    before, line = done.stdout.decode("utf-8").splitlines()
    assert before == "before"
    assert json.loads(line) == {"a": "Zürich 東京 🗼"}
    assert "東京" in line


def test_json_is_one_line_and_refuses_what_json_cannot_say(capsysbinary):
    print_json({"text": "two\nlines"})
    assert capsysbinary.readouterr().out == b'{"text": "two\\nlines"}\n'
    with pytest.raises(ValueError, match="JSON"):
        print_json({"score": float("nan")})


def test_a_reader_of_our_output_that_went_away_is_no_error():
    """As in ``odqa … | head -1``: the pipe is closed before the output ends."""
    code = (
        "from odqa.cli.common import command\nfrom odqa.cli.output import print_json\n"
        "@command\n"
        "def many():\n"
        "    for number in range(100_000): print_json({'number': number})\n"
        "many()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert json.loads(process.stdout.readline()) == {"number": 0}
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


def test_progress_is_silent_where_stderr_is_no_terminal(capsys):
    with progress_bar() as progress:
        progress.update(progress.add_task("reading", total=2), advance=1)
    assert list(track([1, 2, 3], "counting", 3)) == [1, 2, 3]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip() == ""


HEAVY = {"torch", "transformers", "numpy", "sentence_transformers", "faiss", "datasets", "sklearn", "pypdfium2", "rich"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["-h"], 0),
        (["--version"], 0),
        (["info", "no/such/index"], 1),
        (["ask", "--help"], 0),
        (["index", "--help"], 0),
        (["update", "--help"], 0),
        (["verify", "--help"], 0),
        (["eval", "--help"], 0),
        (["train-reader", "--help"], 0),
    ],
    ids=str,
)
def test_a_light_command_imports_nothing_heavy(arguments, code, tmp_path, program):
    done = program.run(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "odqa.cli" in done.modules
    assert not done.modules & HEAVY
    if code:
        assert "no/such/index" in done.stderr
        assert "Traceback" not in done.stderr


def test_help_names_every_command_in_groups_with_a_whole_sentence(monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    places = [said.index(f"{group}: ") for group in GROUPS]
    assert places == sorted(places)
    for name in COMMANDS:
        assert f" {name} {first_sentence(COMMANDS.function(name).__doc__)}" in said
    assert "..." not in said.partition("Ask: ")[2] and "Exit codes: 0 " in said


def test_the_first_sentence_is_all_of_it_on_one_line():
    assert first_sentence("One of\n    two. And more.\n\n    Examples:") == "One of two"


@pytest.mark.parametrize("name", COMMANDS)
def test_options_stand_in_groups_and_examples_on_lines_of_their_own(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    shown = CliRunner().invoke(app, [name, "--help"]).stdout
    groups = [line.rstrip(":") for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert OUTPUT in groups and "--quiet" in shown.partition(f"{OUTPUT}:")[2]
    lines = map(str.strip, COMMANDS.function(name).__doc__.splitlines())
    examples = [line for line in lines if line.startswith("odqa ")]
    assert all(f"  {example}\n" in shown for example in examples)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_examples(name):
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert f"odqa {name}" in result.stdout.partition("Examples:")[2]


def test_version():
    from odqa import __version__

    assert CliRunner().invoke(app, ["--version"]).stdout == f"odqa {__version__}\n"


def test_an_unknown_command_is_a_usage_error():
    assert CliRunner().invoke(app, ["answer"]).exit_code == 2


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "odqa", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    assert done.stdout.startswith("odqa ")


def test_a_search_on_the_cpu_beside_models_on_a_gpu_is_told_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    tell_fallback(None)
    assert capsys.readouterr().err == ""
    tell_fallback("faiss-gpu sees no GPU here")
    assert capsys.readouterr().err == "odqa: passages are searched on the CPU: faiss-gpu sees no GPU here\n"
