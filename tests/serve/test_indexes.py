"""Indexes that change while they are served: the new version takes the place of the old one, and no request fails."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from odqa.errors import OdqaError, UsageError
from odqa.index.build import add, build_index, update
from odqa.index.removal import remove
from odqa.serve.batching import Busy
from odqa.serve.indexes import Indexes, Models, NoSuchIndex
from odqa.types import Mode
from tests.tiny.asked import Asked

QUESTION = "who built the tower"


def extend(index: Path, name: str = "moon.txt", text: str = "The moon orbits the earth in days.") -> None:
    folder = index.parent / "more"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    with chdir(folder):
        add([name], index, device="cpu")


def is_open(version: object) -> bool:
    try:
        version.pipeline(Mode.BM25).retriever.search(["tower"], 1)  # type: ignore[attr-defined]
    except UsageError:
        return False
    return True


def test_an_index_is_opened_anew_when_its_folder_changes(copied: Path, models: Models) -> None:
    with Indexes({"notes": copied}, models) as indexes:
        with indexes.use() as before:
            assert before.index.manifest.documents == 4
            extend(copied)
            indexes.refresh()
            with indexes.use("notes") as after:
                assert after.index.manifest.documents == 5
                assert after.pipeline(Mode.DENSE).reader is before.pipeline(Mode.DENSE).reader
                assert after.pipeline(Mode.DENSE).retriever.encoder is before.pipeline(Mode.HYBRID).retriever.encoder
            assert is_open(before), "a request that began with it goes on"
        assert not is_open(before)
        assert (indexes.reloads, indexes.problems) == (1, {})
        indexes.refresh()
        assert indexes.reloads == 1


def test_an_index_that_nobody_uses_is_closed_at_once(copied: Path, models: Models) -> None:
    with Indexes({"notes": copied}, models) as indexes:
        with indexes.use() as before:
            pass
        extend(copied)
        indexes.refresh()
        assert not is_open(before)


def test_what_was_fitted_on_an_index_is_a_change_of_it(copied: Path, models: Models) -> None:
    with Indexes({"notes": copied}, models) as indexes:
        (copied / "rankings").mkdir()
        from odqa.answering.fit_file import own_file

        own_file(copied, models.reader).write_text("{", encoding="utf-8")
        indexes.refresh()
        assert "notes" in indexes.problems
        own_file(copied, models.reader).unlink()
        indexes.refresh()
        assert indexes.problems == {}


def test_a_version_that_cannot_be_opened_takes_no_place(
    copied: Path, models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    with Indexes({"notes": copied}, models) as indexes:
        manifest = (copied / "manifest.json").read_bytes()
        (copied / "manifest.json").write_bytes(manifest[: len(manifest) // 2])
        for _ in range(3):
            indexes.refresh()
        assert "manifest.json" in indexes.problems["notes"]
        assert caplog.text.count("goes on as it was") == 1
        with indexes.use() as version:
            assert version.pipeline(Mode.HYBRID).ask(QUESTION).answers
        (copied / "manifest.json").write_bytes(manifest)
        indexes.refresh()
        assert indexes.problems == {}


def test_a_version_that_cannot_be_opened_is_tried_again_ever_more_rarely(
    copied: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    with Indexes({"notes": copied}, models, clock=lambda: now) as indexes:
        opened, tried = indexes._open, []

        def refuse(name: str, folder: Path) -> None:
            tried.append(now)
            raise OdqaError("its encoder is another one")

        extend(copied)
        monkeypatch.setattr(indexes, "_open", refuse)
        for second in range(200):
            now = float(second)
            indexes.refresh()
        assert tried == [0, 1, 3, 7, 15, 31, 63, 123, 183]
        assert indexes.problems == {"notes": "its encoder is another one"}
        monkeypatch.setattr(indexes, "_open", opened)
        extend(copied, "more.txt", "The moon is far.")  # Another version: it is tried at once.
        indexes.refresh()
        assert (indexes.reloads, indexes.problems) == (1, {})


def test_a_folder_that_is_gone_is_served_on(copied: Path, models: Models) -> None:
    with Indexes({"notes": copied}, models) as indexes:
        shutil.rmtree(copied)
        indexes.refresh()
        assert "does not exist" in indexes.problems["notes"]
        with indexes.use() as version:
            assert version.pipeline(Mode.HYBRID).ask(QUESTION).answers


def test_indexes_that_are_closed_open_no_more(copied: Path, models: Models) -> None:
    with Indexes({"notes": copied}, models) as indexes:
        indexes.warm()
    with pytest.raises(Busy, match="stopping"), indexes.use():
        pass


def test_indexes_share_their_models(copied: Path, asked: Asked, models: Models) -> None:
    with Indexes({"notes": copied, "asked": asked.index}, models) as indexes:
        assert indexes.names == ["notes", "asked"]
        with indexes.use() as one, indexes.use("asked") as other:
            assert one.name == "notes"
            assert one.pipeline(Mode.HYBRID).retriever.encoder is other.pipeline(Mode.HYBRID).retriever.encoder
        with pytest.raises(NoSuchIndex, match="notes, asked"), indexes.use("others"):
            pass


def test_no_request_fails_while_an_index_changes_and_is_replaced(
    copied: Path, notes: Path, tiny_encoder: Path, started: Callable[..., TestClient]
) -> None:
    client = started({"notes": copied})
    indexes = client.app.state.service.indexes  # type: ignore[attr-defined]
    done = threading.Event()

    def ask(number: int) -> list[int]:
        found = []
        while not done.is_set():
            paths = [("/ask", {"question": QUESTION, "k": 2}), ("/search", {"question": QUESTION, "mode": "bm25"})]
            found += [client.post(path, json=body).status_code for path, body in paths]
            found.append(client.get("/documents/tower.md").status_code)
            found.append(client.get("/passages/tower.md%230").status_code)
        return found

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, number) for number in range(4)]
        try:
            for number in range(3):
                extend(copied, f"{number}.txt", f"Day {number} has a moon.")
                indexes.refresh()
            remove(copied, ["0.txt"])
            indexes.refresh()
            shown = client.get("/indexes").json()["indexes"][0]
            assert (shown["documents"], shown["version"]) == (6, 5)
            with chdir(notes.parent):
                for _ in range(2):  # All its files are others then.
                    build_index(["tower.md"], copied, encoder=tiny_encoder, device="cpu")
                    indexes.refresh()
                update(["rows.jsonl", "tower.md"], copied, device="cpu")
                indexes.refresh()
        finally:
            done.set()
        codes = [code for one in asking for code in one.result()]
    assert set(codes) == {200}
    assert (indexes.reloads, indexes.problems) == (7, {})
    assert client.get("/indexes").json()["indexes"][0]["documents"] == 4
