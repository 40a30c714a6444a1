"""Documents are added, replaced and removed, and the index is what it would be had it been built of the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.errors import DataError, IndexFolderError, OdqaError, UsageError
from odqa.index.build import add, build_index, update
from odqa.index.compaction import compact
from odqa.index.filters import Filter, parse
from odqa.index.interface import Storage
from odqa.index.manifest import read_manifest
from odqa.index.removal import remove
from odqa.index.search import Index
from odqa.index.verification import verify
from odqa.retrieval.encoder import Encoder
from odqa.types import Hit, Passage
from tests import tiny
from tests.index.conftest import CHUNK
from tests.index.word_encoder import WordEncoder

TEXTS = st.lists(st.sampled_from(tiny.WORDS), min_size=1, max_size=30).map(" ".join)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 4), TEXTS),
        st.tuples(st.just("remove"), st.integers(0, 4), st.just("")),
        st.tuples(st.just("compact"), st.just(0), st.just("")),
    ),
    min_size=2,
    max_size=7,
)


def rows(path: Path, texts: dict[str, str], **metadata: object) -> Path:
    path.write_text(
        "".join(json.dumps({"id": id, "title": "T", "text": text, **metadata}) + "\n" for id, text in texts.items())
    )
    return path


def search(folder: Path, encoder: Encoder, question: str, mode: str = "hybrid", k: int = 100) -> list[Hit]:
    with Index.open(folder, mode=mode) as index:
        return index.search([question], k, encoder.encode_queries([question]))[0]


def texts(folder: Path, encoder: Encoder) -> dict[str, list[str]]:
    """The passages of every document."""
    found: dict[str, list[str]] = {}
    for hit in sorted(search(folder, encoder, "moon", "dense"), key=lambda hit: hit.passage.id):
        found.setdefault(hit.passage.document_id, []).append(hit.passage.text)
    return found


@settings(max_examples=12, deadline=None)
@given(changes=CHANGES, question=st.lists(st.sampled_from(tiny.WORDS), min_size=1, max_size=3).map(" ".join))
def test_an_index_after_any_changes_is_the_one_built_at_once(
    encoder: Encoder, changes: list[tuple[str, int, str]], question: str
) -> None:
    with TemporaryDirectory() as name:
        folder, live = Path(name), {"0": "the moon"}
        build_index([rows(folder / "start.jsonl", live)], folder / "index", encoder=encoder, chunk=CHUNK)
        for number, (what, id, text) in enumerate(changes):
            if what == "put":
                live.pop(str(id), None)
                live[str(id)] = text
                file = rows(folder / f"{number}.jsonl", {str(id): text})
                add([file], folder / "index", encoder=encoder, on_duplicate="replace")
            elif what == "remove" and str(id) in live and len(live) > 1:
                del live[str(id)]
                remove(folder / "index", [str(id)])
            elif what == "compact":
                compact(folder / "index")
        build_index([rows(folder / "all.jsonl", live)], folder / "once", encoder=encoder, chunk=CHUNK)
        assert read_manifest(folder / "index").passages == read_manifest(folder / "once").passages
        for mode in ("dense", "bm25", "hybrid"):
            one, other = (search(folder / name, encoder, question, mode) for name in ("index", "once"))
            # In batches of other lengths the vectors of the same text differ in the last digits.
            near = 2e-2 if mode == "hybrid" else 1e-3
            assert {hit.passage.id: hit.score for hit in one} == pytest.approx(
                {hit.passage.id: hit.score for hit in other}, abs=near
            )
        assert verify(folder / "index", lambda _: encoder).problems == ()


def test_adding_takes_in_files_as_those_before_were_taken(encoder: Encoder, tmp_path: Path) -> None:
    first = rows(tmp_path / "a.jsonl", {"one": "the moon orbits the earth"})
    build_index([first], tmp_path / "index", encoder=encoder, chunk=CHUNK)
    report = add([rows(tmp_path / "b.jsonl", {"two": "the moon " * 10})], tmp_path / "index", encoder=encoder)
    assert (report.added, report.changed, report.encoded, report.version) == (1, 0, 2, 2)
    assert (report.documents, report.passages) == (2, 3)
    assert len(texts(tmp_path / "index", encoder)["two"]) == 2  # At most 12 tokens, as the first ones.
    manifest = read_manifest(tmp_path / "index")
    assert [(segment.name, segment.passages) for segment in manifest.segments] == [("000001", 1), ("000002", 2)]


def test_a_document_that_is_there_is_refused_replaced_or_skipped(encoder: Encoder, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build_index([rows(tmp_path / "a.jsonl", {"one": "the moon"})], index, encoder=encoder)
    again = rows(tmp_path / "b.jsonl", {"one": "the river"})
    before = read_manifest(index)
    with pytest.raises(
        DataError, match=r"id 'one', one from .*a\.jsonl, in the index already, and one from .*b\.jsonl; --on-duplicate"
    ):
        add([again], index, encoder=encoder)
    report = add([again], index, encoder=encoder, on_duplicate="skip")
    assert (report.skipped, report.added, report.version) == (1, 0, 1)
    assert read_manifest(index) == before
    report = add([again], index, encoder=encoder, on_duplicate="replace")
    assert (report.changed, report.added, report.documents) == (1, 0, 1)
    assert texts(index, encoder) == {"one": ["the river"]}


def test_a_document_of_a_renamed_file_is_refused_with_what_removes_the_old_one(
    encoder: Encoder, tmp_path: Path
) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    build_index([rows(docs / "a.jsonl", {"one": "the moon"})], index, encoder=encoder)
    (docs / "a.jsonl").rename(docs / "b.jsonl")
    with pytest.raises(DataError, match=r"b\.jsonl; the first is no longer there, and --prune removes what was read"):
        update([docs], index, encoder=encoder)
    assert update([docs], index, encoder=encoder, prune=True).documents == 1


def test_within_one_change_the_later_document_replaces_or_is_skipped(encoder: Encoder, tmp_path: Path) -> None:
    files = [rows(tmp_path / f"{text}.jsonl", {"one": text, text: text}) for text in ("moon", "river", "sun")]
    report = build_index(files, tmp_path / "index", encoder=encoder, on_duplicate="replace")
    assert (report.added, report.changed, report.documents, report.passages) == (4, 0, 4, 4)
    assert texts(tmp_path / "index", encoder)["one"] == ["sun"]
    report = build_index(files, tmp_path / "index", encoder=encoder, on_duplicate="skip")
    assert (report.added, report.skipped) == (4, 2)
    assert texts(tmp_path / "index", encoder)["one"] == ["moon"]


def test_an_update_encodes_what_is_new_or_changed_alone(encoder: Encoder, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("same", "edited", "gone"):
        (docs / f"{name}.txt").write_text(f"the moon is {name}")
    rows(docs / "rows.jsonl", {"a": "river", "b": "tower", "c": "city"})
    build_index([docs], tmp_path / "index", encoder=encoder)

    (docs / "edited.txt").write_text("the moon was edited")
    (docs / "gone.txt").unlink()
    (docs / "new.txt").write_text("the sun is new")
    rows(docs / "rows.jsonl", {"a": "river", "b": "bridge", "d": "museum"})
    report = update([docs], tmp_path / "index", encoder=encoder)
    assert (report.added, report.changed, report.removed, report.unchanged) == (2, 2, 1, 2)
    assert (report.encoded, report.vanished) == (4, (str(docs / "gone.txt"),))
    assert {id: parts for id, parts in texts(tmp_path / "index", encoder).items() if len(id) == 1} == {
        "a": ["river"],
        "b": ["bridge"],
        "d": ["museum"],
    }

    version = read_manifest(tmp_path / "index").version
    report = update([docs], tmp_path / "index", encoder="no/such-encoder")  # Which nothing needs.
    assert (report.unchanged, report.encoded, report.version) == (6, 0, version)
    report = update([docs], tmp_path / "index", prune=True)
    assert (report.removed, report.documents, report.vanished) == (1, 6, ())


def test_only_what_was_read_from_under_the_given_paths_can_vanish(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("docs", "docs2"):
        Path(name).mkdir()
        for file in ("a", "b"):
            Path(name, f"{file}.txt").write_text(f"{name} {file}")
    build_index(["docs", "docs2"], "index", encoder=encoder)
    Path("docs/a.txt").unlink()
    Path("docs2/a.txt").unlink()
    assert update(["docs"], "index").vanished == ("docs/a.txt",)
    assert update(["docs2/"], "index").vanished == ("docs2/a.txt",)
    assert update(["."], "index").vanished == ("docs/a.txt", "docs2/a.txt")


def test_a_file_that_cannot_be_read_any_more_keeps_its_documents(encoder: Encoder, tmp_path: Path) -> None:
    file = rows(tmp_path / "a.jsonl", {"one": "the moon", "two": "the sun"})
    build_index([file], tmp_path / "index", encoder=encoder)
    file.write_text('{"id": "one", "title": "T", "text": "the moon"}\n{"id": ')
    report = update([file], tmp_path / "index", encoder=encoder)
    assert (report.removed, report.unchanged, len(report.unusable)) == (0, 1, 1)
    assert report.unusable[0].reason.endswith("; what was read from it before is kept")
    assert set(texts(tmp_path / "index", encoder)) == {"one", "two"}


def test_of_a_file_that_has_become_empty_it_is_said_that_its_text_is_kept(encoder: Encoder, tmp_path: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    for name in ("a", "b"):
        (docs / f"{name}.txt").write_text(f"the moon {name}")
    (docs / "c.txt").touch()
    build_index([docs], index, encoder=encoder)
    (docs / "a.txt").write_text("")
    for _ in range(2):
        report = update([docs], index, encoder=encoder, prune=True)
        told = {Path(item.source).name: item.reason for item in report.unusable}
        assert told == {"a.txt": "empty; what was read from it before is kept", "c.txt": "empty"}
        assert report.documents == 2


def test_what_is_there_and_cannot_be_read_or_is_left_out_is_not_pruned(encoder: Encoder, tmp_path: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    (docs / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c", "sub/d"):
        (docs / f"{name}.txt").write_text(f"the moon {name}")
    build_index([docs], index, encoder=encoder)
    (docs / "a.txt").unlink()
    (docs / "a.txt").symlink_to(docs / "nowhere.txt")
    (docs / "sub" / "c.txt").unlink()
    report = update([docs], index, encoder=encoder, prune=True, exclude="b.txt")
    assert (report.removed, report.documents, report.excluded) == (1, 3, 1)
    assert [Path(item.source).name for item in report.unusable] == ["a.txt"]


def refusing(usual: Callable[..., object], folder: Path) -> Callable[..., object]:
    def call(path: str | Path, **options: object) -> object:
        if Path(path).is_relative_to(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path, **options)

    return call


def test_a_folder_that_may_not_be_listed_any_more_keeps_its_documents(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    (docs / "sub").mkdir(parents=True)
    (docs / "a.txt").write_text("the moon")
    (docs / "sub" / "b.txt").write_text("the sun")
    build_index([docs], index, encoder=encoder)
    for owner, name in ((os, "lstat"), (Path, "iterdir")):  # The superuser, who runs tests somewhere, may do all.
        monkeypatch.setattr(owner, name, refusing(getattr(owner, name), docs / "sub"))
    report = update([docs], index, encoder=encoder, prune=True)
    assert (report.removed, report.documents) == (0, 2)
    assert [(Path(item.source).name, item.reason) for item in report.unusable] == [("sub", "Permission denied")]


def test_an_update_of_a_folder_that_has_become_empty_says_what_is_gone(encoder: Encoder, tmp_path: Path) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "a.txt").write_text("the moon")
    build_index([docs], index, encoder=encoder)
    (docs / "a.txt").unlink()
    report = update([docs], index, encoder=encoder)
    assert report.vanished == (str(docs / "a.txt"),)
    assert "nothing to read" in report.unusable[0].reason


def test_a_file_that_takes_back_a_change_is_read_again(encoder: Encoder, tmp_path: Path) -> None:
    index, file = tmp_path / "index", tmp_path / "a.txt"
    file.write_text("the moon")
    (tmp_path / "big.txt").write_text("the earth")
    build_index([tmp_path / "big.txt", file], index, encoder=encoder)
    for text in ("the sun", "the moon"):
        file.write_text(text)
        assert update([file], index, encoder=encoder).changed == 1
        compact(index)
        assert texts(index, encoder)[str(file)] == [text]
        assert update([file], index, encoder=encoder).unchanged == 1


def test_documents_are_removed_by_id_file_folder_and_filter(encoder: Encoder, tmp_path: Path) -> None:
    index, docs = tmp_path / "index", tmp_path / "docs"
    (docs / "old").mkdir(parents=True)
    rows(docs / "a.jsonl", {"one": "moon", "two": "sun"}, lang="en")
    rows(docs / "b.jsonl", {"three": "mond"}, lang="de")
    rows(docs / "old" / "c.jsonl", {"four": "luna", "five": "sol"}, lang="es")
    rows(docs / "d.jsonl", {"six": "tower"})
    build_index([docs], index, encoder=encoder)
    assert remove(index, ["one"]).removed == 1
    assert remove(index, [str(docs / "b.jsonl")]).removed == 1
    assert remove(index, [str(docs / "old") + "/"]).removed == 2
    report = remove(index, filters=[parse("lang=en")])
    assert (report.removed, report.documents, report.passages) == (1, 1, 1)
    assert set(texts(index, encoder)) == {"six"}


def test_what_cannot_be_removed_is_told_and_nothing_is(encoder: Encoder, copy: Path) -> None:
    before = read_manifest(copy)
    with pytest.raises(UsageError, match="no document, file or folder of the index is called 'none'"):
        remove(copy, [next(iter(texts(copy, encoder))), "none"])
    with pytest.raises(UsageError, match=r"no document matches id=none; nothing is removed"):
        remove(copy, filters=[parse("id=none")])
    with pytest.raises(UsageError, match="nothing to remove: name document ids, files or folders, or give a --filter"):
        remove(copy)
    with pytest.raises(UsageError, match=r"nothing would be left of the index .*copy, so it stays as it is; delete"):
        remove(copy, filters=[parse("id!=none")])
    assert read_manifest(copy) == before
    assert len(texts(copy, encoder)) == 2


def test_compacting_gives_back_the_room_of_what_was_deleted(encoder: Encoder, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build_index([rows(tmp_path / "a.jsonl", {str(n): f"moon {n}" for n in range(400)})], index, encoder=encoder)
    size = read_manifest(index).bytes
    remove(index, [str(n) for n in range(1, 400)])
    assert read_manifest(index).deleted_passages == 399
    report = compact(index)
    assert (report.documents, report.passages, report.version) == (1, 1, 3)
    assert report.bytes == read_manifest(index).bytes < size / 2
    assert read_manifest(index).deleted_passages == 0
    assert texts(index, encoder) == {"0": ["moon 0"]}
    assert compact(index).version == 3, "there was nothing left to do"


def test_many_small_changes_leave_few_segments(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odqa.index.compaction.MOST", 3)
    index = tmp_path / "index"
    build_index([rows(tmp_path / "a.jsonl", {f"a{n}": "moon" for n in range(9)})], index, encoder=encoder)
    for number in range(6):
        add([rows(tmp_path / f"{number}.jsonl", {str(number): f"moon {number}"})], index, encoder=encoder)
        segments = read_manifest(index).segments
        assert len(segments) <= 3
        assert segments[0].name == "000001", "the largest one is not copied"
    assert set(texts(index, encoder)) == {f"a{n}" for n in range(9)} | {str(n) for n in range(6)}
    assert sorted(path.name for path in (index / "segments").iterdir()) == sorted(part.name for part in segments)


def test_another_encoder_adds_nothing(encoder: Encoder, copy: Path, tmp_path: Path) -> None:
    other = Encoder.load(tiny.make_encoder(tmp_path / "other", seed=1))
    file = rows(tmp_path / "a.jsonl", {"one": "moon"})
    with pytest.raises(IndexFolderError, match="vectors of different encoders cannot be compared"):
        add([file], copy, encoder=other)
    assert read_manifest(copy).version == 1


def test_an_index_is_needed_and_no_folder_is_made_for_a_lock(encoder: Encoder, tmp_path: Path) -> None:
    file = rows(tmp_path / "a.jsonl", {"one": "moon"})
    for change in (lambda: add([file], tmp_path / "none"), lambda: update([file], tmp_path / "none"),
                   lambda: remove(tmp_path / "none", ["one"]), lambda: compact(tmp_path / "none")):  # fmt: skip
        with pytest.raises(IndexFolderError, match="none is not an index: it does not exist; make one with"):
            change()
    assert not (tmp_path / "none").exists()


def test_files_with_nothing_usable_are_told(encoder: Encoder, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    with pytest.raises(OdqaError, match=r"nothing could be indexed(.|\n)*empty\.txt: empty"):
        add([tmp_path / "empty.txt"], copy, encoder=encoder)
    assert read_manifest(copy).version == 1


def filters(*texts: str) -> list[Filter]:
    return [parse(text) for text in texts]


@pytest.mark.parametrize("mode", ["dense", "bm25", "hybrid"])
def test_a_filter_narrows_the_search_and_k_stays_k(encoder: Encoder, tmp_path: Path, mode: str) -> None:
    index = tmp_path / "index"
    for year in (2019, 2020, 2021):
        file = rows(tmp_path / f"{year}.jsonl", {f"{year}-{n}": f"moon {n}" for n in range(5)}, year=year)
        (build_index if year == 2019 else add)([file], index, encoder=encoder)
    remove(index, ["2020-0"])
    query = encoder.encode_queries(["moon"])
    with Index.open(index, mode=mode) as opened:
        everything = opened.search(["moon"], 100, query)[0]
        for chosen, years in (
            (["year>=2020"], {2020, 2021}),
            (["year=2020"], {2020}),
            (["year>2019", "year<2021"], {2020}),
        ):
            hits = opened.search(["moon"], 4, query, filters(*chosen))[0]
            assert len(hits) == 4
            assert {int(hit.passage.document_id[:4]) for hit in hits} <= years
            count = sum(int(hit.passage.document_id[:4]) in years for hit in everything)
            assert opened.matching(filters(*chosen)) == count == {1: 4, 2: 9}[len(years)]
            if mode != "hybrid":  # Whose scores are relative to the candidates.
                narrowed = [hit.passage.id for hit in everything if int(hit.passage.document_id[:4]) in years]
                assert [hit.passage.id for hit in hits] == narrowed[:4]
        assert opened.search(["moon"], 4, query, filters("year=1999")) == [[]]
        assert opened.matching(filters("year=1999")) == 0
        with pytest.raises(UsageError, match="yaer"):
            opened.search(["moon"], 4, query, filters("yaer=2020"))


def test_a_clustered_index_takes_small_changes_and_is_compacted_as_it_was_asked_for(tmp_path: Path) -> None:
    words, index, factory = WordEncoder(), tmp_path / "index", "IVF32,Flat"
    first = rows(tmp_path / "a.jsonl", {str(n): f"moon {n}" for n in range(80)})
    build_index([first], index, encoder=words, storage=Storage(factory=factory))
    add([rows(tmp_path / "b.jsonl", {"b": "sun"})], index, encoder=words)
    rows(tmp_path / "b.jsonl", {"b": "river"})
    assert update([tmp_path / "b.jsonl"], index, encoder=words).changed == 1
    kinds = [segment.vectors["factory"] for segment in read_manifest(index).segments]
    assert kinds == [factory, "Flat"]
    assert search(index, words, "river")[0].passage.document_id == "b"
    compact(index)
    assert [segment.vectors["factory"] for segment in read_manifest(index).segments] == [factory]
    assert read_manifest(index).storage["factory"] == factory
    assert search(index, words, "river")[0].passage.document_id == "b"
    assert not verify(index, lambda _: words).problems


def test_small_segments_of_a_clustered_index_are_folded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odqa.index.compaction.MOST", 2)
    words, index = WordEncoder(), tmp_path / "index"
    first = rows(tmp_path / "a.jsonl", {str(n): f"moon {n}" for n in range(80)})
    build_index([first], index, encoder=words, storage=Storage(factory="IVF32,Flat"))
    for name in ("sun", "river"):
        add([rows(tmp_path / f"{name}.jsonl", {name: name})], index, encoder=words)
    assert [segment.vectors["factory"] for segment in read_manifest(index).segments] == ["IVF32,Flat", "Flat"]
    remove(index, [str(n) for n in range(70)])
    assert compact(index).passages == 12, "too few for what was asked for, and it was not asked for now"


def test_a_factory_that_is_asked_for_must_fit(tmp_path: Path) -> None:
    class Counting(WordEncoder):
        encoded = 0

        def encode_passages(self, passages: Sequence[Passage], progress: Callable[[int], None] | None = None) -> Any:
            self.encoded += len(passages)
            return super().encode_passages(passages, progress)

    words, index = Counting(), tmp_path / "index"
    first = rows(tmp_path / "a.jsonl", {str(n): f"moon {n}" for n in range(20)})
    with pytest.raises(UsageError, match="learn from at least 32 vectors, and there are 20"):
        build_index([first], index, encoder=words, storage=Storage(factory="IVF32,Flat"))
    assert words.encoded == 0, "so it is told before hours of encoding"
    build_index([first], index, encoder=words)
    with pytest.raises(UsageError, match="learn from at least 32 vectors, and there are 20"):
        compact(index, storage=Storage(factory="IVF32,Flat"))
