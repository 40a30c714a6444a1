"""A command line that is wrong: one line, what may have been meant, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.cli.misuse import instead_of_address

RUN = CliRunner()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["aks", "q"], ["'aks'", "did you mean 'ask'?"]),
        (["who built the tower?"], ['odqa ask "who built the tower?"']),
        (["who", "built", "it?"], ['odqa ask "who built it?"']),
        (["docs"], ["odqa index docs"]),
        (["who built " + "the very old " * 99 + "tower?"], ['odqa ask "who built the very old']),
        (["ask", "who", "built", "the very old " * 30], ["in quotes"]),
        (["ask", "who built it?", "indexes/made"], ["--index indexes/made"]),
        (["serve", "indexes/made"], ["--index indexes/made"]),
        (["index", "https://example.org/?" + "a" * 999], ["address", "curl -LO"]),
        (["serve", "--host", "a..b"], ["a..b", "name"]),
        (["ask", "who", "built", "it"], ["in quotes", 'ask "who built it"']),
        (["search", "vacation", "days", "-k", "3"], ["in quotes", 'search "vacation days"']),
        (["ask", "“who", "built", "it”"], ['ask "who built it"']),
        (["ask", "what", "costs", "$5"], ["ask 'what costs $5'"]),
        (["ask", "q", "--indx", "a"], ["--indx", "did you mean '--index'?"]),
        (["ask", "q", "-index", "a"], ["-index", "two hyphens"]),
        (["ask", "q", "—index", "a"], ["long dash", "--index"]),
        (["ask", "q", "--mode", "hybird"], ["'hybird'", "bm25", "did you mean 'hybrid'?"]),
        (["add", "x", "--on-duplicate", "skp"], ["did you mean 'skip'?"]),
        (["ask", "q", "--device", "gpu"], ["'gpu'", "did you mean 'cuda'?"]),
        (["ask", "q", "-k", "many"], ["many"]),
        (["index", "https://example.org/a.pdf"], ["https://example.org/a.pdf", "curl -LO"]),
        (["info", "http://example.org/index"], ["http://example.org/index", "address"]),
        (["eval", "--dataset", "https://huggingface.co/datasets/a/b"], ["its name is a/b"]),
        (["index"], ["PATH"]),
    ],
    ids=" ".join,
)
def test_one_line_tells_what_may_have_been_meant(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    Path("indexes/made").mkdir(parents=True)
    Path("indexes/made/manifest.json").touch()
    result = RUN.invoke(app, arguments, env={"ODQA_API_KEY": "secret"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("odqa: ") and result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr


def test_what_was_typed_does_not_drive_the_terminal() -> None:
    for arguments in (["\x1b[2J"], ["ask", "a", "b\x1b[2J"], ["ask", "q", "--mode", "\x1b[2J"], ["ask", "--\x1b[2J"]):
        result = RUN.invoke(app, arguments)
        assert result.exit_code == 2 and "\x1b" not in result.stderr


def test_nothing_typed_is_the_help() -> None:
    result = RUN.invoke(app, [])
    assert result.exit_code == 2 and "Usage:" in result.stderr


def test_a_file_may_be_called_like_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("http:").mkdir()
    Path("http:/a.txt").write_text("x")
    assert instead_of_address("http:/a.txt") == "" != instead_of_address("http:/b.txt")
    assert instead_of_address("a/b") == instead_of_address("C:/a") == instead_of_address("ratio 1:/2") == ""


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("source=docs/*", "source~=docs/*"),
        ("source!=docs/*", "no opposite"),
        ("title=[ab]c", "title~=[ab]c"),
        ("source~=docs/*", ""),
        ("title=who?", ""),
        ("lang=en", ""),
    ],
)
def test_a_pattern_that_is_compared_as_text_gets_a_hint(text: str, hint: str, work: Path) -> None:
    result = RUN.invoke(app, ["remove", "--filter", text, "--index", "index"])
    assert ("hint: " in result.stderr) == bool(hint) and hint in result.stderr
