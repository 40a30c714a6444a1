"""``odqa.toml`` and ``ODQA_*`` as a user meets them: what commands take from them, and ``odqa config``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import COMMANDS, app
from odqa.cli.defaults import prepare


def run(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env=environment)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def test_each_setting_is_shown_with_its_origin() -> None:
    Path("odqa.toml").write_text('index = "indexes/a"\nk = 50\n')
    result = run("config", ODQA_DEVICE="cpu")
    assert result.exit_code == 0, result.stderr
    rows = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "indexes/a" in rows["index"] and "odqa.toml, line 1" in rows["index"]
    assert "50" in rows["k"] and "odqa.toml, line 2" in rows["k"]
    assert "cpu" in rows["device"] and "ODQA_DEVICE" in rows["device"]
    assert "default" in rows["mode"]
    shown = json.loads(run("config", "--json", ODQA_DEVICE="cpu").stdout)
    assert shown["index"] == {
        "value": "indexes/a",
        "from": "odqa.toml, line 1",
        "about": "the index: a folder, or the address of one in a Milvus",
    }
    assert (shown["device"]["value"], shown["device"]["from"]) == ("cpu", "ODQA_DEVICE")
    assert (shown["mode"]["value"], shown["mode"]["from"]) == ("hybrid", "default") and shown["cache"]["value"] is None


def test_a_broken_file_is_a_usage_error_of_every_command() -> None:
    Path("odqa.toml").write_text("indx = 'a'\n")
    for arguments in (["config"], ["list"], ["info"], ["ask", "q"]):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (2, ""), result.stderr
        assert result.stderr.startswith("odqa: odqa.toml, line 1: ") and "'index'?" in result.stderr


def test_commands_take_the_index_of_the_settings_and_a_flag_stands_over_it(made: Path) -> None:
    Path("odqa.toml").write_text(f'index = "{made / "index"}"\n')
    shown = json.loads(run("info", "--json").stdout)
    assert shown["documents"] == 5
    assert "'lnag'" in run("ask", "q", "--filter", "lnag=de").stderr  # Only of an index that is there.
    for arguments in (
        ["info", "no"],
        ["info", "--index", "no"],
        ["ask", "q", "--index", "no"],
        ["compact", "--index", "no"],
    ):
        assert "no is not an index" in run(*arguments).stderr
    assert "elsewhere is not an index" in run("info", ODQA_INDEX="elsewhere").stderr


def test_what_means_something_else_or_was_not_given_is_left_to_the_command() -> None:
    Path("odqa.toml").write_text('index = "a"\nk = 7\nn = 2\ndevice = "cpu"\nmode = "bm25"\n')
    defaults = prepare({name: COMMANDS.function(name) for name in COMMANDS})
    assert {name: defaults["ask"][name] for name in ("k", "n", "device")} == {"k": 7, "n": 2, "device": "cpu"}
    assert "index" not in defaults["ask"]  # None says there that --index was not given, as --context needs it.
    assert "k" not in defaults["search"] and "k" not in defaults["tune"] and defaults["search"]["mode"] == "bm25"
    assert "n" not in defaults["questions"]
    assert not {"index", "k", "mode"} & defaults["eval"].keys()
    assert run("ask", "--help").stdout.count("[default: 7]") == 1


def test_a_server_is_set_by_the_environment() -> None:
    given = {"ODQA_FEEDBACK": "said.txt", "ODQA_TIMEOUT": "5"}
    assert run("config", "--json", **given).exit_code == 0
    result = run("serve", **given)
    assert result.exit_code == 2 and "said.txt" in result.stderr and ".jsonl" in result.stderr
    for value in ("nan", "inf"):
        result = run("serve", "--timeout", value)
        assert result.exit_code == 2 and "--timeout" in result.stderr


def test_a_context_goes_with_an_index_of_the_settings() -> None:
    result = run("ask", "q", "--context", "no.txt", ODQA_INDEX="a")
    assert "no.txt does not exist" in result.stderr


def test_threads_are_told_to_what_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    for asked, used in (("3", "3"), ("100000", "4")):  # No more than there are: torch would end the process.
        monkeypatch.setenv("ODQA_THREADS", asked)
        prepare({"ask": COMMANDS.function("ask")})
        assert os.environ["OMP_NUM_THREADS"] == used


def test_a_misspelt_variable_is_told_unless_the_command_is_quiet() -> None:
    assert "ODQA_INDX" in run("list", ODQA_INDX="a").stderr
    assert run("list", "--quiet", ODQA_INDX="a").stderr == ""


def test_verbose_says_what_is_set_and_quiet_goes_not_with_it() -> None:
    result = run("list", "--verbose", ODQA_K="7")
    assert "k is 7, from ODQA_K" in result.stderr and "ODQA_K" not in result.stdout
    assert run("list", ODQA_K="7").stderr == ""
    result = run("list", "-v", "-q")
    assert result.exit_code == 2 and "contradict" in result.stderr


def test_an_index_is_named_by_argument_or_option_but_once(made: Path) -> None:
    index = str(made / "index")
    for name in ("info", "verify"):
        more = ["--no-encode"] if name == "verify" else []
        assert run(name, index, *more).stdout == run(name, "--index", index, *more).stdout != ""
        result = run(name, index, "--index", "other", *more)
        assert result.exit_code == 2 and "two indexes are named" in result.stderr
        assert "indexes/default is not an index" in run(name, *more).stderr
