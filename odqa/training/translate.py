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
        rows, width = ids.shape
        question = batch["context_positions"] - self.ours.before - self.ours.between
        lengths = mask.sum(dim=1)
        context = lengths - question - self.ours.before - self.ours.between - self.ours.after
        wide = width + max(self.longer_by, 0)
        made = torch.full((rows, wide), self.padding, dtype=ids.dtype, device=ids.device)
        kinds = torch.zeros((rows, wide), dtype=ids.dtype, device=ids.device)
        own = torch.zeros((rows, wide), dtype=mask.dtype, device=ids.device)
        places = torch.zeros((rows, width), dtype=torch.long, device=ids.device)
        numbers = self.numbers.to(ids.device)
        before, between, after = (torch.tensor(some, dtype=ids.dtype, device=ids.device) for some in self.special)
        for row in range(rows):
            of_question, of_context = int(question[row]), int(context[row])
            first = self.ours.before
            second = first + of_question + self.ours.between
            parts = [
                before,
                numbers[ids[row, first : first + of_question]],
                between,
                numbers[ids[row, second : second + of_context]],
                after,
            ]
            whole = torch.cat(parts)
            made[row, : len(whole)] = whole
            own[row, : len(whole)] = 1
            start = len(before) + of_question + len(between)
            kinds[row, start : len(whole)] = 1
            places[row, :first] = torch.arange(first).clamp(max=len(before) - 1)
            places[row, first : first + of_question] = len(before) + torch.arange(of_question)
            separators = torch.arange(self.ours.between).clamp(max=len(between) - 1)
            places[row, first + of_question : second] = len(before) + of_question + separators
            places[row, second : second + of_context] = start + torch.arange(of_context)
            last = torch.arange(self.ours.after).clamp(max=len(after) - 1)
            places[row, second + of_context : second + of_context + self.ours.after] = start + of_context + last
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
