"""Questions that a Ray cluster reads for: the answers and the reports are those that a single process gives."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.cluster.join import joined
from odqa.cluster.pool import Pool
from odqa.errors import ModelError, OdqaError, UsageError
from odqa.reader.model import Reader
from odqa.reader.spread import spread
from tests.tiny.asked import QUESTIONS, Asked

pytest.importorskip("ray", reason='Ray is not installed: pip install "odqa[ray]"')
pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]


def rounded(value: Any) -> Any:
    """A value of JSON, but for times, numbers to the third digit."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items() if key not in ("timings", "seconds", "reader")}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_file_of_questions_gets_the_same_answers(cluster: Any, asked: Asked, tmp_path: Path) -> None:
    questions = tmp_path / "questions.txt"
    texts = [text for text, _, _ in QUESTIONS]
    questions.write_text("\n".join(texts * 3))
    command = ["ask", "--questions", questions, "--index", asked.index, "--reader", asked.reader, "--explain"]
    alone, together = run(*command, "--device", "cpu"), run(*command, "--ray", "auto")
    ours, theirs = ([json.loads(line) for line in lines.splitlines()] for lines in (alone, together))
    assert len(ours) == 3 * len(texts)
    assert rounded(ours) == rounded(theirs)


def test_an_index_and_a_reader_get_the_same_scores(cluster: Any, asked: Asked, tmp_path: Path) -> None:
    command = ["eval", "--dataset", asked.dataset, "--reader", asked.reader, "--json"]
    whole = [*command, "--index", asked.index]
    alone = run(*whole, "--cache", tmp_path / "one", "--device", "cpu")
    together = run(*whole, "--cache", tmp_path / "two", "--ray", "auto")
    assert rounded(json.loads(alone)) == rounded(json.loads(together))
    (one,), (two,) = ([*(tmp_path / name).iterdir()] for name in ("one", "two"))
    assert one.name == two.name  # Another run may go on with what was read.
    scores, others = json.loads(run(*command, "--device", "cpu")), json.loads(run(*command, "--ray", "auto"))
    for found in (scores, others):
        found.pop("windows_per_second", None)
    assert rounded(scores) == rounded(others)


def test_what_the_reader_refuses_is_refused_as_it_is_here(
    cluster: Any, tiny_reader: Path, copied: Callable[[Path], Path]
) -> None:
    here = Reader.load(tiny_reader, device="cpu")
    with spread(here, "auto") as reader:
        assert reader.read([], []) == []
        with pytest.raises(UsageError, match="n_best"):
            reader.read(["who was it"], ["the tower"], n_best=0)
    folder = copied(tiny_reader)
    another = Reader.load(folder, device="cpu")
    with spread(another, "auto") as reader:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "changed": True}))
        with pytest.raises(ModelError, match="another one on the node"):
            reader.read(["who was it"], ["the tower"])


def doubled(marker: str) -> Callable[[int], int]:
    """A worker that doubles; the first one that is asked for 5 ends its process, as a lost node does."""

    def double(number: int) -> int:
        if number == 5:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return 10
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * number

    return double


def deadly() -> Callable[[int], int]:
    """A worker that no piece leaves alive."""
    return lambda number: os.kill(os.getpid(), signal.SIGKILL) or number


def test_pieces_of_a_worker_that_is_lost_are_done_by_another(cluster: Any, tmp_path: Path) -> None:
    with joined("auto") as found:
        with Pool[int, int](found, "cpu", doubled, str(tmp_path / "marker")) as pool:
            assert len(pool) == 2
            assert [*pool.map(range(20))] == [*range(0, 40, 2)]
            assert (tmp_path / "marker").exists() and len(pool) == 1
            assert [*pool.map([1, 2, 3])] == [2, 4, 6]
        with Pool[int, int](found, "cpu", deadly) as pool, pytest.raises(OdqaError, match="all 2 workers"):
            [*pool.map([1, 2, 3])]
