"""A student's and a teacher's logits go in, the loss of distillation comes out. Knows no loop and no optimiser.

Hinton, Vinyals and Dean 2015, section 2: with both sides' logits divided by a temperature T, the student learns

    (1 - weight) * cross entropy + weight * T^2 * KL(teacher || student),

the divergence being the mean of that of the start and that of the end, over the window's own positions. T^2 keeps
the size of the second gradient when T changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odqa.errors import UsageError
from odqa.models import resolve
from odqa.reader.weights import load_model
from odqa.training.base import positions
from odqa.training.memory import Memory
from odqa.training.translate import Translation, translation

if TYPE_CHECKING:
    import torch

# Where normalisers differ: case, accents, width, quotes and dashes, scripts without spaces.
PROBE = "Zoë's CAFÉ—don’t  spend ½ of ＄1,000.50 in İstanbul; 東京は日本の首都です. Ναι, Übergröße!"


@dataclass(frozen=True, slots=True)
class Teacher:
    """A reader that is learned from: its folder, its model and the names of its inputs.

    ``translation`` is for one whose vocabulary numbers the student's tokens differently, None where the numbers are the
    same. ``memory`` keeps what it has read, None where each window is read once.
    """

    folder: Path
    model: Any
    inputs: tuple[str, ...]
    translation: Translation | None = None
    memory: Memory | None = None

    def logits(self, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """Its start and end logits of a batch, each (windows, padded length) in float32, without gradients.

        With a memory a window that it has read is not read again.
        """
        return self._read(batch) if self.memory is None else self.memory.logits(batch, self._read)

    def _read(self, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        with torch.no_grad():
            if self.translation is None:
                output = self.model(**{name: batch[name] for name in self.inputs})
                return output.start_logits.float(), output.end_logits.float()
            inputs, places = self.translation.inputs_of(batch)
            output = self.model(**inputs)
            start, end = (logits.float().gather(1, places) for logits in (output.start_logits, output.end_logits))
        return start, end


def divergence(student: torch.Tensor, teacher: torch.Tensor, own: torch.Tensor, temperature: float) -> torch.Tensor:
    """The mean over windows of KL(teacher || student) in nats, both softened by the temperature.

    Logits are (windows, padded length); ``own`` of the same shape is True at the window's own positions, the only
    ones that count on either side.
    """
    import torch

    # A finite number, so that the padding's difference is one too; its probability is exactly 0.
    outside = torch.finfo(torch.float32).min / 2
    wanted, found = (
        torch.log_softmax((logits / temperature).masked_fill(~own, outside), dim=-1) for logits in (teacher, student)
    )
    return (wanted.exp() * (wanted - found)).masked_fill(~own, 0.0).sum(dim=-1).mean()


def distillation_loss(
    hard: torch.Tensor,
    student: Sequence[torch.Tensor],
    teacher: Sequence[torch.Tensor],
    own: torch.Tensor,
    *,
    weight: float,
    temperature: float,
) -> torch.Tensor:
    """The loss of the module's formula. ``hard`` is the cross entropy; ``student`` and ``teacher`` start and end."""
    soft = [divergence(one, other, own, temperature) for one, other in zip(student, teacher, strict=True)]
    return (1 - weight) * hard + weight * temperature**2 * sum(soft[1:], soft[0]) / len(soft)


def load_teacher(name: str, base: str, tokenizer: Any, max_length: int, texts: Sequence[str]) -> Teacher:
    """The teacher by folder, shipped name or hub id, in float32 on the CPU, not to be trained.

    It may number its tokens differently from the student, if it cuts texts into the same ones.

    ``base`` names the model with ``tokenizer``, whose windows it will read; ``texts`` are some of the data, to be cut
    into tokens by both. Raises ModelError where it is missing or has no span head, UsageError where it would read other
    tokens than the student or has too few positions.
    """
    found = resolve(name)
    model, its = load_model(found.folder, head_required=True)
    translated = None
    if its.get_vocab() != tokenizer.get_vocab():
        translated = translation(tokenizer, its, (PROBE, *texts))
    if translated is None:
        _check_tokens(found.name, its, base, tokenizer, texts)
    step = 32  # Windows are padded to multiples of it: see odqa.reader.features.pad.
    width = min(-(-min(max_length, tokenizer.model_max_length) // step) * step, tokenizer.model_max_length)
    width += max(translated.longer_by, 0) if translated else 0
    have = positions(model)
    if have is not None and have < width:
        remedy = f"use --max-length {have // step * step}" if have >= step else "use another teacher"
        raise UsageError(
            f"the teacher {found.name} has {have} positions, fewer than the {width} of a padded window "
            f"(max_length {max_length}); {remedy}"
        )
    return Teacher(found.folder, model.eval().requires_grad_(False), tuple(its.model_input_names), translated)


def _check_tokens(name: str, teacher: Any, base: str, tokenizer: Any, texts: Sequence[str]) -> None:
    """Raise UsageError unless the teacher reads texts as the very tokens that the student reads."""
    remedy = f"distil from a reader that was trained from {base} or a model of its family, or start from another --base"
    its, ours = teacher.get_vocab(), tokenizer.get_vocab()
    if its != ours:
        other = sorted(token for token in its.keys() | ours.keys() if its.get(token) != ours.get(token))
        raise UsageError(
            f"the teacher {name} has another vocabulary than the base {base}: {len(its):,} tokens against "
            f"{len(ours):,}, {len(other):,} of them different (such as {other[0]!r}), and cuts texts into others; "
            f"{remedy}"
        )
    for text in (PROBE, *texts):
        cut, wanted = (one(PROBE, text, truncation=False, verbose=False)["input_ids"] for one in (teacher, tokenizer))
        if cut != wanted:
            raise UsageError(
                f"the teacher {name} has the vocabulary of the base {base} but cuts texts into other tokens, such as "
                f"{text[:60]!r}; {remedy}"
            )
    if lacking := set(teacher.model_input_names) - set(tokenizer.model_input_names):
        raise UsageError(
            f"the teacher {name} reads {', '.join(sorted(lacking))}, which the tokenizer of the base {base} does not "
            f"give; {remedy}"
        )
