"""The commands on an index in a milvus-lite, through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.addresses import address_of
from odqa.cli import app
from odqa.index.build import add
from odqa.index.stores import store_at
from odqa.serve.indexes import Indexes, Models, named_folders
from tests.index.places import needs_milvus
from tests.tiny.asked import Asked

pytestmark = needs_milvus


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def copied(work: Path) -> str:
    """The index of ``work`` in a milvus-lite."""
    address = "milvus:lite.db/index"
    result = run("copy", "index", address)
    assert result.exit_code == 0, result.stderr
    return address


def test_documents_are_indexed_added_found_and_removed(work: Path, tiny_encoder: Path) -> None:
    address = "milvus:lite.db/notes"
    result = run("index", "docs", "--index", address, "--encoder", tiny_encoder, "--device", "cpu", "--json")
    assert result.exit_code == 0, result.stderr
    assert (json.loads(result.stdout)["folder"], json.loads(result.stdout)["documents"]) == (address, 5)
    Path("docs/new.txt").write_text("The ferry crosses the river.", encoding="utf-8")
    assert "1 added" in run("update", "docs", "--index", address, "--device", "cpu").stdout
    found = json.loads(run("search", "river", "--index", address, "--filter", "year>=2021", "--json").stdout)
    assert {hit["document"]["id"] for hit in found["hits"]} == {"spree", "seine"}
    assert "1 removed" in run("remove", "docs/new.txt", "--index", address).stdout
    assert run("verify", "--index", address, "--device", "cpu").stdout.startswith(f"{address} is whole: version 3")
    shown = run("info", address).stdout
    assert "FLAT" in shown and "5" in shown and address in shown
    assert json.loads(run("info", address, "--json").stdout)["passages"] == 5


def test_an_index_is_copied_there_and_back(copied: str) -> None:
    assert "has an index already" in run("copy", "index", copied).stderr
    result = run("copy", copied, "again")
    assert result.exit_code == 0, result.stderr
    one, other = (json.loads(run("info", name, "--json").stdout) for name in ("index", "again"))
    for name in ("documents", "passages", "encoder_hash", "chunking", "keywords", "created"):
        assert one[name] == other[name]
    assert run("verify", "again", "--device", "cpu").exit_code == 0


def test_what_works_on_folders_says_so(copied: str) -> None:
    for command in (["compact"], ["update", "--encoder", "another"]):
        result = run(*command, "--index", copied)
        assert result.exit_code == 2 and f"odqa copy {copied} FOLDER" in result.stderr
    assert "no address of an index" in run("info", "milvus://nowhere").stderr
    assert "is not an index: there is no such collection; make one with" in run("info", "milvus:lite.db/other").stderr


def test_what_goes_wrong_is_told_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "odqa", "info", f"milvus:{tmp_path}/lite.db/nothing"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and f"is not an index: there is no {tmp_path}/lite.db; make one with" in line


def test_questions_are_answered_tuned_and_evaluated(asked: Asked, tmp_path: Path) -> None:
    address = f"milvus:{tmp_path}/lite.db/asked"
    assert run("copy", asked.index, address).exit_code == 0
    named = ["--index", address, "--reader", asked.reader, "--device", "cpu"]
    data = ["--dataset", asked.dataset, "--cache", asked.cache]
    result = run("tune", *named, *data, "-k", "2,4", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["used"] is True and json.loads(result.stdout)["file"] == address
    found = json.loads(run("ask", "who built the tower", *named, "--explain", "--json").stdout)
    assert found["abstention"]["rule"] == "probability", "what was fitted is used"
    result = run("eval", *named, *data, "-k", 4, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["index"]["folder"] == "asked"


def test_a_served_index_is_opened_anew_when_it_changes(asked: Asked, tmp_path: Path) -> None:
    address = address_of(f"milvus:{tmp_path}/lite.db/served")
    assert run("copy", asked.index, address).exit_code == 0
    folders = named_folders([str(address), f"other={address}"], tmp_path)
    assert folders == {"served": address, "other": address}
    with Indexes({"served": address}, Models(asked.reader, device="cpu")) as indexes:
        (tmp_path / "moon.txt").write_text("The moon orbits the earth.", encoding="utf-8")
        before = store_at(address).manifest().documents
        add([tmp_path / "moon.txt"], address, device="cpu")
        indexes.refresh()
        assert indexes.reloads == 1 and not indexes.problems
        with indexes.use() as version:
            assert version.index.manifest.documents == before + 1
            assert version.fields is not None and version.index.find(str(tmp_path / "moon.txt")) is not None
