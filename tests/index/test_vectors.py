from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from odqa.errors import IndexFolderError, OdqaError
from odqa.index.vectors import Vectors


def filled(*rows: list[float]) -> Vectors:
    vectors = Vectors.empty(len(rows[0]))
    vectors.add(np.array(rows, np.float32))
    return vectors


def test_the_nearest_come_first_and_equals_by_row() -> None:
    vectors = filled([0, 1], [1, 0], [0.6, 0.8], [1, 0])
    scores, rows = vectors.nearest(np.array([[1, 0], [0, 1]], np.float32), 4)
    assert rows.tolist() == [[1, 3, 2, 0], [0, 2, 1, 3]]
    assert scores.tolist() == [pytest.approx([1, 1, 0.6, 0]), pytest.approx([1, 0.8, 0, 0])]


def test_vectors_are_appended_written_and_read(tmp_path: Path) -> None:
    vectors = filled([1, 0, 0], [0, 1, 0])
    vectors.add(np.array([[0, 0, 1]], np.float32))
    vectors.write(tmp_path / "vectors")
    read = Vectors.read(tmp_path / "vectors")
    assert (len(read), read.dimension) == (3, 3)
    assert read.nearest(np.array([[0, 0, 1]], np.float32), 1)[1].tolist() == [[2]]


def test_a_file_that_faiss_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "vectors").write_bytes(b"no vectors here")
    with pytest.raises(IndexFolderError, match=r"vectors cannot be read by FAISS .*build the index again"):
        Vectors.read(tmp_path / "vectors")


def test_vectors_of_another_metric_are_refused(tmp_path: Path) -> None:
    import faiss

    faiss.write_index(faiss.IndexFlatL2(2), str(tmp_path / "vectors"))
    with pytest.raises(IndexFolderError, match="by another metric than inner_product"):
        Vectors.read(tmp_path / "vectors")


def test_a_file_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory") as error:
        filled([1, 0]).write(tmp_path / "none" / "vectors")
    assert error.value.filename == str(tmp_path / "none" / "vectors")


def test_without_faiss_one_line_names_both_ways_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(OdqaError) as error:
        Vectors.empty(2)
    assert '`pip install "odqa[cpu]"`' in str(error.value)
    assert '`pip install "odqa[gpu]"`' in str(error.value)
    assert "\n" not in str(error.value)
