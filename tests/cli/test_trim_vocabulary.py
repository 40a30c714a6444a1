"""``odqa trim-vocabulary`` through the program's own entry point."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from odqa.cli import app


def odqa(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_smaller_encoder_that_indexes(work, tiny_encoder):
    result = odqa("trim-vocabulary", tiny_encoder, "--texts", "docs", "--output", "small")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "The model is in small."
    assert [line.split(":")[0] for line in lines[2:4]] == ["tokens", "megabytes"]
    assert "of the texts' own tokens 0.00% changed" in lines
    again = odqa("index", "docs", "--index", "new", "--encoder", "./small", "--device", "cpu")
    assert again.exit_code == 0, again.stderr
    found = odqa("search", "the moon", "--index", "new", "--json")
    assert "moon" in json.loads(found.stdout)["hits"][0]["text"]


def test_what_was_done_as_one_json_object(work, tiny_encoder):
    flags = ["--texts", "docs/moon.txt", "--texts", "docs/policies", "--output", "small", "--json"]
    result = odqa("trim-vocabulary", tiny_encoder, *flags)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found == json.loads((work / "small" / "trimming.json").read_text())
    assert sorted(found["files"]) == ["docs/moon.txt", "docs/policies/leave.txt"]
    assert found["tokens_after"] < found["tokens_before"]
    rare = odqa("trim-vocabulary", tiny_encoder, *flags[:-3], "--output", "rare", "--min-frequency", 2, "--json")
    assert json.loads(rare.stdout)["tokens_after"] < found["tokens_after"]
    assert json.loads(rare.stdout)["changed"] > 0


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["./gone", "--texts", "docs", "--output", "small"], 1, "no model at ./gone"),
        (["ENCODER", "--texts", "gone", "--output", "small"], 2, "no such file or folder: gone"),
        (["ENCODER", "--texts", "docs", "--output", "docs"], 2, "docs is there already; give a new folder"),
        (["ENCODER", "--output", "small"], 2, "--texts"),
        (["ENCODER", "--texts", "docs"], 2, "--output"),
        (["ENCODER", "--texts", "docs", "--output", "small", "--min-frequency", 0], 2, "--min-frequency"),
        (["docs", "--texts", "docs", "--output", "small"], 1, "no config.json"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(flags, code, said, work, tiny_encoder):
    result = odqa("trim-vocabulary", *[tiny_encoder if one == "ENCODER" else one for one in flags])
    assert result.exit_code == code
    assert said in result.stderr.splitlines()[-1]
    assert not (work / "small").exists()
