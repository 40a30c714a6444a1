"""Indexes by name in, open indexes with their models out: loaded once, and opened anew when one of them changes.

The new version of an index is opened beside the old one and takes its place; the old one is closed when the last
request that began with it is done.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from odqa.addresses import Address, MilvusAddress, address_of
from odqa.answering import fit_file
from odqa.answering.pipeline import Pipeline
from odqa.answering.question import check_share
from odqa.answering.ranking import check_ranking
from odqa.closing import Closing
from odqa.errors import OdqaError, UsageError
from odqa.index.interface import OpenIndex
from odqa.index.layout import MANIFEST
from odqa.index.retriever import Retriever
from odqa.index.stores import store_at
from odqa.models import DEFAULT_READER
from odqa.serve import facets
from odqa.serve.batching import Busy
from odqa.types import Mode

if TYPE_CHECKING:
    from odqa.reader.model import Reader
    from odqa.retrieval.encoder import Encoder

WARM_UP = "What is this?"
LONGEST_PAUSE = 60.0  # Seconds between two attempts to open a version of an index that could not be opened.
_log = logging.getLogger("odqa.serve")

Stamp: TypeAlias = tuple[object, ...]
"""What changes when an index does: what the system says of its manifest and of what was fitted on it."""


class NoSuchIndex(UsageError):
    """A request names an index that is not served."""


class Models:
    """The reader and the encoders that all indexes share, each loaded when it is first needed."""

    def __init__(
        self,
        reader: str | Path = DEFAULT_READER,
        *,
        device: str = "auto",
        ranking: str | None = None,
        answerable: float | None = None,
    ) -> None:
        """``ranking`` names the ranking of all indexes; None takes the best that was fitted for each.

        ``answerable`` is the share of the questions that they are expected to answer; None means half. Raises
        UsageError for a ranking that does not exist, and for a share that is not between 0 and 1.
        """
        check_ranking(ranking)
        check_share(answerable)
        self.answerable = answerable
        self._reader = reader
        self.device = device
        self.ranking = ranking
        self._encoders: dict[str, Encoder] = {}

    @cached_property
    def reader(self) -> Reader:
        """The reader. Raises ModelError where it cannot be loaded, UsageError for a device that is not there."""
        from odqa.reader.model import Reader

        return Reader.load(self._reader, device=self.device)

    @cached_property
    def fit(self) -> Path:
        """Where an index folder has what was fitted for the reader, if anything was."""
        return fit_file.own_file(Path(), self.reader)

    def encoder_of(self, index: OpenIndex) -> Encoder:
        """The encoder that an index was built with. Raises ModelError and IndexFolderError as ``Retriever.open``."""
        from odqa.retrieval.encoder import Encoder

        wanted = index.manifest.encoder_hash
        if wanted not in self._encoders:
            loaded = Encoder.load(index.manifest.encoder, device=self.device)
            index.check_encoder(loaded)
            self._encoders[wanted] = loaded
        return self._encoders[wanted]

    def keep(self, hashes: set[str]) -> None:
        """Forget the encoders that no index uses any more."""
        self._encoders = {hash: encoder for hash, encoder in self._encoders.items() if hash in hashes}


class Version:
    """One version of an index, open, and what answers from it in each mode."""

    def __init__(self, name: str, folder: Address, models: Models, stamp: Stamp) -> None:
        """Open the index. Raises what ``Pipeline.open`` does."""
        self.name = name
        self.stamp = stamp
        index = store_at(folder).open(device=models.device)
        try:
            reader, encoder = models.reader, models.encoder_of(index)
            fit = fit_file.load(reader, folder)
            decider = fit_file.decider(reader, fit, models.ranking, models.answerable)
            self._pipelines = {Mode.HYBRID: Pipeline(Retriever(index, encoder), reader, decider)}
        except BaseException:
            index.close()
            raise
        self.index = index
        self._lock = Lock()
        self._users = 0
        self._retired = False

    def pipeline(self, mode: Mode) -> Pipeline:
        """What answers and, by its retriever, what searches in this mode."""
        with self._lock:
            if mode not in self._pipelines:
                self._pipelines[mode] = self._pipelines[Mode.HYBRID].in_mode(mode)
            return self._pipelines[mode]

    def describe(self) -> None:
        """Find out what ``fields`` and ``questions`` tell, which takes a moment for the first who asks."""
        _ = self.fields, self.questions

    @cached_property
    def fields(self) -> list[facets.Field]:
        """What its documents can be filtered by."""
        return facets.fields(self.index)

    @cached_property
    def questions(self) -> list[str]:
        """Questions one could ask of it."""
        return facets.questions(self.index)

    def hold(self) -> bool:
        """Keep it open until ``release``; false where it is closed, or about to be."""
        with self._lock:
            self._users += not self._retired
            return not self._retired

    def release(self) -> None:
        """Let it be closed if it is retired and nobody else holds it."""
        with self._lock:
            self._users -= 1
            last = self._retired and not self._users
        if last:
            self._close()

    def retire(self) -> None:
        """Close it, as soon as nobody holds it."""
        with self._lock:
            idle = not self._retired and not self._users
            self._retired = True
        if idle:
            self._close()

    def _close(self) -> None:
        for pipeline in self._pipelines.values():
            pipeline.close()


@dataclass(frozen=True, slots=True)
class Failure:
    """A version of an index that could not be opened, and when to try again, after a ``pause`` in seconds."""

    stamp: Stamp
    again: float
    pause: float


class Indexes(Closing):
    """The indexes that are served, by name; the first is the default. Close them in the end."""

    def __init__(
        self, folders: Mapping[str, Address], models: Models, *, clock: Callable[[], float] = monotonic
    ) -> None:
        """Open all of them and load the models. Raises what ``Pipeline.open`` does.

        What is cheap is checked first: every manifest is read before a model is loaded.
        """
        for folder in folders.values():
            store_at(folder).manifest()
        self._folders = dict(folders)
        self._models = models
        self._clock = clock
        self._versions: dict[str, Version] = {}
        self._failures: dict[str, Failure] = {}
        self.problems: dict[str, str] = {}  # By name, why the version in an index's folder is not the one that is open.
        self.reloads = 0
        self._ended = Event()
        self._watcher: Thread | None = None
        try:
            for name, folder in self._folders.items():
                self._versions[name] = self._open(name, folder)
        except BaseException:
            self.close()
            raise

    @property
    def names(self) -> list[str]:
        """Their names, the default first."""
        return list(self._folders)

    @property
    def models(self) -> Models:
        """The models that they share."""
        return self._models

    @contextmanager
    def use(self, name: str | None = None) -> Iterator[Version]:
        """The index of that name, or the default one, as it is now; it stays open and the same to the end of the block.

        Raises NoSuchIndex for a name that none has, and Busy when they are closed.
        """
        name = self.check(name)
        while not (version := self._versions[name]).hold():  # Its successor has taken its place meanwhile.
            if self._ended.is_set():
                raise Busy("the server is stopping; ask again when it runs", 5)
        try:
            yield version
        finally:
            version.release()

    def check(self, name: str | None) -> str:
        """The name of an index that is served; None is the default one. Raises NoSuchIndex."""
        if name is None:
            return self.names[0]
        if name not in self._folders:
            raise NoSuchIndex(f"no index is called {name!r} here; there are {', '.join(self.names)}")
        return name

    def warm(self) -> None:
        """Ask every index a question, so that the first one of a user takes no longer than the others."""
        for name in self.names:
            with self.use(name) as version:
                version.pipeline(Mode.HYBRID).ask(WARM_UP)
                version.describe()

    def refresh(self) -> None:
        """Open anew each index whose folder has changed; where that fails, the old version goes on serving.

        A version that could not be opened is tried again ever more rarely: that may load a model each time.
        """
        for name, folder in self._folders.items():
            before, failed = self._versions[name], self._failures.get(name)
            stamp: Stamp | None = None
            try:
                stamp = self._stamp(folder)
                if stamp == before.stamp:
                    self._forget(name)
                    continue
                if failed and failed.stamp == stamp and self._clock() < failed.again:
                    continue
                after = self._open(name, folder)
            except Exception as error:  # Whatever it is, this version goes on, and the other indexes are looked at.
                said = str(error) or type(error).__name__
                if self.problems.get(name) != said:
                    foreseen = isinstance(error, OdqaError | OSError)
                    _log.warning("the index %s goes on as it was: %s", name, said, exc_info=not foreseen)
                self.problems[name] = said
                if stamp is not None:
                    pause = min(2 * failed.pause, LONGEST_PAUSE) if failed and failed.stamp == stamp else 1.0
                    self._failures[name] = Failure(stamp, self._clock() + pause, pause)
                continue
            self._versions[name] = after
            before.retire()
            self._forget(name)
            self.reloads += 1
            _log.info("the index %s was opened anew: version %d", name, after.index.manifest.version)
        self._models.keep({version.index.manifest.encoder_hash for version in self._versions.values()})

    def watch(self, seconds: float = 1.0) -> None:
        """Refresh every so many seconds, on a thread of its own, until they are closed."""

        def run() -> None:
            while not self._ended.wait(seconds):
                try:
                    self.refresh()
                except Exception:  # Whatever it is, the versions that are open go on.
                    _log.exception("an index could not be opened anew")

        self._watcher = Thread(target=run, name="index watcher", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """End watching, and close the indexes as soon as no request uses them."""
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()
        for version in self._versions.values():
            version.retire()

    def _forget(self, name: str) -> None:
        self.problems.pop(name, None)
        self._failures.pop(name, None)

    def _open(self, name: str, folder: Address) -> Version:
        # Taken before opening: a change that lands meanwhile is seen the next time.
        return Version(name, folder, self._models, self._stamp(folder))

    def _stamp(self, folder: Address) -> Stamp:
        if isinstance(folder, MilvusAddress):
            from odqa.index.milvus.store import MilvusStore

            return MilvusStore(folder).stamp(fit_file.note_of(self._models.reader))
        return tuple(_status(folder / name) for name in (MANIFEST, self._models.fit))


def _status(path: Path) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def named_folders(texts: list[str], default: Address) -> dict[str, Address]:
    """The indexes by name of ``--index``, each ``NAME=INDEX`` or ``INDEX``, whose name is then its own.

    Raises UsageError for a name or a path that is empty, and for two indexes of one name.
    """
    folders: dict[str, Address] = {}
    for text in texts or [str(default)]:
        name, mark, path = text.partition("=")
        if not mark or "/" in name:  # A path may hold the sign, too.
            address = address_of(text or ".")
            name, path = (address.resolve() if isinstance(address, Path) else address).name, text
        if not name.strip() or not path:
            raise UsageError(f"--index {text} has no name or no path; write it like handbook=indexes/handbook")
        if name in folders:
            raise UsageError(f"two indexes are called {name}; name one of them: --index other={path}")
        folders[name] = address_of(path)
    return folders
