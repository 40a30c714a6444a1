from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.errors import IndexFolderError
from odqa.retrieval.keywords import FILES, K1, B, Keywords, KeywordWriter, best, keyword_text
from odqa.retrieval.words import Analyzer
from odqa.types import Passage
from tests import tiny

TEXTS = ["The tower was built in Paris.", "The river in Paris is the Seine.", "The moon orbits the earth: moon, moon."]


def passage(text: str, title: str = "", headings: tuple[str, ...] = ()) -> Passage:
    return Passage(id=text[:8], document_id="d", title=title, text=text, start=0, headings=headings)


def write(folder: Path, texts: list[str], language: str = "en") -> Keywords:
    writer = KeywordWriter(language)
    for text in texts:
        writer.add([passage(text)])
    writer.write(folder)
    return Keywords.read(folder, language)


@pytest.fixture(scope="module")
def keywords(tmp_path_factory: pytest.TempPathFactory) -> Keywords:
    return write(tmp_path_factory.mktemp("keywords"), TEXTS)


def bm25(question: str, texts: list[str]) -> list[float]:
    """The formula, word by word."""
    analyze = Analyzer("en")
    passages = [analyze(text) for text in texts]
    average = sum(map(len, passages)) / len(passages)
    scores = [0.0] * len(passages)
    for term in analyze(question):
        df = sum(term in terms for terms in passages)
        idf = math.log(1 + (len(passages) - df + 0.5) / (df + 0.5))
        for at, terms in enumerate(passages):
            tf = terms.count(term)
            scores[at] += idf * tf / (tf + K1 * (1 - B + B * len(terms) / average)) if tf else 0
    return scores


def test_a_score_counted_by_hand(keywords: Keywords) -> None:
    # Terms: tower built pari | river pari sein | moon orbit earth moon moon: on average 11 / 3 a passage.
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    moon = idf * 3 / (3 + K1 * (1 - B + B * 5 / (11 / 3)))
    assert keywords.scores("the Moon?").tolist() == pytest.approx([0, 0, moon])
    assert len(keywords) == 3


@settings(max_examples=25)
@given(
    texts=st.lists(st.lists(st.sampled_from(tiny.WORDS), max_size=8).map(" ".join), min_size=1, max_size=8),
    question=st.lists(st.sampled_from(tiny.WORDS), max_size=5).map(" ".join),
)
def test_scores_are_those_of_the_formula(texts: list[str], question: str) -> None:
    with TemporaryDirectory() as folder:
        assert write(Path(folder), texts).scores(question).tolist() == pytest.approx(bm25(question, texts), abs=1e-5)


@pytest.mark.parametrize("question", ["", "the of what", "?", "zebra"])
def test_a_question_without_a_known_word_finds_nothing(keywords: Keywords, question: str) -> None:
    scores = keywords.scores(question)
    assert scores.tolist() == [0, 0, 0]
    assert best(scores, 3).tolist() == []


def test_passages_without_words_are_found_by_none(tmp_path: Path) -> None:
    with np.errstate(all="raise"):
        found = write(tmp_path, ["the", "…"])
    assert len(found) == 2
    assert found.scores("the tower").tolist() == [0, 0]


def test_title_and_headings_count_and_repetitions_do_not(tmp_path: Path) -> None:
    assert keyword_text(passage("Text.", "Moon", ("Moon", "Orbit"))) == "Moon\nOrbit\nText."
    assert keyword_text(passage("Text.")) == "Text."
    writer = KeywordWriter("en")
    writer.add([passage("It is far.", "Moon"), passage("It is near.", "River", ("Seine",))])
    writer.write(tmp_path)
    assert best(Keywords.read(tmp_path, "en").scores("seine"), 2).tolist() == [1]


def test_the_same_passages_make_the_same_files_that_are_mapped(tmp_path: Path, keywords: Keywords) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        read = write(tmp_path / name, TEXTS)
        assert isinstance(read._model.scores["data"], np.memmap)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_language_decides_on_stems_and_stop_words(tmp_path: Path) -> None:
    german = write(tmp_path, ["Die Häuser stehen.", "Das Schiff fährt."], "de")
    assert best(german.scores("das Haus"), 2).tolist() == [0]


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_told(tmp_path: Path, name: str) -> None:
    write(tmp_path, TEXTS)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(IndexFolderError, match=r"keywords\.data\.npy and .* cannot be read .*build the index again"):
        Keywords.read(tmp_path, "en")


def test_many_threads_get_what_one_gets(keywords: Keywords) -> None:
    with ThreadPoolExecutor(8) as pool:
        expected = [keywords.scores(word).tolist() for word in tiny.WORDS]
        assert [scores.tolist() for scores in pool.map(keywords.scores, tiny.WORDS)] == expected


def test_best_are_the_largest_above_zero_and_ties_come_by_row() -> None:
    scores = np.array([0, 2, 1, 2, 0, 2], np.float32)
    assert best(scores, 2).tolist() == [1, 3]
    assert best(scores, 4).tolist() == [1, 3, 5, 2]
    assert best(scores, 100).tolist() == [1, 3, 5, 2]
    assert best(np.zeros(0, np.float32), 5).tolist() == []
