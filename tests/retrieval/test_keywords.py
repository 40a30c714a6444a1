from __future__ import annotations

import math
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from bm25s import BM25
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.errors import IndexFolderError
from odqa.retrieval import keywords as module
from odqa.retrieval.keywords import (
    K1,
    PARAMETERS,
    B,
    Keywords,
    KeywordSearch,
    KeywordWriter,
    best,
    keyword_text,
)
from odqa.retrieval.names import KEYWORDS
from odqa.retrieval.words import Analyzer
from odqa.types import Passage
from tests import tiny

TEXTS = ["The tower was built in Paris.", "The river in Paris is the Seine.", "The moon orbits the earth: moon, moon."]
# Spaces of several kinds, letters that fold or compose, marks, scripts without spaces; and any other character.
SIGNS = (
    st.sampled_from(" \u00a0\u3000\x85\u0301\u0308\u0345ab1_'-Éß¨\ufb01\u0130\u1100\u1161가京都カ\u0e01\u0e33")
    | st.characters()
)
SENTENCES = st.lists(st.sampled_from(tiny.WORDS), max_size=8).map(" ".join)


def passage(text: str, title: str = "", headings: tuple[str, ...] = ()) -> Passage:
    return Passage(id=text[:8], document_id="d", title=title, text=text, start=0, headings=headings)


def write(folder: Path, texts: Iterable[str], language: str = "en") -> Keywords:
    folder.mkdir(exist_ok=True)
    with closing(KeywordWriter(folder, language)) as writer:
        for text in texts:
            writer.add([passage(text)])
        writer.finish()
    return Keywords.read(folder)


def search(*parts: Keywords, language: str = "en") -> KeywordSearch:
    return KeywordSearch(parts, [None] * len(parts), language)


@pytest.fixture(scope="module")
def keywords(tmp_path_factory: pytest.TempPathFactory) -> Keywords:
    return write(tmp_path_factory.mktemp("keywords"), TEXTS)


def bm25(question: str, texts: Sequence[str]) -> list[float]:
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


def oracle(question: str, texts: Sequence[str]) -> list[float]:
    """The scores of bm25s."""
    analyze = Analyzer("en")
    passages = [analyze(text) for text in texts]
    terms = [term for term in analyze(question) if any(term in passage for passage in passages)]
    if not terms:
        return [0.0] * len(texts)
    model = BM25(**PARAMETERS)
    model.index(passages, show_progress=False)
    return model.get_scores(terms).tolist()


# Writing


@settings(max_examples=30)
@given(texts=st.lists(st.text(SIGNS, max_size=20), max_size=3), language=st.sampled_from(["en", "de", "zh", "xx"]))
def test_what_is_counted_are_the_terms_of_the_analyzer(texts: list[str], language: str) -> None:
    analyze = Analyzer(language)
    counted: list[Counter[str]] = [Counter() for _ in texts]
    with TemporaryDirectory() as folder, closing(write(Path(folder), texts, language)) as found:
        terms = {term for text in texts for term in analyze(text)}
        for term in terms:
            rows, counts = found.postings(term)
            for row, count in zip(rows.tolist(), counts.tolist(), strict=True):
                counted[row][term] = count
        assert counted == [Counter(analyze(text)) for text in texts]
        assert found.lengths.tolist() == [len(analyze(text)) for text in texts]
        assert len(found) == len(texts)


def test_words_are_analysed_again_once_they_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*TEXTS, "東京タワーは東京にある。" * 4, *TEXTS]  # A run of characters too long to remember among them.
    write(tmp_path / "one", texts).close()
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    write(tmp_path / "other", texts).close()
    for name in KEYWORDS:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_title_and_headings_count_and_repetitions_do_not(tmp_path: Path) -> None:
    assert keyword_text(passage("Text.", "Moon", ("Moon", "Orbit"))) == "Moon\nOrbit\nText."
    assert keyword_text(passage("Text.")) == "Text."
    with closing(KeywordWriter(tmp_path, "en")) as writer:
        writer.add([passage("It is far.", "Moon"), passage("It is near.", "River", ("Seine",))])
        writer.finish()
    assert best(search(Keywords.read(tmp_path)).scores("seine"), 2).tolist() == [1]


def test_the_same_passages_make_the_same_files_that_are_mapped(tmp_path: Path) -> None:
    for name in ("one", "other"):
        read = write(tmp_path / name, TEXTS)
        rows, counts = read.postings("moon")
        for values in (rows.base, counts.base, read.lengths):
            assert isinstance(values.base, np.memmap)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(KEYWORDS)
    for name in KEYWORDS:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_passage_of_a_million_terms(tmp_path: Path) -> None:
    found = write(tmp_path, ["moon " * 700_000 + "earth " * 300_000, "The moon."])
    assert [values.tolist() for values in found.postings("moon")] == [[0, 1], [700_000, 1]]
    assert found.lengths.tolist() == [1_000_000, 1]


def test_what_is_closed_unfinished_leaves_nothing(tmp_path: Path) -> None:
    with closing(KeywordWriter(tmp_path, "en")) as writer:
        writer.add([passage(text) for text in TEXTS])
    assert list(tmp_path.iterdir()) == []


# Scores


def test_a_score_counted_by_hand(keywords: Keywords) -> None:
    # Terms: tower built pari | river pari sein | moon orbit earth moon moon: on average 11 / 3 a passage.
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    moon = idf * 3 / (3 + K1 * (1 - B + B * 5 / (11 / 3)))
    scores = search(keywords).scores("the Moon?")
    assert scores.dtype == np.float32
    assert scores.tolist() == pytest.approx([0, 0, moon])


def test_a_score_over_two_parts_and_a_deletion_counted_by_hand(keywords: Keywords, tmp_path: Path) -> None:
    other = write(tmp_path, ["The moon.", "A moon, a tower."])  # moon | moon tower
    found = KeywordSearch([keywords, other], [None, np.array([False, True])], "en")
    # Live are three passages of 3, 3 and 5 terms and one of 2; two of the four have the moon.
    idf = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    long, short = (tf / (tf + K1 * (1 - B + B * length / (13 / 4))) for tf, length in ((3, 5), (1, 2)))
    assert found.scores("moon").tolist() == pytest.approx([0, 0, idf * long, 0, idf * short])
    assert len(found) == 5


@settings(max_examples=25)
@given(texts=st.lists(SENTENCES, min_size=1, max_size=8), question=SENTENCES)
def test_scores_are_those_of_the_formula_and_of_bm25s(texts: list[str], question: str) -> None:
    with TemporaryDirectory() as folder, closing(write(Path(folder), texts)) as part:
        scores = search(part).scores(question).tolist()
    assert scores == pytest.approx(bm25(question, texts), abs=1e-5)
    assert scores == pytest.approx(oracle(question, texts), abs=1e-5)


@settings(max_examples=15)
@given(
    parts=st.lists(st.lists(st.tuples(SENTENCES, st.booleans()), max_size=6), min_size=1, max_size=4),
    questions=st.lists(SENTENCES, min_size=1, max_size=3),
)
def test_parts_with_deletions_score_like_one_part_of_the_living(
    parts: list[list[tuple[str, bool]]], questions: list[str]
) -> None:
    live = np.array([alive for part in parts for _, alive in part], bool)
    texts = [text for part in parts for text, alive in part if alive]
    with TemporaryDirectory() as folder:
        one = search(write(Path(folder) / "one", texts))
        several = KeywordSearch(
            [write(Path(folder) / str(at), [text for text, _ in part]) for at, part in enumerate(parts)],
            [np.array([alive for _, alive in part], bool) for part in parts],
            "en",
        )
        for question in questions:
            expected, scores = one.scores(question), several.scores(question)
            assert len(scores) == len(several) == len(live)
            assert scores[~live].tolist() == [0] * int((~live).sum())
            assert scores[live].tolist() == expected.tolist()
            rows = np.flatnonzero(live)[best(expected, 5)]
            assert best(scores, 5).tolist() == rows.tolist()
            if texts:
                assert scores[live].tolist() == pytest.approx(oracle(question, texts), abs=1e-5)


def test_a_repeated_term_of_the_question_counts_as_often(keywords: Keywords) -> None:
    found = search(keywords)
    once, twice = found.scores("moon"), found.scores("The moon? Moons!")
    assert twice.tolist() == pytest.approx((2 * once).tolist())


@pytest.mark.parametrize("question", ["mo\u00adon", "moon\u200b", "\u2060moon"])
def test_a_question_is_seen_as_texts_are(keywords: Keywords, question: str) -> None:
    found = search(keywords)
    assert found.scores(question).tolist() == found.scores("moon").tolist() != [0, 0, 0]


@pytest.mark.parametrize("question", ["", "the of what", "?", "zebra"])
def test_a_question_without_a_known_word_finds_nothing(keywords: Keywords, question: str) -> None:
    scores = search(keywords).scores(question)
    assert scores.tolist() == [0, 0, 0]
    assert best(scores, 3).tolist() == []


@pytest.mark.parametrize("texts", [[], ["the", "…"]])
def test_parts_without_passages_or_without_words(tmp_path: Path, keywords: Keywords, texts: list[str]) -> None:
    with np.errstate(all="raise"):
        part = write(tmp_path, texts)
        assert len(part) == len(texts)
        assert search(part).scores("the tower").tolist() == [0] * len(texts)
        both = search(part, keywords).scores("tower").tolist()
    assert [score > 0 for score in both] == [False] * len(texts) + [True, False, False]


def test_nothing_alive_and_no_parts_at_all(keywords: Keywords) -> None:
    with np.errstate(all="raise"):
        assert KeywordSearch([keywords], [np.zeros(3, bool)], "en").scores("moon").tolist() == [0, 0, 0]
        assert KeywordSearch([], [], "en").scores("moon").tolist() == []


def test_language_decides_on_stems_and_stop_words(tmp_path: Path) -> None:
    german = search(write(tmp_path, ["Die Häuser stehen.", "Das Schiff fährt."], "de"), language="de")
    assert best(german.scores("das Haus"), 2).tolist() == [0]


def test_many_threads_get_what_one_gets(keywords: Keywords) -> None:
    found = search(keywords)
    with ThreadPoolExecutor(8) as pool:
        expected = [found.scores(word).tolist() for word in tiny.WORDS]
        assert [scores.tolist() for scores in pool.map(found.scores, tiny.WORDS)] == expected


# Damage


@pytest.mark.parametrize("damage", ["empty", "missing", "short", "foreign"])
@pytest.mark.parametrize("name", KEYWORDS)
def test_a_damaged_file_is_told(tmp_path: Path, name: str, damage: str) -> None:
    write(tmp_path, TEXTS).close()
    path = tmp_path / name
    whole = path.read_bytes()
    short = whole[: len(whole) // 2 if path.suffix == ".sqlite" else -1]
    content = {"empty": b"", "missing": b"", "short": short, "foreign": b"Not what it was. " * 50}[damage]
    path.unlink() if damage == "missing" else path.write_bytes(content)
    message = rf"{re.escape(str(path))} (is damaged|cannot be \w+).+; build the index again"
    with pytest.raises(IndexFolderError, match=message):
        Keywords.read(tmp_path)


@pytest.mark.parametrize("values", [np.zeros((2, 2), np.int32), np.zeros(3, np.float32)])
def test_an_array_of_another_kind_is_told(tmp_path: Path, values: np.ndarray) -> None:
    write(tmp_path, TEXTS).close()
    np.save(tmp_path / "keywords.lengths.npy", values)
    with pytest.raises(IndexFolderError, match=r"keywords\.lengths\.npy cannot be read \(.* where whole numbers are"):
        Keywords.read(tmp_path)


def test_files_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    write(tmp_path / "one", TEXTS).close()
    write(tmp_path / "other", TEXTS[:1]).close()
    table = (tmp_path / "one" / "keywords.sqlite").read_bytes()
    for name in ("keywords.sqlite", "keywords.rows.npy"):
        (tmp_path / "one" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(
        IndexFolderError,
        match=r"one is damaged: it has 9 by keywords\.starts\.npy, 3 by keywords\.rows\.npy, 9 by .* postings; build",
    ):
        Keywords.read(tmp_path / "one")
    (tmp_path / "other" / "keywords.sqlite").write_bytes(table)
    with pytest.raises(
        IndexFolderError, match=r"keywords\.sqlite is damaged: it has 8 terms and keywords\.starts\.npy has 3; build"
    ):
        Keywords.read(tmp_path / "other")


def test_rows_beyond_the_passages_are_told(tmp_path: Path) -> None:
    write(tmp_path, TEXTS).close()
    rows = np.load(tmp_path / "keywords.rows.npy")
    np.save(tmp_path / "keywords.rows.npy", rows + 3)
    with pytest.raises(IndexFolderError, match=r"keywords\.rows\.npy is damaged: it has rows beyond the 3 passages; "):
        search(Keywords.read(tmp_path)).scores("moon")


def test_a_page_of_the_terms_that_turns_out_damaged_is_told(tmp_path: Path) -> None:
    write(tmp_path, [" ".join(f"w{number}" for number in range(2000))]).close()
    path = tmp_path / "keywords.sqlite"
    with closing(sqlite3.connect(path)) as db:
        (size,) = db.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[3 * size :] = b"\xff" * (len(content) - 3 * size)
    path.write_bytes(content)
    found = search(Keywords.read(tmp_path))
    with pytest.raises(IndexFolderError, match=r"keywords\.sqlite is damaged: .*malformed; build the index"):
        found.scores(" ".join(f"w{number}" for number in range(2000)))


# The best


def test_best_are_the_largest_above_zero_and_ties_come_by_row() -> None:
    scores = np.array([0, 2, 1, 2, 0, 2], np.float32)
    assert best(scores, 2).tolist() == [1, 3]
    assert best(scores, 4).tolist() == [1, 3, 5, 2]
    assert best(scores, 100).tolist() == [1, 3, 5, 2]
    assert best(scores, 0).tolist() == []
    assert best(np.zeros(0, np.float32), 5).tolist() == []


def test_best_are_among_the_allowed() -> None:
    scores = np.array([0, 2, 1, 2, 0, 2], np.float32)
    assert best(scores, 2, np.array([True, False, True, True, True, False])).tolist() == [3, 2]
    assert best(scores, 2, np.zeros(6, bool)).tolist() == []
    assert scores.tolist() == [0, 2, 1, 2, 0, 2]


@settings(max_examples=50)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(0, 1000),
    k=st.integers(0, 40),
    above=st.floats(0, 1),
    values=st.integers(1, 50),
)
def test_best_are_the_first_of_all_sorted(seed: int, size: int, k: int, above: float, values: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.integers(1, values + 1, size).astype(np.float32) * (generator.random(size) < above)
    allowed = generator.random(size) < 0.5
    for mask in (None, allowed):
        rows = [row for row in range(size) if scores[row] > 0 and (mask is None or mask[row])]
        assert best(scores, k, mask).tolist() == sorted(rows, key=lambda row: (-scores[row], row))[:k]


@pytest.mark.parametrize(("name", "value"), [("rows", -1), ("counts", -1), ("counts", 0), ("lengths", -5)])
def test_numbers_that_no_passage_has_are_told(tmp_path: Path, name: str, value: int) -> None:
    write(tmp_path, TEXTS).close()
    path = tmp_path / f"keywords.{name}.npy"
    np.save(path, np.full(len(np.load(path)), value, np.int32))
    with pytest.raises(IndexFolderError, match=r"is damaged: .* below .*; build the index again"):
        search(Keywords.read(tmp_path)).scores(TEXTS[0])


@pytest.mark.parametrize(
    "header", [b"-" * 8000 + b"1", b"(" * 8000, b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"]
)
def test_an_array_whose_header_is_an_attack_is_told(tmp_path: Path, header: bytes) -> None:
    write(tmp_path, TEXTS).close()
    header = header + b" " * 20 + b"\n"
    (tmp_path / "keywords.rows.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(IndexFolderError, match=r"keywords\.rows\.npy cannot be read"):
        Keywords.read(tmp_path)


def test_a_table_of_terms_that_is_a_view_is_not_asked(tmp_path: Path) -> None:
    write(tmp_path, TEXTS).close()
    with closing(sqlite3.connect(tmp_path / "keywords.sqlite")) as db:
        db.executescript(
            "DROP TABLE terms; CREATE VIEW terms AS WITH RECURSIVE n(number) AS (SELECT 0 UNION ALL SELECT number + 1"
            " FROM n) SELECT 'x' AS term, number FROM n;"
        )
    with pytest.raises(IndexFolderError, match="its tables are not those of an index"):
        Keywords.read(tmp_path)
