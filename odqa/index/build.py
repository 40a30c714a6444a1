"""Files go in, an index of their documents comes out: builds, adds and updates.

Knows the order of the steps; ``ingest`` reads and encodes.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from odqa.addresses import Address
from odqa.arguments import Paths, names_of, paths_of
from odqa.cluster.join import check_address
from odqa.corpus import ChunkOptions, Found, ReadLimits, ReadOptions, Unusable, find_files
from odqa.corpus.base import LIMITS, kind_of, source_of
from odqa.corpus.files import KNOWN, LOADERS, unknown_kind
from odqa.corpus.memory import documents_from
from odqa.errors import OdqaError, UsageError
from odqa.index.ingest import Ingest, OnDuplicate, Rules, check_on_duplicate, fit_chunk
from odqa.index.interface import Catalog, Change, Storage, Store
from odqa.index.manifest import FORMAT, Description, Manifest, check_encoder
from odqa.index.ownership import is_index
from odqa.index.report import ChangeReport, ShowProgress, report_of
from odqa.index.spelling import as_known, finder, is_gone, under
from odqa.index.stores import store_at
from odqa.index.theirs import their_errors, theirs
from odqa.models import DEFAULT_ENCODER
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.keywords import PARAMETERS
from odqa.types import DEFAULT_INDEX, Document
from odqa.version import __version__

Documents: TypeAlias = Iterable[Document | Mapping[str, Any]]
"""Documents from memory: ``odqa.Document``s, or rows like those of a JSONL file."""

Globs: TypeAlias = str | Iterable[str]
"""A glob, or several."""

_READ = ReadOptions()
_CHUNK = ChunkOptions()
_STORAGE = Storage()
_REASONS = 10  # Reasons quoted when nothing could be used.


def build_index(
    paths: Paths = (),
    folder: str | Address = DEFAULT_INDEX,
    *,
    documents: Documents = (),
    include: Globs = (),
    exclude: Globs = (),
    encoder: Encoder | str | Path = DEFAULT_ENCODER,
    read: ReadOptions = _READ,
    chunk: ChunkOptions = _CHUNK,
    storage: Storage = _STORAGE,
    on_duplicate: OnDuplicate | str = OnDuplicate.ERROR,
    strict: bool = False,
    limits: ReadLimits = LIMITS,
    device: str = "auto",
    ray: str | None = None,
    progress: ShowProgress | None = None,
) -> ChangeReport:
    """Index the files under ``paths`` and the ``documents`` from memory into ``folder``, replacing any index there.

    ``folder`` is a path, or the address of an index in a Milvus (``odqa.addresses``), here and below.

    A row of ``documents`` has a ``"text"``, and may have an ``"id"`` (otherwise title and text give it one), a
    ``"title"``, a ``"source"`` to be shown, and ``"metadata"`` to filter by; its other fields are metadata too. Where
    ``read`` names other fields for text, id and title, these are taken.

    Until the new index is complete, the old one stays as it was, whatever happens. A passage is never longer than the
    encoder reads: ``chunk`` is limited to its ``passage_budget``. ``include`` and ``exclude`` are globs as in a
    .gitignore, one or several: with the first, only files that one fits are read, and none that one of the second fits.
    Every other file that was found and not read, for its kind, for what is in it or for the ``limits``, is listed in
    the report; with ``strict`` the first one of a known kind raises DataError.

    ``ray`` is the address of a Ray cluster, ``host:port``, ``auto`` or ``local`` (see ``odqa.cluster.join``), on which
    files are read, split and encoded then, with the same result; ``documents`` are split and encoded here.

    Raises UsageError for a path that does not exist and for a factory that does not fit, IndexFolderError when
    ``folder`` holds something other than an index or another process is changing it, DataError when two documents have
    the same id, and OdqaError when nothing could be used, when the disk is full, and when the cluster cannot do it.
    """
    started = time.monotonic()
    store = store_at(folder)
    found = _found(paths, documents, include, exclude)
    store.check_target()
    here = _device_here(device, ray)  # Before a model is loaded.
    store.check_installed()
    loaded = encoder if isinstance(encoder, Encoder) else Encoder.load(encoder, here)
    store.check_storage(storage, loaded.dimension)  # Before hours of encoding.
    rules = Rules(read, fit_chunk(chunk, loaded), storage, check_on_duplicate(on_duplicate), strict, limits=limits)
    with their_errors(), store.changing(build=True) as change:
        ingest = Ingest(change, lambda: loaded, rules, progress)
        _read(ingest, found.files, ray, device)
        ingest.take(_given(documents, rules.read))
        if not ingest.finish():
            raise OdqaError(_nothing_usable(ingest.unusable, found))
        manifest = change.land(new_manifest(loaded, rules))
    return report_of(store.address, manifest, started, ingest.counts, ingest.unusable, found=found)


def add(
    paths: Paths = (),
    folder: str | Address = DEFAULT_INDEX,
    *,
    documents: Documents = (),
    include: Globs = (),
    exclude: Globs = (),
    encoder: Encoder | str | Path | None = None,
    on_duplicate: OnDuplicate | str = OnDuplicate.ERROR,
    strict: bool = False,
    limits: ReadLimits = LIMITS,
    device: str = "auto",
    ray: str | None = None,
    progress: ShowProgress | None = None,
) -> ChangeReport:
    """Add files and documents (see ``build_index``) to the index in ``folder``, read and split like those in it.

    ``encoder`` None means the one the index was built with; any other is refused. Raises what ``build_index`` raises,
    and IndexFolderError where there is no index.
    """
    started = time.monotonic()
    store = store_at(folder)
    found = _found(paths, documents, include, exclude)
    here = _device_here(device, ray)
    with _ingesting(store, encoder, here, on_duplicate, strict, False, limits, progress) as parts:
        change, manifest, ingest = parts
        _read(ingest, _as_known(change.catalog, found.files), ray, device)
        ingest.take(_given(documents, ReadOptions(**manifest.reading)))
        if not ingest.counts["added"] + ingest.counts["changed"] + ingest.counts["skipped"]:
            raise OdqaError(_nothing_usable(ingest.unusable, found))
        ingest.finish()
        manifest = change.land(manifest)
    return report_of(store.address, manifest, started, ingest.counts, ingest.unusable, found=found)


def update(
    paths: Paths = (),
    folder: str | Address = DEFAULT_INDEX,
    *,
    documents: Documents = (),
    include: Globs = (),
    exclude: Globs = (),
    prune: bool = False,
    encoder: Encoder | str | Path | None = None,
    on_duplicate: OnDuplicate | str = OnDuplicate.ERROR,
    strict: bool = False,
    limits: ReadLimits = LIMITS,
    device: str = "auto",
    ray: str | None = None,
    progress: ShowProgress | None = None,
) -> ChangeReport:
    """Bring the index in ``folder`` up to the files under ``paths`` and the ``documents`` (see ``build_index``).

    Only new and changed documents are encoded. It does not matter whether a path is relative or absolute.

    A file whose bytes have not changed is not read again. Of a file that changed, new documents are added, changed ones
    replaced, and those no longer in it removed. With ``prune``, documents are also removed whose files were read from
    under ``paths`` and no longer exist; otherwise the report names these files. Some of the ``paths`` may be gone, but
    not all, and of one that is gone something must be in the index. What was read from a file that is there and cannot
    be read any more, or that the globs leave out this time, stays. ``documents`` replace those of the same id and
    source; others from memory stay.

    A document that the index has from another of the files is taken in when all are read, if the other one has it no
    longer; else ``on_duplicate`` says what happens, unless the file is as it was when a document of it was left out.
    Raises what ``add`` raises, and UsageError when nothing would be left of the index.
    """
    started = time.monotonic()
    store, paths = store_at(folder), paths_of(paths)
    found = _found(paths, documents, include, exclude, update=True)
    here = _device_here(device, ray)
    with _ingesting(store, encoder, here, on_duplicate, strict, True, limits, progress) as parts:
        change, manifest, ingest = parts
        catalog = change.catalog
        _check_known(catalog.hashes(), paths)
        files = _as_known(catalog, found.files)
        vanished = _vanished(catalog, paths, files)
        for source in vanished if prune else ():
            for item in catalog.from_source(source):
                catalog.remove(item)
                ingest.counts["removed"] += 1
        _read(ingest, files, ray, device)
        ingest.take(_given(documents, ReadOptions(**manifest.reading)))
        ingest.finish()
        manifest = change.land(manifest)
    return report_of(store.address, manifest, started, ingest.counts, ingest.unusable, () if prune else vanished, found)


def check_update(paths: Paths, folder: str | Address = DEFAULT_INDEX) -> None:
    """Raise UsageError where ``update`` would, for a path that is gone and from which nothing in the index was read.

    Locks and changes nothing. Raises IndexFolderError where there is no index.
    """
    paths = paths_of(paths)
    _found(paths, (), (), (), update=True)
    with closing(store_at(folder).open()) as index:
        _check_known(index.sources(), paths)


def _device_here(device: str, ray: str | None) -> str:
    """The device of the encoder in this process, the CPU where a Ray cluster encodes.

    Raises what ``check_address`` raises.
    """
    if ray is None:
        return device
    check_address(ray)
    return "cpu"


def _read(ingest: Ingest, files: Sequence[Path], ray: str | None, device: str) -> None:
    """Take in the files, which this process reads, or a Ray cluster."""
    if ray is None:
        ingest.read(files)
    else:
        ingest.read_on(ray, device, files)


def _given(documents: Documents, options: ReadOptions) -> Iterator[Document | Unusable]:
    """The documents from memory; an error in making them, of a file or a database, is a ``TheirError``."""
    items = documents_from(documents, options)
    while True:
        with theirs():
            item = next(items, None)
        if item is None:
            return
        yield item


@contextmanager
def _ingesting(
    store: Store,
    encoder: Encoder | str | Path | None,
    device: str,
    on_duplicate: OnDuplicate | str,
    strict: bool,
    update: bool,
    limits: ReadLimits,
    progress: ShowProgress | None,
) -> Iterator[tuple[Change, Description, Ingest]]:
    """Lock an index and open it to take in documents."""
    store.manifest()  # Before a folder is made for the lock.
    store.check_installed()
    with their_errors(), store.changing() as change:
        manifest = change.manifest
        rules = Rules(
            ReadOptions(**manifest.reading),
            ChunkOptions(**manifest.chunking),
            Storage(**manifest.storage),
            check_on_duplicate(on_duplicate),
            strict,
            update,
            limits,
        )
        load = _loader(store.address, manifest, encoder, device)
        yield change, manifest, Ingest(change, load, rules, progress)


def _loader(
    address: Address, manifest: Description, encoder: Encoder | str | Path | None, device: str
) -> Callable[[], Encoder]:
    """A function that loads the index's encoder once, and only when a document is new: most updates find few."""

    @cache
    def load() -> Encoder:
        name = manifest.encoder if encoder is None else encoder
        loaded = name if isinstance(name, Encoder) else Encoder.load(name, device)
        check_encoder(address, manifest, loaded)
        return loaded

    return load


def new_manifest(encoder: Encoder, rules: Rules) -> Manifest:
    """The manifest of an index without a segment, which says how it is made."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Manifest(
        format=FORMAT,
        version=0,
        odqa_version=__version__,
        created=now,
        changed=now,
        encoder=encoder.name,
        encoder_hash=encoder.content_hash,
        dimension=encoder.dimension,
        pooling=encoder.pooling,
        prompts=encoder.prompts,
        reading=asdict(rules.read),
        chunking=asdict(rules.chunk),
        keywords={**PARAMETERS, "language": rules.chunk.language},
        storage=asdict(rules.storage),
        segments=(),
    )


def _found(paths: Paths, documents: Documents, include: Globs, exclude: Globs, *, update: bool = False) -> Found:
    """The files under ``paths``; none where there are ``documents`` alone. Raises OdqaError where nothing can be read.

    For an ``update`` there may be no file left, and of several paths some may be gone; see ``_check_known``.
    """
    paths = paths_of(paths)
    given = not isinstance(documents, tuple) or documents
    if not paths:
        if not given:
            raise UsageError("nothing to index: name the files or folders to read, or give documents=")
        return Found(())
    if update:  # Where none is left, this is not the folder from which the index was made.
        paths = [path for path in paths if not is_gone(str(path))] or paths
    found = find_files(paths, names_of(include), names_of(exclude), passed_over=is_index)
    if not (found.files or given or update):
        raise OdqaError(_nothing_usable((), found))
    unknown = [
        Unusable(source_of(file), f"{unknown_kind(file)}: known are {KNOWN}")
        for file in found.files
        if kind_of(file) not in LOADERS
    ]
    if unknown and len(unknown) == len(found.files) and not given and not update:
        raise OdqaError(_nothing_usable(unknown, found))  # Before a model is loaded for nothing.
    return found


def _check_known(known: Iterable[str], paths: Sequence[Path]) -> None:
    """Raise UsageError for a path that does not exist and from which none of the ``known`` files was read."""
    for path in paths:
        if is_gone(str(path)) and not under(known, [source_of(path)]):
            raise UsageError(f"no such file or folder: {path}")


def _as_known(catalog: Catalog, files: Sequence[Path]) -> list[Path]:
    """The files, by the paths that the index has for them where it has them under another spelling."""
    known = as_known(files, catalog.hashes())
    return [
        other if other is file or catalog.from_source(source_of(other)) else file
        for file, other in zip(files, known, strict=True)
    ]


def _vanished(catalog: Catalog, paths: Sequence[Path], files: Sequence[Path]) -> tuple[str, ...]:
    """The files of the index that were read from under ``paths`` and are no longer there."""
    there = {source_of(file) for file in files}
    others = under(sorted(catalog.hashes().keys() - there), map(source_of, paths))
    on_disk = finder()
    return tuple(source for source in others if is_gone(source, on_disk) and catalog.from_source(source))


def _nothing_usable(unusable: Sequence[Unusable], found: Found) -> str:
    """Why there is nothing to index: the reasons, each with how many files have it and the first of them."""
    files = defaultdict(list)
    for item in (*unusable, *found.unusable):
        files[item.reason].append(item.source)
    what = "nothing could be indexed, and no index was written"
    left_out = f" ({found.excluded:,} left out by the globs)" if found.excluded else ""
    if not files:
        return f"{what}: there is no document{left_out}"
    lines = [f"  {sources[0]}: {reason}{_more(sources)}" for reason, sources in list(files.items())[:_REASONS]]
    more = [f"  and {len(files) - _REASONS} more reasons"] * (len(files) > _REASONS)
    return "\n".join([f"{what}{left_out}; the reasons:", *lines, *more])


def _more(sources: Sequence[str]) -> str:
    return f" (and {len(sources) - 1:,} more)" if len(sources) > 1 else ""
