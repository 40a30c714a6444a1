"""Files go in, questions that nobody asked come out, each with its passage: a sentence, or what stands above.

The inverse cloze task of Lee, Chang and Toutanova 2019 ("Latent Retrieval for Weakly Supervised Open Domain Question
Answering", section 5): of a passage one sentence is the question, and the rest of it, most of the time without that
sentence, what is to be found. For some passages the question is their title and heading, which they are then without.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from odqa.corpus import ChunkOptions, ReadOptions, TokenOffsets, Unusable, find_files, read_file, split
from odqa.corpus.files import Found
from odqa.corpus.sentences import sentences
from odqa.index.ownership import is_index
from odqa.retriever_training.questions import Pair
from odqa.types import Block, BlockKind, Document, Example, Passage, Section

SHORTEST = 20  # Letters of a sentence, of what stands above, and of what is left of the passage.
ABOVE = 0.25  # Share of the passages with a title or headings of which these are the question.
SHOWN = 5  # Files that could not be used of which the reason is said.


def files_of(paths: Sequence[str]) -> Found:
    """The files under ``paths``. Raises UsageError for a path that does not exist."""
    return find_files(list(map(Path, paths)), passed_over=is_index) if paths else Found((), ())


def says(pair: Pair, passage: Passage) -> bool:
    """Whether a passage says a made question word for word, in its text or above it.

    Such a one is as right as the pair's own: the passage before a sentence was taken out of it, in an index of the same
    documents, or another one under the same heading.
    """
    question = pair.example.question
    return pair.made and (question == _above(passage) or question in " ".join(passage.text.split()))


def pairs_from(
    found: Found,
    tokenize: TokenOffsets,
    chunk: ChunkOptions,
    *,
    keep_sentence: float,
    seed: int,
    tell: Callable[[str], None],
) -> Iterator[Pair]:
    """A question for each passage of the files that gives one.

    The passages are those that an index would have, but that none shares a sentence with the next one: the question of
    one would stand in the other. ``tell`` is called with what could not be read.
    """
    unusable = 0
    chunk = replace(chunk, overlap_tokens=0)
    for item in chain(found.unusable, *(read_file(path, ReadOptions()) for path in found.files)):
        if isinstance(item, Unusable):
            unusable += 1
            if unusable <= SHOWN:
                tell(f"left out {item.source}: {item.reason}")
        else:
            for passage in split(item, tokenize, chunk):
                # By what it says, not by where it lies: the same files in another folder give the same questions.
                chance = random.Random(f"{seed}/{passage.title}/{passage.text}")
                if pair := _pair(passage, chance, keep_sentence, chunk.language):
                    yield pair
    if unusable > SHOWN:
        tell(f"left out {unusable - SHOWN:,} more")


def without(text: str, blocks: Sequence[Block], start: int, end: int) -> tuple[str, tuple[Block, ...]]:
    """A text without ``text[start:end]``, and its blocks, moved and shortened; those of which nothing is left are gone.

    >>> text, blocks = without("One. Two. Three.", (Block(0, 4), Block(5, 9), Block(10, 16)), 5, 10)
    >>> text, [text[block.start : block.end] for block in blocks]
    ('One. Three.', ['One.', 'Three.'])
    """

    def moved(at: int) -> int:
        return at if at <= start else max(start, at - (end - start))

    kept = [replace(block, start=moved(block.start), end=moved(block.end)) for block in blocks]
    return text[:start] + text[end:], tuple(block for block in kept if block.start < block.end)


def _pair(passage: Passage, chance: random.Random, keep_sentence: float, language: str) -> Pair | None:
    """A question for the passage; None where it is too short to give one."""
    above = _above(passage)
    if _letters(above) >= SHORTEST and chance.random() < ABOVE:
        text, blocks = passage.text, passage.blocks
        for block in reversed([one for one in blocks if one.kind is BlockKind.HEADING]):
            text, blocks = without(text, blocks, block.start, block.end)
        return _made(passage, above, text, blocks, path=False) if _letters(text) >= SHORTEST else None
    usable = [
        (start, end)
        for block in passage.blocks or (Block(0, len(passage.text)),)
        if block.kind is not BlockKind.HEADING
        for start, end in sentences(passage.text, block.start, block.end, language)
        if _letters(passage.text[start:end]) >= SHORTEST
        and _letters(passage.text[:start]) + _letters(passage.text[end:]) >= SHORTEST
    ]
    if not usable:
        return None
    start, end = chance.choice(usable)
    question = " ".join(passage.text[start:end].split())
    text, blocks = passage.text, passage.blocks
    if chance.random() >= keep_sentence:
        text, blocks = without(text, blocks, start, end)
    return _made(passage, question, text, blocks, path=True)


def _made(passage: Passage, question: str, text: str, blocks: tuple[Block, ...], *, path: bool) -> Pair:
    title, headings = (passage.title, passage.headings) if path else ("", ())
    document = Document(passage.id, title, text, sections=(Section(0, headings),) if headings else (), blocks=blocks)
    example = Example(passage.id, question, text, (), title=title, headings=headings)
    return Pair(example, document, made=True)


def _above(passage: Passage) -> str:
    """The title of a passage and the last of its headings."""
    return ". ".join(dict.fromkeys(part.strip() for part in (passage.title, *passage.headings[-1:]) if part.strip()))


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)
