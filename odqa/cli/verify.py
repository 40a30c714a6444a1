"""``odqa verify``: an index in; what is broken in it, each with its repair, out. Repairs nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.cli.common import command
from odqa.cli.defaults import index_or_default
from odqa.cli.options import AUTO, DeviceOption, IndexArgument, JsonOption, SameIndexOption
from odqa.cli.output import count, megabytes, print_json, print_lines
from odqa.cli.progress import progress_of_stages
from odqa.reports.visible import visible

if TYPE_CHECKING:
    from odqa.index.manifest import Description
    from odqa.index.verification import Verification
    from odqa.retrieval.encoder import Encoder


@command
def verify(
    index: IndexArgument = None,
    same_index: SameIndexOption = None,
    no_encode: Annotated[
        bool, typer.Option("--no-encode", help="Do not encode a sample of passages again; no model is loaded.")
    ] = False,
    device: DeviceOption = AUTO,
    json_output: JsonOption = False,
) -> None:
    """Check an index down to the last byte, and show what is broken and how to repair it.

    Compares the checksums of all files and the numbers of documents, passages, vectors and keywords with the manifest,
    checks the length of every vector, and encodes a sample of passages again, which must give the vectors that are
    stored. The exit code is 1 when anything is broken.

    Examples:

    odqa verify indexes/handbook

    odqa verify indexes/wiki --no-encode --json

    """
    from odqa.index.stores import store_at

    def load(manifest: Description) -> Encoder:
        from odqa.retrieval.encoder import Encoder

        return Encoder.load(manifest.encoder, device)

    with progress_of_stages() as tell:
        shown = 0

        def show(done: int, total: int) -> None:
            nonlocal shown
            tell("Comparing checksums (kB)", done // 1000 - shown, max(1, total // 1000))
            shown = done // 1000

        verified = store_at(index_or_default(index, same_index)).verify(None if no_encode else load, show)
    if json_output:
        print_json({**asdict(verified), "folder": str(verified.folder)})
    else:
        print_lines(_lines(verified))
    if verified.problems:
        raise typer.Exit(1)


def _lines(verified: Verification) -> list[str]:
    if verified.problems:
        found = [f"{visible(problem.what)}\n  repair with {visible(problem.remedy)}" for problem in verified.problems]
        return [*found, f"{count(len(found), 'problem')} in {visible(str(verified.folder))}"]
    encoded = "none encoded again"
    if verified.encoded:
        encoded = f"{verified.encoded:,} encoded again, least cosine {verified.least_cosine:.4f}"
    return [
        f"{visible(str(verified.folder))} is whole: version {verified.version}, {count(verified.files, 'file')}, "
        f"{megabytes(verified.bytes)}, {count(verified.passages, 'passage')}, {encoded}"
    ]
