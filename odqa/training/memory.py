"""Windows go in, a teacher's logits of them come out, each read once by the teacher. Knows no model and no loss."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Logits = tuple["torch.Tensor", "torch.Tensor"]
Read = Callable[[dict[str, Any]], Logits]

_KEY = 16  # Bytes of a window's hash.


class Memory:
    """Start and end logits by the tokens of a window, in float16: 4 bytes a token.

    It has the two methods by which a checkpoint keeps it, so that a resumed run learns from the very same numbers.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, torch.Tensor] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def logits(self, batch: dict[str, Any], read: Read) -> Logits:
        """The logits of a batch, each (windows, padded length) in float32, 0 at padding; ``read`` gives missing ones.

        What is new is rounded, too, before it is given back: it is the same the first time and later.
        """
        import torch

        ids, lengths = batch["input_ids"], batch["attention_mask"].sum(dim=1).tolist()
        keys = [_key(row[:length]) for row, length in zip(ids.cpu(), map(int, lengths), strict=True)]
        missing = [at for at, key in enumerate(keys) if key not in self._kept]
        if missing:
            start, end = read({name: values[missing] for name, values in batch.items()})
            both = torch.stack([start, end], dim=1).half().cpu()
            for at, logits in zip(missing, both, strict=True):
                self._kept[keys[at]] = logits[:, : int(lengths[at])].clone()
        whole = torch.zeros((2, *ids.shape), dtype=torch.float32)
        for at, key in enumerate(keys):
            known = self._kept[key]
            whole[:, at, : known.shape[1]] = known
        start, end = whole.to(ids.device)
        return start, end

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All of it, in three tensors (one a window would take a checkpoint minutes to write).

        ``keys`` (windows, 16) bytes, ``lengths`` (windows,) tokens, ``logits`` (2, tokens of all windows).
        """
        import torch

        kept = list(self._kept.values())
        return {
            "keys": torch.tensor([list(key) for key in self._kept], dtype=torch.uint8).reshape(-1, _KEY),
            "lengths": torch.tensor([logits.shape[1] for logits in kept], dtype=torch.int64),
            "logits": torch.cat(kept, dim=1) if kept else torch.zeros((2, 0), dtype=torch.float16),
        }

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Replace all by what ``state_dict`` gave. Raises KeyError or ValueError where the tensors do not fit."""
        import torch

        keys, lengths, logits = state["keys"], state["lengths"], state["logits"]
        of_windows = keys.shape == (len(keys), _KEY) and lengths.shape == (len(keys),)
        if not of_windows or (lengths < 0).any() or logits.shape != (2, int(lengths.sum())):
            raise ValueError("its tensors are not of the same windows")
        pieces = torch.split(logits, lengths.tolist(), dim=1) if len(keys) else ()
        self._kept = {bytes(key): piece.clone() for key, piece in zip(keys.tolist(), pieces, strict=True)}


def _key(ids: torch.Tensor) -> bytes:
    return hashlib.sha256(ids.numpy().tobytes()).digest()[:_KEY]
