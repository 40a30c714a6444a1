"""A student's windows go in, a teacher's come out, where both cut texts into the same tokens with other numbers.

BERT and MPNet share their words, not the numbers of these, and MPNet puts two separators between question and context
where BERT has one. A window is translated token by token; of the teacher's logits those of the student's own tokens
come back. Knows nothing of losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_SPECIAL = ("cls", "sep", "pad", "unk", "mask")


@dataclass(frozen=True, slots=True)
class Template:
    """How many special tokens a tokenizer puts before the first text of a pair, between both, and after the second."""

    before: int
    between: int
    after: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the parts of windows begin: special tokens, question, special tokens, context, special tokens.

    Numbers of special tokens are the same in all windows; ``question`` and ``context``, the lengths of the texts, and
    all that is counted from them, are (windows, 1).
    """

    before: int
    length: torch.Tensor
    between: int
    context_length: torch.Tensor
    after: int

    @property
    def question(self) -> int:
        """The first token of the question."""
        return self.before

    @property
    def separators(self) -> torch.Tensor:
        """The first special token after the question."""
        return self.before + self.length

    @property
    def context(self) -> torch.Tensor:
        """The first token of the context."""
        return self.separators + self.between

    @property
    def last(self) -> torch.Tensor:
        """The first special token after the context."""
        return self.context + self.context_length

    @property
    def end(self) -> torch.Tensor:
        """The number of tokens."""
        return self.last + self.after


@dataclass(frozen=True, slots=True)
class Translation:
    """From the student's inputs to the teacher's.

    ``numbers`` (student's vocabulary,) is the teacher's number of each token. ``special`` are the teacher's numbers of
    the special tokens that it puts before, between and after the texts. ``padding`` is that of its padding,
    ``inputs`` the names of what it reads.
    """

    numbers: torch.Tensor
    ours: Template
    special: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    padding: int
    inputs: tuple[str, ...]

    @property
    def longer_by(self) -> int:
        """How many tokens more than the student's a window of the teacher has."""
        return sum(map(len, self.special)) - (self.ours.before + self.ours.between + self.ours.after)

    def inputs_of(self, batch: dict[str, Any]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """The teacher's inputs for a student's batch, and where in them each of the student's positions is.

        ``context_positions`` (windows,) of the batch are those of the contexts' first tokens. Inputs and places are
        (windows, padded length), the places of the student's length. Where the student has fewer special
        tokens than the teacher, one of the teacher's is left out; where it has more, two have the same place.
        """
        import torch

        ids, mask = batch["input_ids"], batch["attention_mask"]
        width = ids.shape[1]
        numbers = self.numbers.to(ids.device)
        # All (windows, 1), so that a row of positions beside them is (windows, positions): nothing is done by rows.
        question = (batch["context_positions"] - self.ours.before - self.ours.between)[:, None]
        lengths = mask.sum(dim=1, keepdim=True)
        context = lengths - question - self.ours.before - self.ours.between - self.ours.after
        ours = _Layout(self.ours.before, question, self.ours.between, context, self.ours.after)
        theirs = _Layout(len(self.special[0]), question, len(self.special[1]), context, len(self.special[2]))

        wide = torch.arange(width + max(self.longer_by, 0), device=ids.device)[None]
        made = torch.full_like(wide, self.padding).to(ids.dtype).repeat(len(ids), 1)
        begins: tuple[Any, ...] = (0, theirs.separators, theirs.last)
        for begin, some in zip(begins, self.special, strict=True):
            for at, number in enumerate(some):
                made = torch.where(wide == begin + at, number, made)
        texts: tuple[tuple[Any, Any, Any], ...] = (
            (question, theirs.question, ours.question),
            (context, theirs.context, ours.context),
        )
        for length, begin, source in texts:
            at = (wide - begin + source).clamp(0, width - 1).expand(len(ids), -1)
            made = torch.where((wide >= begin) & (wide < begin + length), numbers[ids.gather(1, at)], made)
        own = (wide < theirs.end).to(mask.dtype)
        kinds = ((wide >= theirs.context) & (wide < theirs.end)).to(ids.dtype)

        narrow = torch.arange(width, device=ids.device)[None]
        places = torch.zeros((len(ids), width), dtype=torch.long, device=ids.device)
        parts: tuple[tuple[Any, Any, Any, int | None], ...] = (
            (0, ours.before, 0, theirs.before),
            (ours.question, question, theirs.question, None),
            (ours.separators, ours.between, theirs.separators, theirs.between),
            (ours.context, context, theirs.context, None),
            (ours.last, ours.after, theirs.last, theirs.after),
        )
        for begin, length, target, most in parts:
            at = narrow - begin
            inside = (at >= 0) & (at < length)
            places = torch.where(inside, target + (at if most is None else at.clamp(max=most - 1)), places)
        given = {"input_ids": made, "attention_mask": own, "token_type_ids": kinds}
        return {name: given[name] for name in self.inputs}, places


def template(tokenizer: Any) -> tuple[Template, tuple[tuple[int, ...], ...]]:
    """The template of pairs, and the numbers of its special tokens."""
    encoded = tokenizer("a", "a")
    sides = encoded.sequence_ids(0)
    first, second = sides.index(0), sides.index(1)
    end = len(sides) - sides[::-1].index(1)
    last = len(sides) - sides[::-1].index(0)
    ids = encoded["input_ids"]
    special = tuple(ids[:first]), tuple(ids[last:second]), tuple(ids[end:])
    return Template(*map(len, special)), special


def translation(student: Any, teacher: Any, texts: Sequence[str]) -> Translation | None:
    """How to translate, None where the two tokenizers do not cut ``texts`` into the same tokens."""
    import torch

    for text in texts:
        cut, wanted = (one.tokenize(text) for one in (teacher, student))
        if cut != wanted:
            return None
    its = teacher.get_vocab()
    numbers = torch.full((len(student),), teacher.unk_token_id or 0, dtype=torch.long)
    for token, number in student.get_vocab().items():
        if token in its and number < len(numbers):
            numbers[number] = its[token]
    for name in _SPECIAL:
        ours, theirs = (getattr(one, f"{name}_token_id") for one in (student, teacher))
        if ours is not None and theirs is not None:
            numbers[ours] = theirs
    (own, _), (_, special) = template(student), template(teacher)
    return Translation(numbers, own, special, teacher.pad_token_id or 0, tuple(teacher.model_input_names))  # type: ignore[arg-type]
