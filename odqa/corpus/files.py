"""Paths -> the files to read, in a fixed order, and what is not read, with the reason. Opens no file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from odqa.corpus.base import Unusable, is_packed, kind_of, source_of, well_formed
from odqa.errors import UsageError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

# Suffix -> module of this package and the name of its loader; a module is imported with its first file.
LOADERS = {
    ".txt": ("text.plain", "load"),
    ".text": ("text.plain", "load"),
    ".log": ("text.plain", "load"),
    ".md": ("text.markdown", "load"),
    ".markdown": ("text.markdown", "load"),
    ".mdx": ("text.markdown", "load"),
    ".rst": ("text.rst", "load"),
    ".html": ("html.load", "load"),
    ".htm": ("html.load", "load"),
    ".pdf": ("pdf.load", "load"),
    ".docx": ("office.docx", "load"),
    ".docm": ("office.docx", "load"),
    ".dotx": ("office.docx", "load"),
    ".xlsx": ("office.xlsx", "load"),
    ".xlsm": ("office.xlsx", "load"),
    ".pptx": ("office.pptx", "load"),
    ".pptm": ("office.pptx", "load"),
    ".ppsx": ("office.pptx", "load"),
    ".odt": ("office.odt", "load"),
    ".ott": ("office.odt", "load"),
    ".epub": ("office.epub", "load"),
    ".ipynb": ("text.ipynb", "load"),
    ".jsonl": ("tables", "load_jsonl"),
    ".ndjson": ("tables", "load_jsonl"),
    ".csv": ("tables", "load_csv"),
    ".tsv": ("tables", "load_csv"),
    ".json": ("squad", "load"),
}
ROWS = frozenset((".jsonl", ".ndjson", ".csv", ".tsv"))  # Streamed: never in memory as a whole.
PARSED = frozenset((".html", ".htm", ".pdf", ".epub", ".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".pptx", ".pptm"))
PARSED |= {".ppsx", ".odt", ".ott"}  # By large libraries, which a file may crash.
KNOWN = ", ".join(sorted(LOADERS))
TOOLS = frozenset(("node_modules", "__pycache__"))  # Folders that nobody keeps documents in.


@dataclass(frozen=True, slots=True)
class Found:
    """What lies under some paths: ``files`` to read, each once, and what is not read.

    ``unusable`` are files that are no regular ones or of no known kind, and named folders without a file to read.
    ``hidden`` counts the files and folders that are passed over by rule: hidden ones, those of tools, and indexes;
    ``excluded`` those that the globs ``include`` and ``exclude`` leave out.
    """

    files: tuple[Path, ...]
    unusable: tuple[Unusable, ...] = ()
    hidden: int = 0
    excluded: int = 0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def find_files(
    paths: Sequence[Path],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    passed_over: Callable[[Path], bool] = lambda folder: False,
) -> Found:
    """The files under ``paths``: the paths in their order, a folder's files sorted by name.

    With ``include`` only the files that one of these globs fits, or a folder that they are in; ``exclude`` leaves out
    what one of its globs fits. They are written as in a .gitignore: a name fits anywhere, one with a slash is a path
    from the given folder.

    Inside a folder, hidden files and folders, ``node_modules``, ``__pycache__`` and folders that are ``passed_over``
    are left out; links are followed, but no folder is entered twice. A file that is itself named is among the files
    whatever its kind, and so is a folder that cannot be listed: reading them shows what is wrong. Raises UsageError
    for a path that does not exist, for no path, and for what is no glob.
    """
    if not paths:
        raise UsageError("no path given: name the files or folders to read")
    search = _Search(_globs(include), _globs(exclude), passed_over)
    for path in map(Path, paths):
        if not os.path.lexists(path):
            raise UsageError(f"no such file or folder: {path}")
        search.under(path)
    files, unusable = tuple(search.files.values()), tuple(search.unusable)
    return Found(files, unusable, search.hidden, search.excluded, tuple(include), tuple(exclude))


def unknown_kind(path: Path) -> str:
    """The reason of a file that no loader reads."""
    suffix = "".join(path.suffixes[-2:]) if is_packed(path) else path.suffix
    return f"unknown kind of file {suffix!r}"


class _Search:
    """What was found so far."""

    def __init__(
        self, include: GitIgnoreSpec | None, exclude: GitIgnoreSpec | None, passed_over: Callable[[Path], bool]
    ) -> None:
        self.files: dict[str, Path] = {}  # By where they really are.
        self.unusable: list[Unusable] = []
        self.hidden = 0
        self.excluded = 0
        self._include = include
        self._exclude = exclude
        self._passed_over = passed_over
        self._entered: set[tuple[int, int]] = set()
        self._refused: set[str] = set()
        self._met = 0

    def under(self, root: Path) -> None:
        """Take what is under a path that was named."""
        if not _is_folder(root):
            if not self._is_excluded(root.name, folder=False):
                self._take(root)
            return
        before = self._met
        self._entered.clear()  # A folder that is named twice is no link to itself.
        waiting = [(root, "")]  # A stack with the next path on top, not recursion: folders may be very deep.
        while waiting:
            path, relative = waiting.pop()
            if not _is_folder(path):
                if not self._is_excluded(relative, folder=False):
                    self._take_if_known(path)
            elif not (relative and (self._is_excluded(relative, folder=True) or self._is_passed_over(path))):
                waiting.extend(reversed(self._children(path, relative)))
        if before == self._met:
            self.unusable.append(Unusable(source_of(root), f"nothing to read in it: no file of a known kind ({KNOWN})"))

    def _children(self, folder: Path, relative: str) -> list[tuple[Path, str]]:
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self._entered:
                return []
            self._entered.add((status.st_dev, status.st_ino))
            names = sorted(child.name for child in folder.iterdir())
        except OSError:
            self._met += 1
            self._take(folder)
            return []
        shown = [name for name in names if not name.startswith(".") and name not in TOOLS]
        self.hidden += len(names) - len(shown)
        return [(folder / name, f"{relative}/{name}" if relative else name) for name in shown]

    def _is_excluded(self, relative: str, *, folder: bool) -> bool:
        name = well_formed(Path(relative).as_posix()) + "/" * folder  # A byte that is not UTF-8 is one sign for `?`.
        excluded = self._exclude is not None and self._exclude.match_file(name)
        if self._include is not None and not folder:
            excluded = excluded or not self._include.match_file(name)
        self.excluded += excluded
        self._met += excluded
        return excluded

    def _is_passed_over(self, folder: Path) -> bool:
        passed_over = self._passed_over(folder)
        self.hidden += passed_over
        return passed_over

    def _take_if_known(self, path: Path) -> None:
        self._met += 1
        reason = ""
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                reason = "not a regular file"  # A pipe, a socket or a device: reading one may never end.
            elif kind_of(path) not in LOADERS:
                reason = unknown_kind(path)
        except OSError:  # A broken link, or no permission: reading it shows which.
            pass
        if not reason:
            self._take(path)
        elif (place := os.path.realpath(path)) not in self._refused:
            self._refused.add(place)
            self.unusable.append(Unusable(source_of(path), reason))

    def _take(self, path: Path) -> None:
        place = os.path.realpath(path)
        known = self.files.setdefault(place, path)
        # A link may have another suffix, by which the file would be read as what it is not. (islink never raises.)
        if os.path.islink(known) and not os.path.islink(path):  # noqa: PTH114
            self.files[place] = path


def _globs(patterns: Sequence[str]) -> GitIgnoreSpec | None:
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec

    for pattern in patterns:
        try:
            (parsed,) = GitIgnoreSpec.from_lines([pattern]).patterns
            fits_something = parsed.include is not None
        except ValueError:
            fits_something = False
        if not fits_something:
            raise UsageError(f"no glob: {pattern!r}; write one like '*.md', 'drafts/' or 'docs/**/*.txt'")
    return GitIgnoreSpec.from_lines(patterns)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # Inside a folder that may be listed but not entered.
        return False
