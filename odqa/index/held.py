"""A folder held open, in which files and folders are deleted without following a link: nothing outside is touched.

What is done goes by a descriptor of the folder, so that it stays in it, even where a link takes the folder's place
meanwhile. Windows has no such descriptors; there, a folder is looked at before it is used.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from odqa.closing import Closing

_DESCRIPTORS = {os.open, os.unlink, os.rmdir} <= os.supports_dir_fd and os.listdir in os.supports_fd


class HeldFolder(Closing):
    """A folder held open. Use it as a context manager, or close it."""

    def __init__(self, path: Path, within: HeldFolder | None = None) -> None:
        """Open ``path`` or, with ``within``, the folder of its name in that one, which must not be a link.

        Raises OSError where there is no such folder, or it is a link.
        """
        self._path = path
        self._descriptor: int | None = None
        if _DESCRIPTORS:
            if within is None:
                self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            else:
                no_link = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                self._descriptor = os.open(path.name, no_link, dir_fd=within._descriptor)
        elif within is not None and path.resolve() != within._path.resolve() / path.name:
            raise NotADirectoryError(f"{path} is a link")

    def folder(self, name: str) -> HeldFolder:
        """Open a folder in this one. Raises OSError where there is none, or it is a link."""
        return HeldFolder(self._path / name, self)

    def names(self) -> list[str]:
        """The names of what is in it."""
        return os.listdir(self._path if self._descriptor is None else self._descriptor)  # noqa: PTH208

    def delete(self, name: str, *, folder: bool = False) -> None:
        """Delete a file, a link itself, or an empty ``folder``, as far as the system lets us.

        Windows deletes no file that is open; the next change does.
        """
        path = self._path / name if self._descriptor is None else name
        with suppress(OSError):
            (os.rmdir if folder else os.unlink)(path, dir_fd=self._descriptor)

    def close(self) -> None:
        """Close the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
