"""Lets a teacher read a student's windows where both cut texts into the same tokens but number them otherwise.

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
    """How many special tokens a tokenizer puts before the first text of a pair, between both, and behind the second."""

    before: int
    between: int
    behind: int


@dataclass(frozen=True, slots=True)
class Translation:
    """From the student's inputs to the teacher's.

    ``numbers`` (student's vocabulary,) is the teacher's number of each token. ``special`` are the teacher's numbers of
    the special tokens that it puts before, between and behind, in their order. ``padding`` is that of its padding,
    ``sentence`` whether it wants to be told which of the two texts a token is of.
    """

    numbers: torch.Tensor
    ours: Template
    special: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    padding: int
    inputs: tuple[str, ...]

    @property
    def longer_by(self) -> int:
        """How many tokens more than the student's a window of the teacher has."""
        return sum(map(len, self.special)) - (self.ours.before + self.ours.between + self.ours.behind)

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
        context = lengths - question - self.ours.before - self.ours.between - self.ours.behind
        wide = width + max(self.longer_by, 0)
        made = torch.full((rows, wide), self.padding, dtype=ids.dtype, device=ids.device)
        kinds = torch.zeros((rows, wide), dtype=ids.dtype, device=ids.device)
        own = torch.zeros((rows, wide), dtype=mask.dtype, device=ids.device)
        places = torch.zeros((rows, width), dtype=torch.long, device=ids.device)
        numbers = self.numbers.to(ids.device)
        before, between, behind = (torch.tensor(some, dtype=ids.dtype, device=ids.device) for some in self.special)
        for row in range(rows):
            asked, told = int(question[row]), int(context[row])
            first = self.ours.before
            second = first + asked + self.ours.between
            parts = [
                before,
                numbers[ids[row, first : first + asked]],
                between,
                numbers[ids[row, second : second + told]],
                behind,
            ]
            whole = torch.cat(parts)
            made[row, : len(whole)] = whole
            own[row, : len(whole)] = 1
            start = len(before) + asked + len(between)
            kinds[row, start : len(whole)] = 1
            places[row, :first] = torch.arange(first).clamp(max=len(before) - 1)
            places[row, first : first + asked] = len(before) + torch.arange(asked)
            separators = torch.arange(self.ours.between).clamp(max=len(between) - 1)
            places[row, first + asked : second] = len(before) + asked + separators
            places[row, second : second + told] = start + torch.arange(told)
            last = torch.arange(self.ours.behind).clamp(max=len(behind) - 1)
            places[row, second + told : second + told + self.ours.behind] = start + told + last
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
