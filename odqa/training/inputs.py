"""A recipe goes in; its questions, counted source by source, and the SHA-256 of all that it reads come out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from odqa.answering.question import tidy
from odqa.errors import DataError, UsageError
from odqa.evaluation.cases import check_examples
from odqa.evaluation.languages import DEFAULT, language_hint
from odqa.evaluation.mentions import holds
from odqa.evaluation.places import place
from odqa.files import sha256
from odqa.index.layout import MANIFEST
from odqa.index.retriever import Retriever
from odqa.models import content_hash, resolve
from odqa.reader.features import check_question, lengths
from odqa.squad import OwnQuestion, load_questions, with_contexts
from odqa.training import data
from odqa.training.data import LabelledWindow
from odqa.training.labels import Repairs
from odqa.training.negatives.contexts import DEPTH, Place, Search
from odqa.training.recipe import Recipe, Source
from odqa.types import Example

AT_ONCE = 256  # Questions that are searched for at a time.
MOST_PLACES = 100  # An answer that is in more passages says too little of which of them answers the question.


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How many questions a source gave, its made unanswerable ones among them."""

    answerable: int
    unanswerable: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """The questions of a run and what is known of where they are from.

    ``train`` are the questions to train on, ``counts`` how many each training source gave and ``repairs`` what was
    done to their offsets; ``eval`` and ``tune`` are the held-out questions. ``hashes`` are those of :func:`hashes`.
    """

    train: list[Example]
    repairs: Repairs
    counts: tuple[SourceCount, ...]
    eval: list[Example]
    tune: list[Example]
    hashes: dict[str, str]


def read_inputs(recipe: Recipe, tell: Callable[[str], None] = lambda text: None) -> Inputs:
    """Read all that a run reads, models apart. ``tell`` is called with remarks on questions that have no context.

    Raises UsageError for a dataset that is missing, DataError naming one that is not in SQuAD format, of which no
    question can be used, or, held out, that cannot be scored.
    """
    train, repairs, counts = training_examples(recipe, tell)
    scored, tuned_on = (_held_out(sources, recipe, tell) for sources in (recipe.eval, recipe.tune))
    texts = (one.text for example in (*scored, *tuned_on) for one in example.references)
    if recipe.language == DEFAULT and (hint := language_hint(texts)):
        tell(f"hint: {hint}")
    return Inputs(train, repairs, counts, scored, tuned_on, hashes(recipe))


def training_examples(
    recipe: Recipe, tell: Callable[[str], None] = lambda text: None
) -> tuple[list[Example], Repairs, tuple[SourceCount, ...]]:
    """The training questions in order, the repairs of all, and what each source gave.

    Raises DataError naming a source of which no question can be used.
    """
    answers: defaultdict[str, set[str]] = defaultdict(set)
    read = _read_by(recipe, tell, answers)
    search = _search_by(recipe, answers) if recipe.index else None
    gathered = [
        data.gather((source,), recipe.seed, plausible=recipe.plausible_answers, read=read, search=search)
        for source in recipe.train
    ]
    counts = [Counter(example.answerable for example in examples) for examples, _ in gathered]
    repairs = [one for _, one in gathered]
    total = Repairs(
        kept=sum(one.kept for one in repairs),
        repaired=sum(one.repaired for one in repairs),
        dropped=sum(one.dropped for one in repairs),
    )
    by_source = tuple(SourceCount(answerable=count[True], unanswerable=count[False]) for count in counts)
    examples = [example for some, _ in gathered for example in some]
    return data.without_paths(examples, recipe.path_dropout, recipe.seed), total, by_source


def check_held_out(recipe: Recipe, inputs: Inputs, tokenizer: Any) -> None:
    """Raise DataError, naming dataset and id, for a held-out question that the reader of the run could not read."""
    max_length, stride = lengths(tokenizer, recipe.max_length, recipe.stride)
    for sources, examples in ((recipe.eval, inputs.eval), (recipe.tune, inputs.tune)):
        for example in examples:
            source, name = _origin(sources, example)
            _check_question(source.path, name, tidy(example.question), tokenizer, max_length, stride)


def check_trained(recipe: Recipe, inputs: Inputs, tokenizer: Any, max_length: int, stride: int) -> None:
    """Raise DataError, naming dataset and id, for a training question that leaves no room for its context."""
    each = (one.answerable + one.unanswerable for one in inputs.counts)
    paths = chain.from_iterable(repeat(one.path, count) for one, count in zip(recipe.train, each, strict=True))
    for path, example in zip(paths, inputs.train, strict=True):
        _check_question(path, example.id, example.question, tokenizer, max_length, stride)


def check_spans(recipe: Recipe, labelled: Sequence[LabelledWindow]) -> None:
    """Raise DataError, naming the data, where no window holds an answer, so that no span could be learned."""
    if not any(item.answered for item in labelled):
        paths = ", ".join(dict.fromkeys(source.path for source in recipe.train))
        raise DataError(
            f"{paths}: none of the {len(labelled):,} windows holds an answer, so no span can be learned; give "
            'questions whose answers are in their contexts (keep = "unanswerable" alone makes no reader)'
        )


def hashes(recipe: Recipe) -> dict[str, str]:
    """The SHA-256 of every data file of the recipe, and of the content of its base and its teacher, by path or name.

    So is that of the index in which answers are looked for; it is the manifest's, which has those of the other files.
    Data on the hub are not hashed. Raises ModelError where base or teacher are missing.
    """
    paths = dict.fromkeys(source.path for source in (*recipe.train, *recipe.eval, *recipe.tune))
    files = {path: sha256(Path(path)) for path in paths if Path(path).is_file()}
    models = {name: content_hash(resolve(name).folder) for name in (recipe.base, recipe.distill) if name}
    index = Path(recipe.index) / MANIFEST if recipe.index else None
    return files | models | ({recipe.index: sha256(index)} if index and index.is_file() else {})


def data_files(recipe: Recipe, known: Mapping[str, str]) -> list[str]:
    """The paths of :func:`hashes` that are of data."""
    sources = dict.fromkeys(source.path for source in (*recipe.train, *recipe.eval, *recipe.tune))
    return [path for path in sources if path in known]


def _read_by(
    recipe: Recipe, tell: Callable[[str], None], answers: defaultdict[str, set[str]]
) -> Callable[[str, str | None], list[Example]]:
    """What reads a dataset, and finds in the recipe's index the contexts of questions that have none.

    All the answers of those are added to ``answers``, by question: another passage may hold one that theirs does not.
    """

    def read(path: str, split: str | None) -> list[Example]:
        questions = load_questions(path, split)
        for one in questions:
            if isinstance(one, OwnQuestion):
                answers[one.question].update(one.answers)
        if not recipe.index or not any(isinstance(one, OwnQuestion) for one in questions):
            return with_contexts(questions)
        with Retriever.open(recipe.index) as retriever:
            placed = place(questions, retriever, most=MOST_PLACES)
        for remark in placed.remarks:
            tell(remark)
        # A text that is in other passages alone is no answer that could be learned from this one.
        return [_with_places(one) if one.id in placed.sources else one for one in placed.examples]

    return read


def _search_by(recipe: Recipe, answers: Mapping[str, set[str]]) -> Search:
    """What finds in the recipe's index, as `odqa ask` would, passages that hold no answer to a question."""

    def search(drawn: Sequence[Example]) -> list[list[Place]]:
        found = []
        with Retriever.open(recipe.index) as retriever:
            for begin in range(0, len(drawn), AT_ONCE):
                some = drawn[begin : begin + AT_ONCE]
                every = retriever.search([tidy(one.question) for one in some], DEPTH)
                for example, passages in zip(some, ([hit.passage for hit in hits] for hits in every), strict=True):
                    right = [*answers.get(example.question, ()), *(one.text for one in example.references)]
                    others = (one for one in passages if not holds(one.text, right))
                    found.append([Place(one.title, one.headings, one.text) for one in others])
        return found

    return search


def _with_places(example: Example) -> Example:
    return replace(example, references=tuple(one for one in example.references if one.start >= 0))


def _check_question(path: str, name: str, question: str, tokenizer: Any, max_length: int, stride: int) -> None:
    try:
        check_question(tokenizer, question, max_length=max_length, stride=stride)
    except UsageError as error:
        raise DataError(f"{path}: question {name!r}: {error}") from None


def _held_out(sources: Sequence[Source], recipe: Recipe, tell: Callable[[str], None]) -> list[Example]:
    """The examples of eval or tune, those of several datasets with ids of their own.

    What cannot be scored is refused before the training, not after it; a question that is too long, which the tokenizer
    tells, by :func:`check_held_out`.
    """
    examples: list[Example] = []
    read = _read_by(recipe, tell, defaultdict(set))
    for number, source in enumerate(sources, start=1):
        some, repairs = data.gather((source,), recipe.seed, read=read)
        check_examples(some, source.path)
        if repairs.dropped:
            tell(
                f"{source.path}: {repairs.dropped:,} held-out questions are left out: their answers are not in their "
                "contexts"
            )
        examples += some if len(sources) == 1 else [replace(one, id=f"{number}/{one.id}") for one in some]
    return examples


def _origin(sources: Sequence[Source], example: Example) -> tuple[Source, str]:
    """The dataset that an example of :func:`_held_out` is from, and its id there."""
    if len(sources) == 1:
        return sources[0], example.id
    number, _, name = example.id.partition("/")
    return sources[int(number) - 1], name
