"""Paths -> the files to read, in a fixed order. Opens no file: it goes by the suffix."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from odqa.errors import UsageError

# Suffix -> module of this package and the name of its loader; a module is imported with its first file.
LOADERS = {
    ".txt": ("plain", "load"),
    ".md": ("markdown", "load"),
    ".rst": ("rst", "load"),
    ".html": ("html", "load"),
    ".htm": ("html", "load"),
    ".pdf": ("pdf", "load"),
    ".docx": ("docx", "load"),
    ".docm": ("docx", "load"),
    ".dotx": ("docx", "load"),
    ".xlsx": ("xlsx", "load"),
    ".xlsm": ("xlsx", "load"),
    ".pptx": ("pptx", "load"),
    ".pptm": ("pptx", "load"),
    ".ppsx": ("pptx", "load"),
    ".odt": ("odt", "load"),
    ".ott": ("odt", "load"),
    ".epub": ("epub", "load"),
    ".ipynb": ("ipynb", "load"),
    ".jsonl": ("tables", "load_jsonl"),
    ".csv": ("tables", "load_csv"),
    ".tsv": ("tables", "load_csv"),
    ".json": ("squad", "load"),
}
ROWS = frozenset((".jsonl", ".csv", ".tsv"))  # Streamed: never in memory as a whole.
PARSED = frozenset((".html", ".htm", ".pdf", ".epub", ".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".pptx", ".pptm"))
PARSED |= {".ppsx", ".odt", ".ott"}  # By large libraries, which a file may crash.
KNOWN = ", ".join(sorted(LOADERS))
SKIPPED_FOLDERS = frozenset(("node_modules", "__pycache__"))


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files under ``paths``, each once: the paths in their order, a folder's files sorted by name.

    Inside a folder, hidden files and folders, ``node_modules``, ``__pycache__`` and files of an unknown kind are
    left out; links are followed, but no folder is entered twice. A file that is itself named is always in the
    list, and so is a folder that cannot be listed: reading them shows what is wrong. Raises UsageError for a path
    that does not exist and for a folder without a file of a known kind.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if not os.path.lexists(path):
            raise UsageError(f"no such file or folder: {path}")
        files = list(_walk(path)) if _is_folder(path) else [path]
        if not files:
            raise UsageError(f"nothing to read in the folder {path}: it has no file of a known kind ({KNOWN})")
        for file in files:
            found.setdefault(os.path.realpath(file), file)
    if not found:
        raise UsageError("no path given: name the files or folders to read")
    return list(found.values())


def _walk(folder: Path) -> Iterator[Path]:
    visited: set[tuple[int, int]] = set()
    waiting = [folder]  # A stack with the next path on top, not recursion: folders may be very deep.
    while waiting:
        path = waiting.pop()
        if not _is_folder(path):
            if path.suffix.lower() in LOADERS and not _is_special(path):
                yield path
            continue
        status = path.stat()
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        try:
            children = sorted(path.iterdir(), key=lambda child: child.name, reverse=True)
        except OSError:
            yield path
            continue
        waiting.extend(
            child for child in children if not child.name.startswith(".") and child.name not in SKIPPED_FOLDERS
        )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # Inside a folder that may be listed but not entered.
        return False


def _is_special(path: Path) -> bool:
    """Whether a path is a pipe, a socket or a device: reading one may never end."""
    try:
        mode = path.stat().st_mode
    except OSError:  # A broken link, or no permission: reading it shows which.
        return False
    return not stat.S_ISREG(mode)
