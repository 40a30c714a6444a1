"""Settings: which source wins, where each value came from, and what is said of a file that cannot be used."""

from __future__ import annotations

import os
import re
from inspect import signature
from pathlib import Path

import pytest

from odqa.answering.question import DEFAULT_K
from odqa.cli.options import BATCH_SIZE, MAX_FILE_SECONDS, MAX_FILE_SIZE
from odqa.cli.serve import serve
from odqa.errors import OdqaError
from odqa.settings import DEFAULT, Settings, read_settings, slips
from odqa.types import DEFAULT_INDEX, Mode


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "odqa.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_defaults_are_those_of_the_commands() -> None:
    found = Settings()
    assert (found.index, found.mode, found.k, found.n) == (DEFAULT_INDEX, Mode.HYBRID, DEFAULT_K, 3)
    assert (found.batch_size, found.max_file_size, found.max_file_seconds) == (
        BATCH_SIZE, MAX_FILE_SIZE, MAX_FILE_SECONDS,
    )  # fmt: skip
    parameters = signature(serve).parameters
    for name in ("host", "port", "queue", "batch", "timeout"):
        assert getattr(found, name) == parameters[name].default


def test_the_environment_stands_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    write(tmp_path, 'index = "indexes/a"\n\n# more\nk = 50\nmode = "bm25"\n')
    found = read_settings({"ODQA_K": "7", "ODQA_N": " ", "ODQA_OTHER": "x", "K": "9"}, tmp_path)
    assert (found.values.index, found.values.k, found.values.mode, found.values.n) == (
        Path("indexes/a"), 7, Mode.BM25, 3,
    )  # fmt: skip
    file = tmp_path / "odqa.toml"
    assert {name: origin for name, origin in found.origins.items() if origin != DEFAULT} == {
        "index": f"{file}, line 1", "k": "ODQA_K", "mode": f"{file}, line 5",
    }  # fmt: skip
    assert found.given() == {"index": Path("indexes/a"), "k": 7, "mode": Mode.BM25}


def test_no_file_and_no_variable_is_all_defaults(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path).given() == {}


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_settings({"ODQA_INDEX": "~/indexes/a"}, tmp_path).values.index == tmp_path / "indexes" / "a"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("k = 50\nindx = 'a'\n", ["line 2", "'indx'", "did you mean 'index'?", "batch_size"]),
        ("batch-size = 2\n", ["line 1", "did you mean 'batch_size'?"]),
        ("\n\nk = '50'\n", ["line 3", 'k = "50"', "integer"]),
        ("k = true\n", ["line 1", "integer"]),
        ("k = 0\n", ["line 1", "greater than or equal to 1"]),
        ("mode = 'hybird'\n", ["line 1", "'dense'", "did you mean 'hybrid'?"]),
        ("index = ''\n", ["line 1", "it is empty"]),
        ("[index]\npath = 'a'\n", ["line 1", "index takes one value"]),
        ("k = [1, 2]\n", ["k takes one value"]),
        ("device = 'gpu'\n", ["line 1", "'gpu' is no device", "did you mean 'cuda'?"]),
        ("device = 'cuda:x'\n", ["line 1", "after the colon is its number"]),
        ('index = "a\\u0000b"\n', ["line 1", "NUL"]),
        ('reader = "a\\u0000b"\n', ["line 1", "NUL"]),
        ("timeout = inf\n", ["line 1", "finite number"]),
        ("[ask]\n", ["line 1", "no setting 'ask'. The settings are"]),
        ("reader = 2026-01-01\n", []),
        ("k = nan\n", ["line 1", "k = NaN"]),
        ("k 50\n", ["not TOML", "line 1"]),
        ("k = 1\nk = 2\n", ["not TOML"]),
        (b"reader = '\xff'\n", ["UTF-8"]),
        ("k = " + "[" * 9_000, ["nested too deeply"]),
        ("k = " + "9" * 5000, ["cannot be read"]),
        ("k" + ".a" * 4_900 + " = 1", []),
        ("#" * 20_001, ["larger than 20,000 bytes"]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_that_cannot_be_used_is_named_with_the_line_and_the_remedy(
    text: str | bytes, words: list[str], tmp_path: Path
) -> None:
    if text == "reader = 2026-01-01\n":
        assert read_settings({}, write(tmp_path, text)).values.reader == "2026-01-01"
        return
    with pytest.raises(OdqaError) as error:
        read_settings({}, write(tmp_path, text))
    assert str(tmp_path / "odqa.toml") in str(error.value)
    assert all(word in str(error.value) for word in words), error.value


def test_a_variable_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(OdqaError, match=r"ODQA_K=.*many.*integer$"):
        read_settings({"ODQA_K": "many"}, tmp_path)
    with pytest.raises(OdqaError, match=r"ODQA_DEVICE=.*'gpu' is no device"):
        read_settings({"ODQA_DEVICE": "gpu"}, tmp_path)


@pytest.mark.parametrize("scheme", ["milvus", "milvus+tls"])
def test_a_password_in_the_address_of_an_index_is_not_repeated(tmp_path: Path, scheme: str) -> None:
    address = f"{scheme}://root:s3cret@host:19530/a"
    write(tmp_path, f'index = "{address}"')
    for environment, folder in (({}, tmp_path), ({"ODQA_INDEX": address}, tmp_path / "empty")):
        with pytest.raises(OdqaError, match=rf"{re.escape(scheme)}:….*ODQA_MILVUS_TOKEN") as error:
            read_settings(environment, folder)
        assert "s3cret" not in str(error.value)


def test_a_pipe_instead_of_the_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "odqa.toml")
    with pytest.raises(OdqaError, match="not a regular file"):
        read_settings({}, tmp_path)


def test_a_variable_that_is_like_a_setting_is_a_slip_and_others_are_not() -> None:
    assert list(slips({"ODQA_INDX": "a", "ODQA_DEBUG": "1", "ODQA_API_KEY": "x", "ODQA_K": "1", "INDX": ""})) == [
        "ODQA_INDX in the environment has no effect; did you mean ODQA_INDEX?"
    ]
