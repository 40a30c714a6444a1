"""What a reader of a cluster refuses before it cuts its lists into pieces; with a pool that reads here, without Ray."""

from __future__ import annotations

import pytest

from odqa.errors import UsageError
from odqa.reader.spread import _Spread

TEXT = "The Louvre is in Paris."


class Pool:
    """Two workers, both of them the reader of this process."""

    def __init__(self, reader):
        self.reader = reader

    def __len__(self):
        return 2

    def map(self, pieces):
        for questions, texts, n_best, batch_size in pieces:
            yield self.reader.read(questions, texts, n_best=n_best, batch_size=batch_size)


@pytest.fixture
def spread(reader):
    return _Spread(reader, Pool(reader), "cpu")


def test_the_readings_are_those_of_the_reader(reader, spread):
    questions = ["Who?", "Where is it?", "Where is the Louvre?"]
    places, wanted = (
        [[(span.start, span.end) for span in one.spans] for one in some.read(questions, [TEXT] * 3, batch_size=1)]
        for some in (spread, reader)
    )
    assert places == wanted
    assert spread.read([], []) == []


# Pieces of two, so that those of three questions and two texts are of one length.
@pytest.mark.parametrize(("questions", "texts"), [(3, 2), (2, 3), (2, 1), (1, 0)])
def test_no_question_is_dropped_where_there_are_too_few_texts(spread, questions, texts):
    with pytest.raises(UsageError, match=f"{questions} questions but {texts} contexts"):
        spread.read(["Who?"] * questions, [TEXT] * texts)


@pytest.mark.parametrize("count", ["n_best", "batch_size"])
def test_a_limit_below_one_is_refused_even_where_nothing_is_read(spread, count):
    with pytest.raises(UsageError, match=f"{count} must be at least 1, not 0"):
        spread.read([], [], **{count: 0})


def test_texts_that_are_none_are_refused(spread):
    with pytest.raises(UsageError, match="a context is a text, not None"):
        spread.read(["Who?"], [None])
    with pytest.raises(UsageError, match="questions are a list of texts"):
        spread.read("Who", [TEXT] * 3)
