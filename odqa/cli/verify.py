"""``odqa verify``: parse, verify, print what is broken. Knows how problems look in a terminal; mends nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.cli.changes import DeviceOption, count, megabytes
from odqa.cli.common import command, print_json, print_lines, progress_bar

if TYPE_CHECKING:
    from odqa.index.manifest import Manifest
    from odqa.index.verification import Verification
    from odqa.retrieval.encoder import Encoder


@command
def verify(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="Index folder, for example indexes/default.")],
    no_encode: Annotated[
        bool, typer.Option("--no-encode", help="Encode no sample again; no model is loaded then.")
    ] = False,
    device: DeviceOption = "auto",
    json_output: Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")] = False,
) -> None:
    """Check an index to the last byte, and say what is broken and what mends it.

    Compared are the checksums of all files, the numbers of documents, passages, vectors and keywords, the length of
    every vector, and the vectors of a sample of passages with those that the encoder gives now. The exit code is 1
    when anything is broken.

    Examples:
    odqa verify indexes/handbook

    odqa verify indexes/wiki --no-encode --json

    """
    from odqa.index.verification import verify as verify_index

    def load(manifest: Manifest) -> Encoder:
        from odqa.retrieval.encoder import Encoder

        return Encoder.load(manifest.encoder, device)

    with progress_bar() as display:
        task = display.add_task("Comparing checksums (kB)")

        def show(done: int, total: int) -> None:
            display.update(task, completed=done // 1000, total=max(1, total // 1000))

        verified = verify_index(index, None if no_encode else load, progress=show)
    if json_output:
        print_json({**asdict(verified), "folder": str(verified.folder)})
    else:
        print_lines(_lines(verified))
    if verified.problems:
        raise typer.Exit(1)


def _lines(verified: Verification) -> list[str]:
    if verified.problems:
        found = [f"{problem.what}\n  mended by {problem.remedy}" for problem in verified.problems]
        return [*found, f"{count(len(found), 'problem')} in {verified.folder}"]
    encoded = "none encoded again"
    if verified.encoded:
        encoded = f"{verified.encoded:,} encoded again, least cosine {verified.least_cosine:.4f}"
    return [
        f"{verified.folder} is whole: version {verified.version}, {count(verified.files, 'file')}, "
        f"{megabytes(verified.bytes)}, {count(verified.passages, 'passage')}, {encoded}"
    ]
