"""``odqa info``: an index in; what its manifest says of it out. Loads no model and opens no data file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from odqa.addresses import Address
from odqa.cli.changes import describe_vectors
from odqa.cli.common import command
from odqa.cli.defaults import index_or_default
from odqa.cli.options import IndexArgument, JsonOption, SameIndexOption
from odqa.cli.output import count, megabytes, print_json
from odqa.cli.tables import print_table

if TYPE_CHECKING:
    from odqa.index.manifest import Description, Manifest, SegmentRecord

WORTH_COMPACTING = 0.2  # Share of deleted passages on the disk above which a hint is shown.


@command
def info(
    index: IndexArgument = None,
    same_index: SameIndexOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show what an index holds, how it was made and how large it is.

    Fails when a file of the index is missing or was cut short; odqa verify also compares the checksums.

    Examples:

    odqa info indexes/handbook

    odqa info --index indexes/handbook --json

    """
    from odqa.index.manifest import Manifest, as_stored
    from odqa.index.stores import store_at

    address = index_or_default(index, same_index)
    manifest = _manifest_of(address) if isinstance(address, Path) else store_at(address).manifest()
    if json_output:
        totals = {"documents": manifest.documents, "passages": manifest.passages, "bytes": manifest.bytes}
        print_json({**(as_stored(manifest) if isinstance(manifest, Manifest) else asdict(manifest)), **totals})
    else:
        of_place = _of_folder(address, manifest) if isinstance(manifest, Manifest) else _of_milvus(manifest)
        print_table([*_rows(address, manifest), *of_place], left=2)


def _manifest_of(folder: Path) -> Description:
    """The manifest of a folder whose files have the sizes that it says. Raises IndexFolderError."""
    from odqa.index.manifest import check_sizes, of_one_version

    def checked(manifest: Manifest) -> Manifest:
        check_sizes(folder, manifest)
        return manifest

    return of_one_version(folder, checked)


def _rows(index: Address, manifest: Description) -> Iterator[tuple[str, str]]:
    prompts = ", ".join(f"{kind}: {prompt!r}" for kind, prompt in manifest.prompts.items())
    yield "Index", str(index)
    yield "Version", f"{manifest.version}, of {manifest.changed}, by odqa {manifest.odqa_version}"
    yield "Created", f"{manifest.created}, format {manifest.format}"
    yield "Documents", f"{manifest.documents:,}"
    yield "Passages", f"{manifest.passages:,}"
    yield "Chunking", _listed(manifest.chunking)
    yield "Encoder", f"{manifest.encoder} ({manifest.encoder_hash[:12]})"
    yield "Vectors", f"{manifest.dimension} dimensions, cosine, {manifest.pooling} pooling"
    yield "Prompts", prompts or "none"
    yield "Keywords", f"BM25, {_listed(manifest.keywords)}"


def _of_milvus(manifest: Description) -> Iterator[tuple[str, str]]:
    yield "Size", f"about {megabytes(manifest.bytes)}"
    yield "Stored", describe_vectors(manifest.newest_vectors)


def _of_folder(index: Address, manifest: Manifest) -> Iterator[tuple[str, str]]:
    components = ", ".join(f"{name} {megabytes(size)}" for name, size in _components(manifest).items())
    yield "Size", f"{megabytes(manifest.bytes)}: {components}"
    for segment in manifest.segments:
        yield "Segment", _segment(segment)
    if manifest.deleted_passages:
        share = manifest.deleted_passages / (manifest.passages + manifest.deleted_passages)
        hint = (
            f"; `odqa compact --index {quote(str(index))}` takes them off the disk" if share > WORTH_COMPACTING else ""
        )
        yield "Deleted", f"{share:.1%} of the passages on the disk{hint}"


def _segment(segment: SegmentRecord) -> str:
    documents, passages = count(segment.documents, "document"), count(segment.passages, "passage")
    if segment.deleted:
        documents += f" ({segment.deleted_documents:,} deleted)"
        passages += f" ({segment.deleted_passages:,} deleted)"
    size = megabytes(sum(record.size for record in segment.files.values()))
    return ", ".join((segment.name, documents, passages, describe_vectors(segment.vectors), size))


def _components(manifest: Manifest) -> dict[str, int]:
    """Bytes of the files by what they hold, which is what their names begin with."""
    sizes: Counter[str] = Counter()
    for segment in manifest.segments:
        for name, record in segment.files.items():
            sizes[name.partition(".")[0]] += record.size
    return dict(sizes.most_common())


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
