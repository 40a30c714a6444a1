"""What holds of an index in a Milvus alone; what it shares with a folder is in test_contract."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from odqa.addresses import Address, MilvusAddress, address_of
from odqa.corpus import ChunkOptions
from odqa.errors import DataError, IndexFolderError, OdqaError, UsageError
from odqa.index.build import add, build_index
from odqa.index.copying import copy
from odqa.index.interface import Storage
from odqa.index.milvus.generation import Run
from odqa.index.removal import remove
from odqa.index.stores import store_at
from odqa.types import Document
from tests.index.places import needs_milvus, new_address, opened
from tests.index.word_encoder import WordEncoder

pytestmark = needs_milvus

CHUNK = ChunkOptions(max_tokens=8, overlap_tokens=0)
DOCUMENTS = [
    Document(f"d{number}", "", f"Text {number} of ten. It has a second sentence, {number}.") for number in range(10)
]


class Counting(WordEncoder):
    """Counts the passages that it encodes, and fails after some."""

    def __init__(self, most: int = 1_000_000) -> None:
        super().__init__()
        self.encoded = 0
        self.most = most

    def encode_passages(self, passages: Any, progress: Any = None) -> Any:
        if self.encoded + len(passages) > self.most:
            raise OdqaError("killed")
        self.encoded += len(passages)
        return super().encode_passages(passages, progress)


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("milvus") / "some.db"


@pytest.fixture
def address(lite: Path, tmp_path: Path) -> MilvusAddress:
    found = new_address("milvus", tmp_path, lite)
    assert isinstance(found, MilvusAddress)
    return found


def client(lite: Path) -> Any:
    from pymilvus import MilvusClient

    return MilvusClient(str(lite))


def collections(address: MilvusAddress) -> list[str]:
    assert address.file
    return sorted(name for name in client(address.file).list_collections() if name.startswith(f"{address.name}__"))


def test_a_killed_run_goes_on_where_it_was(address: MilvusAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odqa.index.milvus.change.MOST_ROWS", 4)
    with pytest.raises(OdqaError, match="killed"):
        build_index(documents=DOCUMENTS, folder=address, encoder=Counting(8), chunk=CHUNK)
    assert not store_at(address).exists(), "half an index is none"
    encoder = Counting()
    report = build_index(documents=DOCUMENTS, folder=address, encoder=encoder, chunk=CHUNK)
    assert encoder.encoded == report.passages - 8
    assert not store_at(address).verify(lambda manifest: WordEncoder()).problems
    assert collections(address) == [f"{address.name}__g000001", f"{address.name}__odqa"]


def test_what_a_killed_run_has_left_is_not_taken_for_what_another_writes(
    address: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odqa.index.milvus.change.MOST_ROWS", 4)
    with pytest.raises(OdqaError, match="killed"):
        build_index(documents=DOCUMENTS, folder=address, encoder=Counting(8), chunk=CHUNK)
    changed = [Document("d0", "", "Another text."), *DOCUMENTS[2:5]]
    encoder = Counting()
    report = build_index(documents=changed, folder=address, encoder=encoder, chunk=CHUNK)
    assert report.documents == 4 and encoder.encoded < report.passages
    with opened(address, "bm25") as index:
        assert [document.id for document in index.documents()] == ["d0", "d2", "d3", "d4"]
    assert not store_at(address).verify(lambda manifest: WordEncoder()).problems


@pytest.mark.parametrize("part", ["odqa", "g000001"])
def test_a_collection_that_a_killed_run_has_left_without_indexes_gets_them(
    part: str, address: MilvusAddress, lite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymilvus import MilvusClient

    create_index = MilvusClient.create_index

    def killed(self: Any, collection: str, *args: Any, **options: Any) -> None:
        if collection.endswith(part):
            raise KeyboardInterrupt
        create_index(self, collection, *args, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MilvusClient, "create_index", killed)
        build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder())
    left, other = f"{address.name}__{part}", client(lite)
    assert other.has_collection(left) and not other.list_indexes(left)
    build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder())
    assert other.list_indexes(left)
    assert not store_at(address).verify(lambda manifest: WordEncoder()).problems


def test_the_generation_before_is_kept_and_the_one_before_that_dropped(address: MilvusAddress) -> None:
    build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder())
    for number in (2, 3):
        add(documents=[DOCUMENTS[number]], folder=address, encoder=WordEncoder())
    generations = [f"{address.name}__g{number:06}" for number in (2, 3)]
    assert collections(address) == [*generations, f"{address.name}__odqa"]
    assert client(address.file or Path()).describe_alias(address.name)["collection_name"] == generations[-1]
    with opened(address, "bm25") as old:
        for number in (4, 5):
            add(documents=[DOCUMENTS[number]], folder=address, encoder=WordEncoder())
        with pytest.raises(IndexFolderError, match="open the index again"):
            old.search(["text"], 3)


def test_of_two_runs_the_one_that_began_first_stops(address: MilvusAddress) -> None:
    build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder())
    with (
        pytest.raises(IndexFolderError, match="being changed by another process, which began later"),
        store_at(address).changing() as first,
    ):
        remove(address, "d0")
        first.catalog.remove(next(iter(first.catalog.all())))
        first.land(first.manifest)
    assert store_at(address).manifest().documents == 1


def test_a_run_that_another_overtakes_while_it_encodes_writes_nothing_more(address: MilvusAddress) -> None:
    class Overtaken(WordEncoder):
        def encode_passages(self, passages: Any, progress: Any = None) -> Any:
            add(documents=[DOCUMENTS[3]], folder=address, encoder=WordEncoder())
            return super().encode_passages(passages, progress)

    build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder())
    with pytest.raises(IndexFolderError, match="being changed by another process, which began later"):
        add(documents=[DOCUMENTS[4]], folder=address, encoder=Overtaken())
    with opened(address, "bm25") as index:
        assert [document.id for document in index.documents()] == ["d0", "d1", "d3"]
    assert not store_at(address).verify(lambda manifest: WordEncoder()).problems


def test_a_run_that_another_overtakes_when_all_is_written_leaves_its_manifest_alone(
    address: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymilvus import MilvusClient

    flush = MilvusClient.flush

    def overtaken(self: Any, *args: Any, **options: Any) -> None:
        monkeypatch.setattr(MilvusClient, "flush", flush)
        add(documents=[Document("new", "", "A text.", metadata={"year": 5})], folder=address, encoder=WordEncoder())
        flush(self, *args, **options)

    build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder())
    monkeypatch.setattr(MilvusClient, "flush", overtaken)
    with pytest.raises(IndexFolderError, match="being changed by another process, which began later"):
        add(documents=[DOCUMENTS[4]], folder=address, encoder=WordEncoder())
    with opened(address, "bm25") as index:
        assert index.matching(["year=5"]) == 1, "the field is in the manifest"


def test_a_run_that_begins_when_another_ends_leaves_its_index_alone(
    address: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Run):
        def __init__(self, *args: Any) -> None:
            monkeypatch.undo()
            remove(address, "d0")
            super().__init__(*args)

    build_index(documents=DOCUMENTS[:3], folder=address, encoder=WordEncoder())
    monkeypatch.setattr("odqa.index.milvus.change.Run", Late)
    with pytest.raises(IndexFolderError, match="was changed when this began"):
        add(documents=[DOCUMENTS[4]], folder=address, encoder=WordEncoder())
    with pytest.raises(IndexFolderError, match="was changed meanwhile"), store_at(address).changing() as late:
        remove(address, "d1")
        monkeypatch.setattr(Run, "check", lambda self: None)  # It looked just before.
        late.catalog.remove(next(iter(late.catalog.all())))
        late.land(late.manifest)
    assert store_at(address).manifest().documents == 1 and not store_at(address).verify(None).problems


def test_a_generation_that_a_later_run_has_begun_is_not_dropped(address: MilvusAddress, lite: Path) -> None:
    build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder())
    client(lite).create_collection(f"{address.name}__g000003", dimension=4)
    add(documents=[DOCUMENTS[2]], folder=address, encoder=WordEncoder())
    assert f"{address.name}__g000003" in collections(address)


def test_a_collection_that_odqa_has_not_made_is_left_alone(address: MilvusAddress, lite: Path) -> None:
    other = client(lite)
    other.create_collection(address.name, dimension=4)
    other.insert(address.name, [{"id": 1, "vector": [0.0, 0.0, 0.0, 1.0]}])
    for ask in (
        lambda: build_index(documents=DOCUMENTS, folder=address, encoder=WordEncoder()),
        lambda: store_at(address).manifest(),
        lambda: store_at(address).open(),
    ):
        with pytest.raises(IndexFolderError, match="was not made by odqa"):
            ask()
    assert other.query(address.name, filter="id == 1", output_fields=["id"])


def test_a_manifest_of_another_format_or_damaged_is_told(address: MilvusAddress) -> None:
    build_index(documents=DOCUMENTS[:1], folder=address, encoder=WordEncoder())
    store: Any = store_at(address)
    whole = json.loads(store.note("generation 1"))
    for change, said in (
        ({"format": 99}, "has index format 99, this odqa reads"),
        ({"encoder_hash": 5}, "is damaged: encoder_hash"),
        ({"all_passages": -1}, "is damaged: all_passages"),
        ({"all_passages": 7}, "has 1 passages where its manifest has 7|has 2 passages where its manifest has 7"),
    ):
        store.keep("generation 1", json.dumps(whole | change))
        with pytest.raises(IndexFolderError, match=said):
            store.open()
        _rewrite(store, whole)
    store.keep("a", "b" * 40_000)
    assert store.note("a") == "b" * 40_000


def _rewrite(store: Any, whole: dict[str, Any]) -> None:
    from odqa.index.milvus.client import Milvus
    from odqa.index.milvus.ledger import Ledger

    with Milvus(store.address) as milvus:
        Ledger(milvus, store.address).write("generation 1", json.dumps(whole))


def test_a_row_that_was_changed_by_others_is_found(address: MilvusAddress, lite: Path) -> None:
    build_index(documents=DOCUMENTS[:3], folder=address, encoder=WordEncoder(), chunk=CHUNK)
    collection = f"{address.name}__g000001"
    other = client(lite)
    (row,) = other.query(collection, filter="row == 2", output_fields=["*"])
    row.pop("sparse")
    other.upsert(collection, [{**row, "text": "Something else."}])
    (problem,) = store_at(address).verify(None).problems
    assert "row 2" in problem.what and "not as it was written" in problem.what and str(address) in problem.remedy


def test_what_a_milvus_cannot_hold_is_told_and_the_rest_taken_in(address: MilvusAddress) -> None:
    long = Document("long", "", "A short text.", metadata={"note": "x" * 70_000})
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"in": deep, "list": [[1, {"a": "b"}]]}
    nested = Document("nested", "", "Nested metadata.", metadata=deep)
    report = build_index(documents=[*DOCUMENTS[:1], long, nested], folder=address, encoder=WordEncoder())
    (left_out,) = report.unusable
    assert left_out.source == "long" and "the metadata of the passage long#0 takes 70," in left_out.reason
    assert "65,535" in left_out.reason and report.documents == 2
    with opened(address, "bm25") as index:
        found = index.find("nested")
        assert found is not None and found.metadata == deep
    with pytest.raises(DataError, match="65,535"):
        add(documents=[long], folder=address, encoder=WordEncoder(), strict=True)


def test_names_of_fields_that_no_manifest_holds_are_told(
    address: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = [Document(f"odd{at}", "", "Text.", metadata={name: 1}) for at, name in enumerate(["a\0b", "n" * 20_000])]
    report = build_index(documents=[*DOCUMENTS[:2], *odd], folder=address, encoder=WordEncoder())
    assert [one.source for one in report.unusable] == ["odd0", "odd1"] and report.documents == 2
    assert "holds a NUL" in report.unusable[0].reason and "20,000 characters" in report.unusable[1].reason
    monkeypatch.setattr("odqa.index.milvus.change.MOST_NAMES", 3)
    with pytest.raises(IndexFolderError, match="4 different fields"):
        add(documents=[Document("d5", "", "Text.", metadata={"year": 5})], folder=address, encoder=WordEncoder())
    assert store_at(address).manifest().documents == 2


def test_rows_are_sent_in_requests_that_a_server_takes(address: MilvusAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymilvus import MilvusClient

    upsert, sent = MilvusClient.upsert, list[int]()

    def counted(self: Any, collection: str, rows: Any, **options: Any) -> Any:
        sent.extend([len(rows)] if "__g" in collection else [])
        return upsert(self, collection, rows, **options)

    monkeypatch.setattr(MilvusClient, "upsert", counted)
    monkeypatch.setattr("odqa.index.milvus.change._MOST_SENT", 1)
    build_index(documents=DOCUMENTS[:3], folder=address, encoder=WordEncoder())
    assert sent == [1, 1, 1] and not store_at(address).verify(None).problems


def test_a_disk_is_called_full_where_it_is(address: MilvusAddress) -> None:
    for number, kind, said in ((errno.ENOSPC, OdqaError, "make room there"), (errno.ECONNRESET, OSError, "reset")):
        with pytest.raises(kind, match=said), store_at(address).changing(build=True):
            raise OSError(number, os.strerror(number))


def test_a_filter_that_leaves_too_many_to_be_named_is_told(
    address: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odqa.index.milvus.search._MOST_NAMED", 3)
    build_index(documents=DOCUMENTS, folder=address, encoder=WordEncoder())
    with opened(address, "bm25") as index:
        assert index.matching(["id~=d[01]"]) == 2
        with pytest.raises(UsageError, match=r"more than 3 documents match id~=d\*"):
            index.matching(["id~=d*"])


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("odqa.index.milvus.client.CONNECTING", 0.5)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = address_of(f"milvus://127.0.0.1:{unused.getsockname()[1]}/some")
        for ask in (store_at(address).manifest, store_at(address).open, store_at(address).check_target):
            with pytest.raises(IndexFolderError, match=r"no Milvus answers at 127\.0\.0\.1:.*check the address"):
                ask()
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_server_that_goes_away_in_the_middle_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    for name in ("CONNECTING", "ANSWERING", "WRITING"):
        monkeypatch.setattr(f"odqa.index.milvus.client.{name}", 2.0)
    monkeypatch.setattr("odqa.index.milvus.client.TRIES", 2)
    server, database, port = start_server_in_thread(data_dir=str(tmp_path / "a.db"), host="127.0.0.1", port=0)
    address = address_of(f"milvus://127.0.0.1:{port}/some")
    build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder())
    with opened(address, "bm25") as index:
        assert index.search(["text"], 1)[0]
        server.stop(grace=None).wait()
        with pytest.raises(IndexFolderError, match="no Milvus answers"):
            index.search(["text"], 1)
    with pytest.raises(IndexFolderError, match="no Milvus answers"):
        add(documents=DOCUMENTS[2:3], folder=address, encoder=WordEncoder())
    database.close()
    server, database, _ = start_server_in_thread(data_dir=str(tmp_path / "a.db"), host="127.0.0.1", port=port)
    assert add(documents=DOCUMENTS[2:3], folder=address, encoder=WordEncoder()).documents == 3
    server.stop(grace=None).wait()
    database.close()


def test_a_write_is_tried_again_where_what_stopped_it_passes(
    address: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymilvus import MilvusClient, MilvusException

    monkeypatch.setattr("odqa.index.milvus.client.FIRST_WAIT", 0.001)
    upsert, failures = MilvusClient.upsert, [8, 9]

    def sometimes(self: Any, *args: Any, **options: Any) -> Any:
        if failures:
            raise MilvusException(code=failures.pop(), message="busy")
        return upsert(self, *args, **options)

    monkeypatch.setattr(MilvusClient, "upsert", sometimes)
    assert build_index(documents=DOCUMENTS[:2], folder=address, encoder=WordEncoder()).documents == 2
    assert not failures


def test_the_waits_grow_and_differ() -> None:
    from odqa.index.milvus.client import FIRST_WAIT, TRIES, waits

    *times, last = waits()
    assert last is None and len(times) == TRIES - 1
    assert all(
        time is not None and FIRST_WAIT * 2**at / 2 <= time <= FIRST_WAIT * 2**at for at, time in enumerate(times)
    )
    assert list(waits()) != list(waits())


def test_a_refused_token_is_told_and_never_shown(address: MilvusAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymilvus import MilvusClient, MilvusException

    def refuse(*args: Any, **options: Any) -> None:
        raise MilvusException(code=65535, message=said)

    said = "auth check failure, please check api key is correct"
    monkeypatch.setenv("ODQA_MILVUS_TOKEN", "root:s3cret")
    monkeypatch.setattr(MilvusClient, "__init__", refuse)
    with pytest.raises(IndexFolderError, match=r"refuses the token.*ODQA_MILVUS_TOKEN") as error:
        store_at("milvus://127.0.0.1:1/a").manifest()
    assert "s3cret" not in str(error.value)
    said = "x" * 292 + "root:s3cret"
    with pytest.raises(IndexFolderError, match="xxx") as error:
        store_at("milvus://127.0.0.1:1/a").manifest()
    assert "root" not in str(error.value), "not even half of it, where what is said is shortened"
    monkeypatch.setenv("ODQA_MILVUS_TOKEN", "a\nb")
    with pytest.raises(UsageError, match="holds signs that no token has"):
        store_at("milvus://127.0.0.1:1/a").manifest()


def test_a_file_that_another_process_has_open_is_told(lite: Path, address: MilvusAddress) -> None:
    build_index(documents=DOCUMENTS[:1], folder=address, encoder=WordEncoder())
    program = f"from odqa.index.stores import store_at; store_at({str(address)!r}).manifest()"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "another process has it open" in found.stderr.splitlines()[-1]


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match="there is no folder"):
        store_at(f"milvus:{tmp_path}/nowhere/a.db/some").manifest()


def test_looking_makes_no_file(tmp_path: Path) -> None:
    address = f"milvus:{tmp_path}/new.db/some"
    store = store_at(address)
    store.check_target()
    assert not store.exists()
    for ask in (
        store.manifest,
        store.open,
        lambda: add(documents=DOCUMENTS, folder=address, encoder=WordEncoder()),
        lambda: build_index(documents=DOCUMENTS, folder=address, encoder=WordEncoder(), storage=Storage("GPU_CAGRA")),
    ):
        with pytest.raises(OdqaError, match=r"there is no .*new\.db; make one|GPU_CAGRA is no index"):
            ask()
    assert not any(tmp_path.iterdir())


def test_a_kind_of_index_is_chosen_by_number_or_named(address: MilvusAddress) -> None:
    from odqa.index.milvus.collection import stored_vectors

    chosen = [stored_vectors(Storage(), number)["factory"] for number in (100, 1_000_000, 1_000_000_000)]
    assert chosen == ["FLAT", "HNSW", "IVF_SQ8"]
    with pytest.raises(UsageError, match="GPU_CAGRA is no index of vectors in milvus-lite: there are FLAT, HNSW"):
        build_index(documents=DOCUMENTS, folder=address, encoder=WordEncoder(), storage=Storage("GPU_CAGRA"))
    build_index(documents=DOCUMENTS, folder=address, encoder=WordEncoder(), storage=Storage("HNSW"))
    with opened(address, "dense") as index:
        (hits,) = index.search(["text"], 3, WordEncoder().encode_queries(["text"]))
        assert len(hits) == 3 and index.manifest.newest_vectors["factory"] == "HNSW"


@pytest.mark.parametrize("into", ["folder", "milvus"])
def test_a_copy_is_the_same_index_without_encoding(into: str, lite: Path, tmp_path: Path) -> None:
    documents = [Document(one.id, one.title, one.text, metadata={"year": at}) for at, one in enumerate(DOCUMENTS)]
    source: Address = new_address("milvus" if into == "folder" else "folder", tmp_path, lite)
    target = new_address(into, tmp_path, lite)
    build_index(documents=documents, folder=source, encoder=WordEncoder(), chunk=CHUNK)
    remove(source, "d3")
    report = copy(source, target)
    assert (report.documents, report.encoded, report.version) == (9, 0, 1)
    query = WordEncoder().encode_queries(["text 5"])
    with opened(source) as one, opened(target) as other:
        found, expected = other.search(["text 5"], 5, query, ["year>=4"]), one.search(["text 5"], 5, query, ["year>=4"])
        assert [hit.passage for hit in found[0]] == [hit.passage for hit in expected[0]]
        assert one.manifest.encoder_hash == other.manifest.encoder_hash
    assert not store_at(target).verify(lambda manifest: WordEncoder()).problems
    with pytest.raises(UsageError, match="has an index already"):
        copy(source, target)
    with pytest.raises(UsageError, match="name another place"):
        copy(source, source)
    assert add(documents=[Document("new", "", "New.")], folder=target, encoder=WordEncoder()).documents == 10


def test_nothing_of_milvus_is_imported_for_a_folder(tmp_path: Path) -> None:
    build_index(documents=DOCUMENTS[:1], folder=tmp_path / "index", encoder=WordEncoder())
    program = (
        "import sys; from odqa.index.stores import store_at; import odqa; "
        f"store_at({str(tmp_path / 'index')!r}).open('bm25').search(['text'], 1); "
        "print([one for one in ('pymilvus', 'milvus_lite', 'grpc', 'odqa.index.milvus') if one in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_pymilvus_prints_nothing_and_changes_no_environment(tmp_path: Path) -> None:
    """In a process of its own, in which the first connection imports pymilvus, and that sets up its logging."""
    (tmp_path / ".env").write_text("ODQA_MILVUS_TOKEN=root:s3cret\n")
    program = (
        "import os; before = dict(os.environ); from odqa.addresses import address_of; "
        "from odqa.index.milvus.client import Milvus; print(Milvus(address_of('milvus:new.db/a'), make=True)"
        ".target_of('a'), {*before.items()} ^ {*os.environ.items()})"
    )
    search = {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **search}
    )
    assert (done.stdout, done.stderr) == ("None set()\n", "")


def test_the_logs_hold_no_token(address: MilvusAddress, caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    monkeypatch.setenv("ODQA_MILVUS_TOKEN", "root:s3cret")
    with caplog.at_level(logging.DEBUG):
        build_index(documents=DOCUMENTS[:1], folder=address, encoder=WordEncoder())
        manifest: Any = store_at(address)
        assert "s3cret" not in (manifest.note("generation 1") or "") + caplog.text
