from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from odqa.errors import IndexFolderError, UsageError
from odqa.index.layout import segment_folder
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.retrieval.gpu import gpus
from odqa.retrieval.names import KEYWORDS, VECTORS
from odqa.types import Mode
from tests import tiny

QUESTION = "what orbits the earth"


@pytest.mark.parametrize("mode", list(Mode))
def test_each_mode_finds_and_says_what_it_is(built: Path, mode: Mode) -> None:
    with Retriever.open(built, mode=mode, device="cpu") as retriever:
        assert retriever.index.mode is mode
        (hits,) = retriever.search([QUESTION], 2)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    expected = {"dense", "bm25"} if mode is Mode.HYBRID else {mode.value}
    assert all(set(hit.components) == expected for hit in hits)
    if mode is not Mode.DENSE:
        assert "moon" in hits[0].passage.text


def test_words_alone_find_only_what_shares_one(built: Path) -> None:
    with Retriever.open(built, mode="bm25") as retriever:
        found = retriever.search([QUESTION, "the of what", "zebra"], 3)
    assert [len(hits) for hits in found] == [1, 0, 0]


def test_words_alone_need_neither_encoder_nor_vectors(copy: Path) -> None:
    path = segment_folder(copy, "000001") / VECTORS
    path.write_bytes(bytes(path.stat().st_size))  # Of the right size, and no index of FAISS's.
    program = (
        "import sys\n"
        "from odqa.index.retriever import Retriever\n"
        f"with Retriever.open({str(copy)!r}, mode='bm25') as retriever:\n"
        f"    assert retriever.search([{QUESTION!r}], 3)[0]\n"
        "assert not {'faiss', 'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.raises(IndexFolderError, match=r"vectors\.faiss is damaged: its checksum"):
        Index.open(copy)


def test_vectors_alone_need_no_keywords(copy: Path) -> None:
    path = segment_folder(copy, "000001") / KEYWORDS[1]
    path.write_bytes(bytes(path.stat().st_size))
    Index.open(copy, mode="dense").close()
    with pytest.raises(IndexFolderError, match=rf"{KEYWORDS[1]} is damaged: its checksum"):
        Index.open(copy, mode="bm25")


def test_a_mode_that_there_is_not_is_refused_with_those_that_there_are(built: Path) -> None:
    with pytest.raises(UsageError, match=r"no such mode: 'sparse' \(dense, bm25, hybrid\)"):
        Retriever.open(built, mode="sparse")


def test_another_encoder_is_refused(built: Path, tmp_path: Path) -> None:
    other = tiny.make_encoder(tmp_path / "other", seed=1)
    with pytest.raises(IndexFolderError, match="odqa index"):
        Retriever.open(built, encoder=other, device="cpu")


def test_without_a_gpu_there_is_nothing_to_fall_back_from(built: Path) -> None:
    with Retriever.open(built, device="cpu") as retriever:
        assert retriever.index.why_not_gpu is None
        assert retriever.fallback is None
    with Index.open(built, device="auto") as index:
        assert (index.why_not_gpu is None) == bool(gpus())
    if not gpus():
        with pytest.raises(UsageError, match=r"no search on a GPU: .*or use --device auto or cpu"):
            Index.open(built, device="cuda")
