"""``odqa info`` as a user types it: each line of it, from the manifest alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.index.build import add
from odqa.index.compaction import compact
from odqa.index.removal import remove
from odqa.retrieval.keywords import K1, B

RUN = CliRunner()


def rows(folder: object) -> dict[str, str]:
    """What ``odqa info`` shows, by the first word of the line."""
    result = RUN.invoke(app, ["info", str(folder)])
    assert result.exit_code == 0, result.stderr
    return dict(line.split(maxsplit=1) for line in result.stdout.splitlines())


def test_it_shows_how_the_index_was_made(work: Path, tiny_encoder: Path) -> None:
    shown = rows("index")
    assert list(shown) == [
        "Index", "Version", "Created", "Documents", "Passages", "Chunking", "Encoder", "Vectors", "Prompts", "Keywords",
        "Size", "Segment",
    ]  # fmt: skip
    assert (shown["Index"], shown["Prompts"]) == ("index", "none")
    assert shown["Version"].startswith("1, of ") and shown["Created"].endswith(", format 4")
    assert (shown["Documents"], shown["Passages"]) == ("5", "5")
    assert shown["Chunking"] == "max_tokens 46, overlap_tokens 9, language en"
    assert shown["Encoder"].startswith(f"{tiny_encoder} (")
    assert shown["Keywords"] == f"BM25, method lucene, k1 {K1}, b {B}, language en"
    assert shown["Vectors"] == "32 dimensions, cosine, mean pooling"
    assert shown["Segment"].startswith("000001, 5 documents, 5 passages, Flat, ")


def test_bytes_are_shown_by_component(work: Path) -> None:
    total, components = rows("index")["Size"].split(": ")
    assert total.endswith(" MB")
    assert sorted(part.split()[0] for part in components.split(", ")) == ["keywords", "passages", "vectors"]


def test_what_was_deleted_is_shown_with_a_hint_when_it_is_much(work: Path) -> None:
    remove("index", ["louvre"])
    shown = rows("index")
    assert (shown["Documents"], shown["Passages"]) == ("4", "4")
    assert "5 documents (1 deleted), 5 passages (1 deleted), Flat, " in shown["Segment"]
    assert shown["Deleted"] == "20.0% of the passages on the disk"
    remove("index", ["spree"])
    assert rows("index")["Deleted"] == (
        "40.0% of the passages on the disk; `odqa compact --index index` takes them off the disk"
    )
    compact("index")
    assert "Deleted" not in rows("index")


def test_every_segment_has_a_line(work: Path) -> None:
    Path("sun.txt").write_text("The light of the sun has a speed.")
    add(["sun.txt"], "index", device="cpu")
    shown = RUN.invoke(app, ["info", "index"]).stdout.splitlines()
    assert [line.split(", ")[:3] for line in shown if line.startswith("Segment")] == [
        ["Segment    000001", "5 documents", "5 passages"],
        ["Segment    000002", "1 document", "1 passage"],
    ]


def test_json_is_the_manifest_and_its_totals(work: Path) -> None:
    remove("index", ["louvre"])
    shown = json.loads(RUN.invoke(app, ["info", "index", "--json"]).stdout)
    manifest = json.loads(Path("index/manifest.json").read_text())
    size = sum(path.stat().st_size for path in Path("index/segments").rglob("*") if path.is_file())
    assert shown == manifest | {"documents": 4, "passages": 4, "bytes": size}


def test_a_folder_that_is_not_an_index_is_refused(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["info", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{tmp_path} is not an index" in result.stderr and "`odqa index" in result.stderr


def test_a_change_that_lands_meanwhile_is_no_damage(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from odqa.index import manifest

    check, waiting = manifest.check_sizes, ["louvre"]

    def change_first(*arguments: Any) -> None:
        while waiting:
            remove("index", [waiting.pop()])
            compact("index")
        check(*arguments)

    monkeypatch.setattr(manifest, "check_sizes", change_first)
    shown = rows("index")
    assert (shown["Documents"], shown["Version"].split(",")[0]) == ("4", "3")


def test_a_file_that_is_gone_is_named_with_the_remedy(work: Path) -> None:
    (path,) = Path("index").rglob("vectors.faiss")
    path.unlink()
    result = RUN.invoke(app, ["info", "index"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{path} is missing" in result.stderr and "`odqa index PATH... --index index`" in result.stderr


def test_it_imports_nothing_heavy(made: Path) -> None:
    code = (
        "import sys; from odqa.cli import app; sys.argv = ['odqa', 'info', sys.argv[1]]\n"
        "try: app()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = ('torch', 'transformers', 'sentence_transformers', 'faiss', 'numpy', 'datasets')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code, str(made / "index")], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
