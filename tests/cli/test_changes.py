"""What the commands that change an index print of it, from reports made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.cli.changes import ROWS, print_report
from odqa.cli.options import parse_filters, storage_of
from odqa.corpus import ChunkOptions, Unusable
from odqa.errors import UsageError
from odqa.index.ingest import OnDuplicate, Storage
from odqa.index.report import ChangeReport

REPORT = ChangeReport(
    folder=Path("index"), version=2, documents=1200, passages=3400, seconds=65.43, bytes=5_600_000, added=2, changed=1,
    removed=4, unchanged=1190, skipped=3, encoded=1001, chunk=ChunkOptions(46, 9),
)  # fmt: skip


def store_vectors(index: Path, recall: float) -> None:
    """Let the manifest say that the vectors are those of a large index."""
    manifest = json.loads((index / "manifest.json").read_text())
    manifest["segments"][-1]["vectors"] = {
        "factory": "IVF1024,SQ8", "vectors": 5, "trained_on": 5, "parameters": {"nprobe": 16}, "recall": recall,
    }  # fmt: skip
    (index / "manifest.json").write_text(json.dumps(manifest))


def test_all_counts_are_shown(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_report(REPORT, False)
    assert capsys.readouterr().out.splitlines() == [
        "Index      index",
        "Changes    2 added, 1 changed, 4 removed, 1,190 unchanged, 3 skipped, 1,001 passages encoded",
        "Documents  1,200",
        "Passages   3,400 of at most 46 tokens",
        "Time       65.4 s",
        "Size       5.6 MB",
    ]


def test_a_change_that_did_nothing_says_none(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = dict.fromkeys(("added", "changed", "removed", "unchanged", "skipped", "encoded"), 0)
    print_report(replace(REPORT, **nothing), False)
    assert "Changes    none\n" in capsys.readouterr().out


def test_how_vectors_are_stored_is_shown_where_a_search_is_not_exact(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store_vectors(Path("index"), recall=0.961)
    print_report(REPORT, False)
    shown = capsys.readouterr()
    assert "Vectors    IVF1024,SQ8, trained on 5, nprobe 16, recall@20 0.961\n" in shown.out
    assert shown.err == ""
    print_report(REPORT, False, vectors=False)
    assert "Vectors" not in capsys.readouterr().out


@pytest.mark.parametrize("json_output", [False, True])
def test_a_recall_below_the_target_is_a_warning(
    work: Path, capsys: pytest.CaptureFixture[str], json_output: bool
) -> None:
    store_vectors(Path("index"), recall=0.912)
    print_report(REPORT, json_output)
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith("odqa: ") and all(word in warning for word in ("0.912", "0.95", "--factory"))


def test_long_lists_are_cut_with_their_number(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"void{number:02}.txt" for number in range(ROWS + 3)]
    unusable = [Unusable(name, f"broken at byte {number}") for number, name in enumerate(names)]
    report = replace(REPORT, vanished=tuple(names), unusable=tuple(unusable))
    print_report(report, False)
    shown = capsys.readouterr().out
    assert "kept in the index: 23 files; --prune" in shown and "Could not be used: 23" in shown
    assert shown.count(names[ROWS - 1]) == 2 and names[ROWS] not in shown
    assert "and 3 more; --json lists them all\n" in shown and "and 3 more reasons; --json lists them all\n" in shown
    print_report(report, True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["vanished"] == names and len(shown["unusable"]) == len(names)


def test_files_that_share_a_reason_share_a_line(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unusable = [Unusable(f"{number:02}\x1b[2J.png", "unknown kind of file '.png'") for number in range(12)]
    unusable[5:5] = [Unusable("void.txt", "empty"), Unusable("rows.csv", "no rows"), Unusable("rows.csv", "damaged")]
    report = replace(REPORT, unusable=tuple(unusable), hidden=1, excluded=1_200, include=("*.md",), exclude=("a/", "b"))
    print_report(report, False)
    shown = capsys.readouterr().out
    assert "Could not be used: 14 files" in shown and "\x1b" not in shown
    (pictures,) = [line for line in shown.splitlines() if ".png'" in line]
    assert "00" in pictures and "02" in pictures and "03" not in pictures and "and 9 more" in pictures
    assert [line.split() for line in shown.splitlines() if "void" in line] == [["void.txt", "empty"]]
    assert "--include *.md --exclude a/ --exclude b: 1,200 files and folders" in shown
    assert "hidden" in shown and "1 file or folder" in shown
    print_report(report, True)
    assert len(json.loads(capsys.readouterr().out)["unusable"]) == 15


def test_what_options_leave_open_stays_as_it_is() -> None:
    before = Storage("HNSW32", 0.9)
    assert storage_of(None, None, before) == before
    assert storage_of("Flat", None, before) == Storage("Flat", 0.9)
    assert storage_of("auto", 0.5, before) == Storage("", 0.5)
    assert storage_of(None, 1.0, before) == Storage("HNSW32", 1.0)


@pytest.mark.parametrize("recall", [0.0, -0.5, 1.01, float("nan")])
def test_a_recall_that_is_not_a_share_is_refused(recall: float) -> None:
    with pytest.raises(UsageError, match=f"--tune-recall is {recall}"):
        storage_of(None, recall, Storage())


@pytest.mark.parametrize("command", ["index", "add", "update"])
def test_every_rule_for_duplicates_can_be_chosen(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"]).stdout
    assert "|".join(OnDuplicate) in "".join(shown.split())


def test_filters_are_read_in_order() -> None:
    assert [str(one) for one in parse_filters(["lang=en", "year >= 2020"])] == ["lang=en", "year>=2020"]
    assert parse_filters(None) == ()
