"""A tokenizer and the tokens that texts use go in, a tokenizer of these alone comes out, which cuts the texts the same.

Three rules make that certain, one for each way to cut a word into tokens:

- Unigram (Kudo 2018) takes the likeliest way. Where no token of that way is removed it stays the likeliest, for there
  is nothing but less to choose from. What an unknown character costs depends on the least likely token, which is kept.
- WordPiece (Schuster and Nakajima 2012) takes the longest token that fits, again and again. It stays the longest. Where
  a word turns out to be unknown only after some tokens, these are kept too.
- BPE (Sennrich et al. 2016) joins neighbours by a list of merges, the earliest first. All merges that can be part of
  making a kept token are kept, with the tokens that they join, in their order.

Knows no model and no file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import Tokenizer

from odqa.errors import ModelError

KINDS = ("Unigram", "WordPiece", "BPE")


class Vocabulary:
    """The tokens of a tokenizer, by their numbers, and which of them need others."""

    def __init__(self, backend: Tokenizer, name: str) -> None:
        """``name`` is the model's, for messages. Raises ModelError for a tokenizer of another kind."""
        self._name = name
        self._content: dict[str, Any] = json.loads(backend.to_str())
        self._model: dict[str, Any] = self._content["model"]
        self._normalizer = backend.normalizer
        self.kind: str = self._model.get("type", "")
        if self.kind not in KINDS:
            raise ModelError(
                f"{name}: its tokenizer is of the kind {self.kind or 'unknown'}, and only {', '.join(KINDS)} can be "
                "cut; use another model"
            )
        self.numbers: dict[str, int] = backend.get_vocab(with_added_tokens=True)
        self._made_by = self._merges_by_result() if self.kind == "BPE" else {}
        self._prefix: str = self._model.get("continuing_subword_prefix") or ""

    def __len__(self) -> int:
        """How many numbers there are: the highest one and those below it."""
        return max(self.numbers.values()) + 1

    @property
    def unknown(self) -> int | None:
        """The number of the token for what is unknown; None where there is none."""
        if self.kind == "Unigram":
            number: int | None = self._model["unk_id"]
            return number
        return self.numbers.get(self._model["unk_token"] or "")

    def always(self) -> set[int]:
        """The tokens to keep whatever the texts are: special and added ones, and what every word can be made of."""
        kept = {one["id"] for one in self._content["added_tokens"]} | _numbers_in(self._content["post_processor"])
        if padding := self._content["padding"]:
            kept.add(padding["pad_id"])
        if self.unknown is not None:
            kept.add(self.unknown)
        if self.kind == "Unigram":
            scored = self._model["vocab"]
            kept |= {at for at, (piece, _) in enumerate(scored) if len(piece) == 1}
            kept.add(min(range(len(scored)), key=lambda at: scored[at][1]))
            if self._model.get("byte_fallback"):
                kept |= self._of_bytes()
        elif self.kind == "WordPiece":
            kept |= {at for piece, at in self._model["vocab"].items() if len(piece.removeprefix(self._prefix)) == 1}
        else:  # The characters or bytes, which no merge makes.
            kept |= {at for at in self._model["vocab"].values() if at not in self._made_by}
        return kept

    def begun(self, word: str) -> set[int]:
        """The tokens that WordPiece takes for a word before it finds that the rest is unknown; none in other kinds."""
        if self.kind != "WordPiece":
            return set()
        word = self._normalizer.normalize_str(word) if self._normalizer else word
        found, at, vocabulary = set(), 0, self._model["vocab"]
        while at < len(word):
            ends = range(len(word), at, -1)
            before = self._prefix if at else ""
            end = next((end for end in ends if before + word[at:end] in vocabulary), None)
            if end is None:
                break
            found.add(vocabulary[before + word[at:end]])
            at = end
        return found

    def begun_in(self, text: str, encoding: Any) -> set[int]:
        """What :meth:`begun` gives of all the words of a text that are unknown."""
        spans = {span for number, span in zip(encoding.ids, encoding.offsets, strict=True) if number == self.unknown}
        return set[int]().union(*(self.begun(text[start:end]) for start, end in spans))

    def closed(self, used: Iterable[int]) -> list[int]:
        """These tokens, those that are always kept and, in BPE, all that they are made of; in ascending order."""
        kept: set[int] = set()
        waiting = [*used, *self.always()]
        while waiting:
            token = waiting.pop()
            if token not in kept:
                kept.add(token)
                waiting += [part for merge in self._made_by.get(token, ()) for part in merge]
        return sorted(kept)

    def cut(self, kept: Sequence[int]) -> Tokenizer:
        """A tokenizer of the tokens ``kept`` alone, numbered from 0 in their order.

        Raises ModelError where the tokens cannot be numbered so.
        """
        number = {old: new for new, old in enumerate(kept)}
        content = json.loads(json.dumps(self._content))
        model = content["model"]
        if self.kind == "Unigram":
            model["vocab"] = [model["vocab"][old] for old in kept if old < len(model["vocab"])]
            model["unk_id"] = None if model["unk_id"] is None else number[model["unk_id"]]
        else:
            model["vocab"] = {piece: number[old] for piece, old in model["vocab"].items() if old in number}
        if self.kind == "BPE":
            merges = zip(self._model["merges"], self._triples(), strict=True)
            model["merges"] = [merge for merge, triple in merges if all(one in number for one in triple)]
        for one in content["added_tokens"]:
            one["id"] = number[one["id"]]
        if content["padding"]:
            content["padding"]["pad_id"] = number[content["padding"]["pad_id"]]
        _renumber(content["post_processor"], number)
        try:
            made = Tokenizer.from_str(json.dumps(content))
        except Exception as error:  # The library has no other type.
            raise ModelError(f"{self._name}: its tokenizer cannot be cut ({error}); use another model") from None
        found = made.get_vocab(with_added_tokens=True)
        wanted = {piece: number[old] for piece, old in self.numbers.items() if old in number}
        if wrong := [piece for piece, new in wanted.items() if found.get(piece) != new]:
            raise ModelError(
                f"{self._name}: its tokenizer cannot be numbered anew: {wrong[0]!r} has the number "
                f"{self.numbers[wrong[0]]:,} in a place that no file can give it; use another model"
            )
        return made

    def _of_bytes(self) -> set[int]:
        names = (f"<0x{value:02X}>" for value in range(256))
        return {self.numbers[name] for name in names if name in self.numbers}

    def _triples(self) -> list[tuple[int, int, int]]:
        """The numbers of what each merge joins, and of what it makes."""
        vocabulary = self._model["vocab"]
        length = len(self._model.get("continuing_subword_prefix") or "")
        pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in self._model["merges"])
        return [(vocabulary[one], vocabulary[two], vocabulary[one + two[length:]]) for one, two in pairs]

    def _merges_by_result(self) -> dict[int, list[tuple[int, int]]]:
        found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for one, two, made in self._triples():
            found[made].append((one, two))
        return dict(found)


def _numbers_in(processor: dict[str, Any] | None) -> set[int]:
    """The tokens that a post-processor puts around a text."""
    if not processor:
        return set()
    found = {number for one in processor.get("special_tokens", {}).values() for number in one["ids"]}
    found |= {processor[name][1] for name in ("sep", "cls") if name in processor}
    return found.union(*(_numbers_in(part) for part in processor.get("processors", ())))


def _renumber(processor: dict[str, Any] | None, number: dict[int, int]) -> None:
    """Give them their new numbers."""
    if not processor:
        return
    for one in processor.get("special_tokens", {}).values():
        one["ids"] = [number[old] for old in one["ids"]]
    for name in ("sep", "cls"):
        if name in processor:
            processor[name][1] = number[processor[name][1]]
    for part in processor.get("processors", ()):
        _renumber(part, number)
