"""Nothing outside an index is written, deleted or read, whatever its folder holds; and no folder of others is one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from odqa.errors import IndexFolderError, OdqaError
from odqa.index.build import add, build_index, update
from odqa.index.change import Change, changing
from odqa.index.compaction import compact
from odqa.index.held import HeldFolder
from odqa.index.layout import (
    LOCK,
    MANIFEST,
    NEW_MANIFEST,
    PASSAGES,
    RANKINGS,
    SEGMENTS,
    check_kinds,
    is_segment_file,
    is_segment_name,
)
from odqa.index.manifest import read_manifest
from odqa.index.ownership import check_target, is_unfinished
from odqa.index.removal import remove
from odqa.index.search import Index
from odqa.index.verification import verify
from odqa.retrieval.names import KEYWORDS, VECTORS
from tests.index.word_encoder import WordEncoder

SECRET = "zanzibar"


def contents(folder: Path) -> dict[str, bytes | str | None]:
    """All that is in a folder: bytes of files, targets of links, None for folders. Follows no link."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        found[name] = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found


@pytest.fixture
def words() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("kept", "edited", "gone"):
        (docs / f"{name}.txt").write_text(f"the moon {name}")
    return docs


@pytest.fixture
def index(docs: Path, words: WordEncoder, tmp_path: Path) -> Path:
    """An index of two segments, of one of which a document was deleted."""
    folder = tmp_path / "index"
    build_index([docs], folder, encoder=words)
    (docs / "edited.txt").write_text("the sun edited")
    update([docs], folder, encoder=words)
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody's, with all the names in it that an index has."""
    folder = tmp_path / "outside"
    for name in (*KEYWORDS, VECTORS, PASSAGES, "deleted.000001.npy", "thesis.txt"):
        for place in (folder, folder / "000001", folder / "000009"):
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text("mine")
    return folder


def changes(index: Path, docs: Path, words: WordEncoder) -> list[Callable[[], object]]:
    """Every change that there is; the last ones fail in the middle, and undo what they did."""

    def fail(folder: Path) -> None:
        with changing(folder) as change:
            (change.new_segment() / VECTORS).write_text("half")
            raise OSError("the disk is gone")

    return [
        lambda: remove(index, [str(docs / "kept.txt")]),
        lambda: remove(index, ["no such document"]),
        lambda: compact(index),
        lambda: add([docs / "new.txt"], index, encoder=words),
        lambda: update([docs], index, encoder=words, prune=True),
        lambda: build_index([docs], index, encoder=words),
        lambda: build_index([docs / "void.txt"], index, encoder=words),
        lambda: fail(index),
    ]


def linked(path: Path, target: Path) -> None:
    """Put a link in the place of what is at ``path``."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target)


LINKS = [
    (SEGMENTS, ""),
    (f"{SEGMENTS}/000001", "000001"),
    (f"{SEGMENTS}/000009", "000009"),
    (f"{SEGMENTS}/000001/{VECTORS}", VECTORS),
    (f"{SEGMENTS}/000001/{PASSAGES}", PASSAGES),
    (f"{SEGMENTS}/000001/deleted.000002.npy", "deleted.000001.npy"),
    (f"{SEGMENTS}/000002/deleted.000003.npy", "thesis.txt"),
    (f"{SEGMENTS}/000002/vectors.spool", "thesis.txt"),
    (NEW_MANIFEST, "thesis.txt"),
    (MANIFEST, "thesis.txt"),
    (LOCK, "thesis.txt"),
    (RANKINGS, ""),
    (f"{RANKINGS}/0123456789abcdef.json", "thesis.txt"),
]


@pytest.mark.parametrize(("name", "target"), LINKS)
def test_a_link_in_an_index_is_refused_and_nothing_behind_it_is_touched(
    index: Path, docs: Path, outside: Path, words: WordEncoder, name: str, target: str
) -> None:
    linked(index / name, outside / target)
    (docs / "new.txt").write_text("the river new")
    (docs / "void.txt").touch()
    theirs, ours = contents(outside), contents(index)
    for change in changes(index, docs, words):
        with pytest.raises(OdqaError, match=r"is a symbolic link; an index holds regular files|holds no index"):
            change()
        assert contents(outside) == theirs
        assert contents(index) == ours, "refused before anything is locked or written"
    with pytest.raises(IndexFolderError, match="is a symbolic link"):
        Index.open(index)
    if name == MANIFEST:
        with pytest.raises(IndexFolderError, match="is a symbolic link"):
            verify(index, None)
    else:
        assert str(index / name) in verify(index, None).problems[0].what
    assert contents(outside) == theirs


def test_an_index_may_itself_be_behind_a_link(index: Path, docs: Path, words: WordEncoder, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(index, target_is_directory=True)
    remove(link, [str(docs / "kept.txt")])
    compact(link)
    build_index([docs], link, encoder=words)
    assert verify(link, None).problems == ()
    assert link.is_symlink()


@pytest.mark.parametrize("name", [SEGMENTS, f"{SEGMENTS}/000001"])
def test_a_link_that_appears_while_an_index_is_changed_leads_nowhere(
    index: Path, outside: Path, tmp_path: Path, name: str
) -> None:
    """What ``Change.clean`` and the undoing delete goes by descriptors, which a link in the place of a name is not."""
    theirs = contents(outside)
    with pytest.raises(OdqaError, match="gone"), changing(index) as change:
        manifest = read_manifest(index)
        change.new_segment()
        (index / name).rename(tmp_path / "moved")
        (index / name).symlink_to(outside if name == SEGMENTS else outside / "000001")
        change.clean(manifest)
        raise OSError("gone")
    assert contents(outside) == theirs


def test_a_held_folder_stays_the_one_that_was_opened(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").touch()
    (folder / "link").symlink_to(outside)
    theirs = contents(outside)
    with HeldFolder(folder) as held:
        with pytest.raises(OSError):
            held.folder("link")
        with pytest.raises(OSError):
            held.folder("none")
        with held.folder("inner") as inner:
            (folder / "inner").rename(folder / "moved")
            (folder / "inner").symlink_to(outside)
            assert inner.names() == ["file"]
            inner.delete("thesis.txt")
            inner.delete("file")
            assert inner.names() == []
        held.delete("moved")  # A folder is no file.
        held.delete("link")
        held.delete("moved", folder=True)
        assert held.names() == ["inner"]
    assert contents(outside) == theirs


def make_kind(path: Path, kind: str) -> None:
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
@pytest.mark.parametrize("name", [MANIFEST, f"{SEGMENTS}/000001/{PASSAGES}", f"{SEGMENTS}/000001/{KEYWORDS[2]}"])
def test_what_is_no_regular_file_is_named_and_never_opened(index: Path, docs: Path, kind: str, name: str) -> None:
    make_kind(index / name, kind)
    message = f"{index / name} is (not a regular file|a symbolic link)"
    for change in (lambda: Index.open(index), lambda: compact(index), lambda: remove(index, [str(docs / "kept.txt")])):
        with pytest.raises(IndexFolderError, match=message):
            change()
    if name == MANIFEST:
        with pytest.raises(IndexFolderError, match=message):
            verify(index, None)
    else:
        (problem,) = verify(index, None).problems
        assert problem.what.startswith(str(index / name))


def test_sizes_are_compared_before_a_file_is_read(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = index / SEGMENTS / "000001" / VECTORS
    with path.open("r+b") as stream:
        stream.truncate(1 << 40)
    (problem,) = verify(index, None).problems
    assert problem.what == f"{path} is damaged: its size is not the one in the manifest"
    with pytest.raises(IndexFolderError, match="has 1099511627776 bytes"):
        Index.open(index)
    with pytest.raises(IndexFolderError, match="has 1099511627776 bytes"):
        compact(index)
    manifest = index / MANIFEST
    with manifest.open("r+b") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(IndexFolderError, match=r"manifest\.json is too large"):
        read_manifest(index)


FOREIGN = [
    {LOCK: "12345"},
    {LOCK: "", "poetry.lock": ""},
    {"vectors.faiss": "mine"},
    {"vectors.faiss": "mine", LOCK: ""},
    {"passages.sqlite": "mine", "manifest.json": '{"name": "app"}'},
    {"segments/a.bin": "mine", LOCK: ""},
    {"segments/000001/a.bin": "mine", LOCK: ""},
    {"segments/000001/vectors.faiss": "mine"},
    {"segments/000001/vectors.faiss": "mine", LOCK: "", "notes.txt": "mine"},
    {"segments/000001/vectors.faiss": "mine", LOCK: "", "manifest.json": "{}"},
    {"segments/1/vectors.faiss": "mine", LOCK: ""},
    {"rankings/best.json": "mine", LOCK: ""},
    {"manifest.json": "not JSON"},
    {"manifest.json": "not JSON", LOCK: ""},
    {"manifest.json": '{"format": 3}', LOCK: "", "segments/000001/vectors.faiss": "mine"},
    {NEW_MANIFEST: "mine"},
]


@pytest.mark.parametrize("files", FOREIGN, ids=lambda files: " ".join(files))
def test_a_folder_of_another_program_is_no_index(
    docs: Path, words: WordEncoder, tmp_path: Path, files: dict[str, str]
) -> None:
    mine = tmp_path / "mine"
    for name, content in files.items():
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text(content)
    before = contents(mine)
    with pytest.raises(IndexFolderError, match="is not empty and holds no index, so none is written into it; choose"):
        build_index([docs], mine, encoder=words)
    for change in (lambda: compact(mine), lambda: remove(mine, ["x"]), lambda: add([docs], mine, encoder=words)):
        with pytest.raises(IndexFolderError):
            change()
    assert contents(mine) == before


def test_what_a_killed_first_build_leaves_may_be_built_over(docs: Path, words: WordEncoder, tmp_path: Path) -> None:
    for number, names in enumerate(
        (
            [LOCK],
            [LOCK, f"{SEGMENTS}/000001/{PASSAGES}", f"{SEGMENTS}/000001/vectors.spool"],
            [LOCK, f"{SEGMENTS}/000001/{VECTORS}", f"{SEGMENTS}/000001/keywords.runs.ab_4x2yz"],
            [LOCK, f"{SEGMENTS}/000001/{VECTORS}", NEW_MANIFEST],
            [LOCK, f"{SEGMENTS}/000001/{VECTORS}", MANIFEST, f"{RANKINGS}/0123456789abcdef.json"],
        )
    ):
        folder = tmp_path / str(number)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        assert is_unfinished(folder)
        build_index([docs], folder, encoder=words)
        assert verify(folder, None).problems == ()
        assert {path.name for path in folder.iterdir()} <= {LOCK, MANIFEST, SEGMENTS, RANKINGS}
        assert len(list((folder / SEGMENTS).iterdir())) == 1


def test_a_file_of_yours_is_kept_wherever_in_an_index_it_is(index: Path, docs: Path, words: WordEncoder) -> None:
    inner = ("notes.txt", "old/vectors.faiss", "000001/notes.txt")
    mine = ["notes.txt", "vectors.faiss", *(f"{SEGMENTS}/{name}" for name in inner)]
    for name in mine:
        (index / name).parent.mkdir(exist_ok=True)
        (index / name).write_text("mine")
    (index / "segments/link").symlink_to(docs)
    (index / "segments/000001/link").symlink_to(docs)
    before = contents(docs)
    remove(index, [str(docs / "kept.txt")])
    compact(index)
    build_index([docs], index, encoder=words)
    compact(index)
    assert {name: (index / name).read_text() for name in mine} == dict.fromkeys(mine, "mine")
    assert contents(docs) == before
    assert verify(index, None).problems == ()
    (gone,) = (path for path in (index / SEGMENTS / "000001").iterdir() if not path.is_symlink())
    assert gone.name == "notes.txt", "what was ours there is deleted"


def test_an_index_of_an_older_format_is_known_by_its_manifest_and_leaves_nothing(
    docs: Path, words: WordEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / MANIFEST).write_text('{"format": 2, "encoder_hash": ""}')
    for name in ("vectors.faiss", "keywords.vocab.json", "notes.txt"):
        (folder / name).write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(Change, "end", lambda *_, **__: None)  # As if it had been killed after its manifest.
        build_index([docs], folder, encoder=words)
    assert (folder / "vectors.faiss").exists()
    assert read_manifest(folder).outdated == ("vectors.faiss", "keywords.vocab.json")
    compact(folder)
    assert {path.name for path in folder.iterdir()} == {MANIFEST, SEGMENTS, LOCK, "notes.txt"}
    assert read_manifest(folder).outdated == ()
    (folder / "vectors.faiss").write_text("mine, this time")
    compact(folder)
    assert (folder / "vectors.faiss").read_text() == "mine, this time"


def test_names_that_we_give_are_told_from_others() -> None:
    for name in ("000001", "999999", "1000000", "999999999"):
        assert is_segment_name(name)
    for name in ("1", "00001", "0000001", "1000000000", "٠٠٠٠٠١", "000001.old", "", "000001\n"):
        assert not is_segment_name(name)
    for name in (PASSAGES, VECTORS, *KEYWORDS, "vectors.spool", "deleted.000004.npy", "keywords.runs.abcd_123"):
        assert is_segment_file(name)
    for name in ("notes.txt", "deleted.npy", "deleted.4.npy", "vectors.faiss.bak", "keywords.txt", "vectors.faiss\n"):
        assert not is_segment_file(name)


def test_a_folder_that_is_free_or_empty_or_an_index_passes(index: Path, tmp_path: Path) -> None:
    check_kinds(tmp_path / "none")
    check_target(tmp_path / "none")
    check_kinds(index)
    (tmp_path / "empty").mkdir()
    check_target(tmp_path / "empty")


def test_the_last_version_is_told(index: Path, docs: Path) -> None:
    (index / SEGMENTS / "999999999").mkdir()
    with pytest.raises(IndexFolderError, match="has reached the version 999999999, the last one"):
        remove(index, [str(docs / "kept.txt")])


def found_on_disk(folder: Path, text: str) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def secret_index(docs: Path, words: WordEncoder, folder: Path) -> Path:
    """An index with a secret in the text, the title, the words and the path of one of its documents."""
    path = docs / f"{SECRET}.md"
    path.write_text(f"# {SECRET}\n\nthe {SECRET} treaty is {SECRET} " * 40)
    rows = [{"id": f"{SECRET}-1", "text": f"{SECRET} again"}, {"id": "2", "text": "sun"}]
    (docs / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    build_index([docs], folder, encoder=words)
    assert len(found_on_disk(folder, SECRET)) == 2  # Passages and terms.
    return path


def forget(docs: Path, path: Path, folder: Path, words: WordEncoder, how: str) -> None:
    """Take the secret out, by removing or by updating."""
    if how == "remove":
        remove(folder, [str(path), f"{SECRET}-1"])
    else:
        path.unlink()
        (docs / "rows.jsonl").write_text('{"id": "2", "text": "sun"}\n')
        update([docs], folder, encoder=words, prune=True)


@pytest.mark.parametrize("how", ["remove", "update"])
def test_what_was_removed_is_gone_from_the_disk_after_compacting(
    docs: Path, words: WordEncoder, tmp_path: Path, how: str
) -> None:
    folder = tmp_path / "index"
    forget(docs, secret_index(docs, words, folder), folder, words, how)
    compact(folder)
    assert found_on_disk(folder, SECRET) == []
    assert verify(folder, None).problems == ()


@pytest.mark.parametrize("later", ["compact", "remove", "add", "update", "a change that fails", "build"])
def test_what_a_killed_compact_left_is_gone_after_any_later_change(
    docs: Path, words: WordEncoder, tmp_path: Path, later: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    path = secret_index(docs, words, folder)
    forget(docs, path, folder, words, "remove")
    path.unlink()
    (docs / "rows.jsonl").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Change, "end", lambda *_, **__: None)  # As if it had been killed after its manifest.
        compact(folder)
    assert found_on_disk(folder, SECRET)
    assert len(read_manifest(folder).segments) == 1
    (docs / "new.txt").write_text("the river new")
    if later == "a change that fails":
        with pytest.raises(OdqaError, match="no document, file or folder"):
            remove(folder, ["no such document"])
    else:
        changes: dict[str, Callable[[], object]] = {
            "compact": lambda: compact(folder),
            "remove": lambda: remove(folder, [str(docs / "kept.txt")]),
            "add": lambda: add([docs / "new.txt"], folder, encoder=words),
            "update": lambda: update([docs], folder, encoder=words),
            "build": lambda: build_index([docs], folder, encoder=words),
        }
        changes[later]()
    assert found_on_disk(folder, SECRET) == []
    assert verify(folder, None).problems == ()
