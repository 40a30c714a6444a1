"""``odqa info``: print what an index says of itself. Loads no model and opens no data file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from odqa.cli.common import command, print_json


@command
def info(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="Index folder, for example indexes/default.")],
    json_output: Annotated[bool, typer.Option("--json", help="Print the manifest as one JSON object.")] = False,
) -> None:
    """Show what an index holds, how it was made and how large it is.

    Also says when a file of the index is missing or was cut short. (Checksums are compared when it is opened.)

    Examples:
    odqa info indexes/handbook

    odqa info indexes/handbook --json

    """
    from odqa.index.manifest import check_sizes, read_manifest

    manifest = read_manifest(index)
    check_sizes(index, manifest)
    if json_output:
        print_json(asdict(manifest))
        return
    prompts = ", ".join(f"{kind}: {prompt!r}" for kind, prompt in manifest.prompts.items())
    metric = "cosine" if manifest.normalized else manifest.metric
    rows = [
        ("Index", str(index)),
        ("Documents", f"{manifest.documents:,}"),
        ("Passages", f"{manifest.passages:,}"),
        ("Chunking", ", ".join(f"{name} {value}" for name, value in manifest.chunking.items())),
        ("Encoder", f"{manifest.encoder} ({manifest.encoder_hash[:12]})"),
        ("Vectors", f"{manifest.dimension} dimensions, {metric}, {manifest.pooling} pooling"),
        ("Prompts", prompts or "none"),
        ("Keywords", "BM25, " + ", ".join(f"{name} {value}" for name, value in manifest.keywords.items())),
        ("Size", f"{manifest.bytes / 1e6:,.1f} MB"),
        ("Created", f"{manifest.created} by odqa {manifest.odqa_version}, format {manifest.format}"),
    ]
    for name, value in rows:
        print(f"{name:<10} {value}")
    for name, record in manifest.files.items():
        print(f"{'File':<10} {name}, {record.size:,} bytes, sha256 {record.sha256}")
