"""Files that run code where they are unpickled: what they would do is make a file, so that a test can look for it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch


class Bomb:
    """Unpickled, it makes the file ``marker``."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")


def plain(marker: Path) -> bytes:
    """A pickle that makes ``marker``; :func:`check` that it does."""
    return pickle.dumps(Bomb(marker))


def write_torch(path: Path, marker: Path) -> None:
    """What ``torch.save`` makes of it: a zip file that holds the pickle."""
    torch.save({"weight": torch.zeros(2), "bomb": Bomb(marker)}, path)


def check(folder: Path) -> None:
    """Fail where these bombs would do nothing, and tests that nothing runs would show nothing."""
    first, second = folder / "plain-ran", folder / "torch-ran"
    pickle.loads(plain(first)).close()
    write_torch(folder / "bomb.bin", second)
    torch.load(folder / "bomb.bin", weights_only=False)
    assert first.exists()
    assert second.exists()
