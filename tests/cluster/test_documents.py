"""Files that a Ray cluster reads, splits and encodes: the index is the one that a single process makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.corpus import ChunkOptions
from odqa.errors import DataError, OdqaError
from odqa.index.build import add, build_index, update
from odqa.index.report import READING, ChangeReport, Progress
from tests.cluster.conftest import STORE
from tests.cluster.same import assert_same

ray = pytest.importorskip("ray", reason='Ray is not installed: pip install "odqa[ray]"')
pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]
CHUNK = ChunkOptions(max_tokens=12, overlap_tokens=0)
COUNTS = (
    "documents", "passages", "added", "changed", "removed", "unchanged", "skipped", "encoded", "unusable", "vanished",
    "hidden", "excluded", "chunk",
)  # fmt: skip


def counts(report: ChangeReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in COUNTS}


@pytest.fixture(scope="module")
def plain(files: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ChangeReport]:
    """The index that this process makes alone, and its report."""
    folder = tmp_path_factory.mktemp("plain") / "index"
    return folder, build_index([files], folder, encoder=tiny_encoder, chunk=CHUNK, device="cpu")


def test_the_index_and_its_report_are_the_same(
    cluster: Any, files: Path, plain: tuple[Path, ChangeReport], tiny_encoder: Path, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    report = build_index(
        [files], tmp_path / "index", encoder=tiny_encoder, chunk=CHUNK, ray="auto", progress=seen.append
    )
    assert counts(report) == counts(plain[1])
    assert {Path(one.source).name for one in report.unusable} == {"void.txt", "rows.jsonl", "late99.txt"}
    assert_same(tmp_path / "index", plain[0])
    assert {one.stage for one in seen} == {READING}
    assert [one.done for one in seen] == sorted(one.done for one in seen) and seen[-1].done == seen[-1].total > 0
    assert seen[-1].passages == report.passages


def test_documents_that_come_twice_are_treated_alike(cluster: Any, tiny_encoder: Path, tmp_path: Path) -> None:
    for name, river in (("one", "Seine"), ("two", "Spree")):
        rows = [{"id": "capital", "text": f"The capital is on the river {river}."}, {"id": name, "text": "The moon."}]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    paths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]

    def build(folder: str, **how: Any) -> ChangeReport:
        return build_index(paths, tmp_path / folder, encoder=tiny_encoder, device="cpu", **how)

    with pytest.raises(DataError, match=r"capital.*one\.jsonl.*two\.jsonl"):
        build("error", ray="auto")
    assert not (tmp_path / "error").exists()
    for choice in ("skip", "replace"):
        alone, together = build(f"{choice}1", on_duplicate=choice), build(f"{choice}2", on_duplicate=choice, ray="auto")
        assert counts(alone) == counts(together)
        assert_same(tmp_path / f"{choice}1", tmp_path / f"{choice}2")


def test_files_are_added_on_a_cluster_and_what_fails_changes_nothing(
    cluster: Any, files: Path, plain: tuple[Path, ChangeReport], tmp_path: Path, copied: Callable[[Path], Path]
) -> None:
    (tmp_path / "new.md").write_text("# Tower\n\nThe tower was built by the engineer.\n")
    (tmp_path / "empty.txt").touch()
    here, there = copied(plain[0]), copied(plain[0])
    with pytest.raises(DataError, match=r"empty.txt: empty.*--strict"):
        add([tmp_path / "new.md", tmp_path / "empty.txt"], there, strict=True, ray="auto")
    assert_same(there, plain[0])
    alone = add([tmp_path / "new.md", tmp_path / "empty.txt"], here, device="cpu")
    together = add([tmp_path / "new.md", tmp_path / "empty.txt"], there, ray="auto")
    assert counts(alone) == counts(together)
    assert_same(here, there)


def test_an_update_on_a_cluster_is_the_one_made_here(
    cluster: Any, tiny_encoder: Path, tmp_path: Path, copied: Callable[[Path], Path]
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()

    def write(name: str, *rows: tuple[str, str]) -> None:
        (docs / name).write_text("".join(json.dumps({"id": id, "text": text}) + "\n" for id, text in rows))

    same = [(f"row{number}", f"The capital is Paris, row {number}.") for number in range(5)]
    write("a.jsonl", ("a", "The moon orbits the earth."))
    write("b.jsonl", *same, ("gone", "The sun."), ("changed", "The sun."), ("moved", "The tower has metres."))
    (docs / "late.txt").write_text("The sun is light.")
    (docs / "vanished.txt").write_text("The museum has the painting.")
    build_index([docs], tmp_path / "index", encoder=tiny_encoder, chunk=CHUNK, device="cpu")
    here, there = copied(tmp_path / "index"), copied(tmp_path / "index")

    def both(**how: Any) -> tuple[ChangeReport, ChangeReport]:
        made = update([docs], here, device="cpu", **how), update([docs], there, ray="auto", **how)
        assert_same(here, there)
        return made

    alone, together = both()
    assert counts(alone) == counts(together) and together.unchanged == 11 and together.version == 1
    # Of the two files that have a row now, the later one keeps it, and nothing of it is encoded.
    write("a.jsonl", ("a", "The moon orbits the earth."), ("moved", "The tower was built."))
    write("b.jsonl", *same, ("new", "The engineer."), ("changed", "The moon."), ("moved", "The tower has metres."))
    (docs / "vanished.txt").unlink()
    (docs / "late.txt").write_bytes(b"\xff\xfe\x00")
    alone, together = both(prune=True, on_duplicate="replace")
    assert counts(alone) == counts(together)
    assert (together.added, together.changed, together.removed, together.unchanged) == (1, 1, 2, 7)
    assert together.skipped == 1
    assert {one.source for one in together.unusable} == {str(docs / "late.txt")}


def test_the_command_says_what_it_says_without_a_cluster(
    cluster: Any, files: Path, plain: tuple[Path, ChangeReport], tiny_encoder: Path, tmp_path: Path
) -> None:
    command = ["index", str(files), "--encoder", str(tiny_encoder), "--max-tokens", "12", "--overlap", "0", "--json"]
    result = CliRunner().invoke(app, [*command, "--index", str(tmp_path / "index"), "--ray", "auto"])
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["encoded"] == plain[1].encoded and len(found["unusable"]) == len(plain[1].unusable)
    assert_same(tmp_path / "index", plain[0])


def test_another_encoder_on_the_nodes_is_refused(
    cluster: Any, files: Path, tiny_encoder: Path, tmp_path: Path, copied: Callable[[Path], Path]
) -> None:
    from odqa.retrieval.encoder import Encoder

    folder = copied(tiny_encoder)
    encoder = Encoder.load(folder, "cpu")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "changed": True}))
    with pytest.raises(OdqaError, match="another one on the node"):
        build_index([files], tmp_path / "index", encoder=encoder, ray="auto")
    assert not (tmp_path / "index").exists()


def test_a_node_that_is_lost_under_work_costs_nothing_but_time(
    cluster: Any, tiny_encoder: Path, tmp_path: Path
) -> None:
    text = "The moon orbits the earth in days. The sun is light. " * 250
    for number in range(40):
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / "files" / f"{number:02}.txt").write_text(f"Number {number}. {text}")
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    cluster.wait_for_nodes()
    removed_at: list[Progress] = []

    def remove(progress: Progress) -> None:
        if not removed_at:
            removed_at.append(progress)
            cluster.remove_node(node, allow_graceful=False)

    files = [tmp_path / "files"]
    report = build_index(files, tmp_path / "index", encoder=tiny_encoder, chunk=CHUNK, ray="auto", progress=remove)
    assert removed_at[0].done < removed_at[0].total
    alone = build_index(files, tmp_path / "alone", encoder=tiny_encoder, chunk=CHUNK, device="cpu")
    assert counts(report) == counts(alone)
    assert_same(tmp_path / "index", tmp_path / "alone")
