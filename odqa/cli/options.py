"""What is typed after an option in, the value that a command works with out: the options that several commands share.

Each has its help written here once, and its default where that is not plain. Imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from odqa.addresses import Address, address_of
from odqa.cli import complete
from odqa.cli.common import MODELS, OUTPUT
from odqa.cli.output import note
from odqa.device import check_device
from odqa.errors import UsageError
from odqa.types import DEFAULT_INDEX, Mode

if TYPE_CHECKING:
    from odqa.index.filters import Filter
    from odqa.index.interface import Storage

AUTO = "auto"
EXHAUSTIVE = "Read all k passages, also where the first ones give an answer that is sure."
MAX_FILE_SIZE = 250  # What odqa.corpus.ReadLimits has: importing it would make every --help slower.
MAX_FILE_SECONDS = 300
BATCH_SIZE = 32
_PATTERN = re.compile(r"\*|\[.+\]")

# The groups of options in the help of a command; those without one come first.
FILES = "Which files, and how they are read"
PASSAGES = "How documents are cut into passages"
STORAGE = "How vectors are stored"

Paths: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH",
        help="Files and folders: .txt .md .rst .html .pdf .docx .pptx .xlsx .odt .epub .ipynb .jsonl .csv .tsv, "
        "SQuAD-format .json, README and the like, and any of them as .gz.",
    ),
]
IncludeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="GLOB",
        help="Read only files that it fits, as in a .gitignore: '*.md' anywhere, 'docs/*.md' from PATH on; repeatable.",
        rich_help_panel=FILES,
    ),
]
ExcludeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Leave out files and folders that it fits: 'drafts/'; repeatable.",
        rich_help_panel=FILES,
    ),
]


def index_address(value: object) -> Address:
    """The address of an index. Raises BadParameter for what is none."""
    try:
        return address_of(value)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


# Any: an Address, which typer makes nothing of, being one of two types.
INDEX_HELP = "Index: a folder, milvus://HOST:PORT/COLLECTION, or milvus:FILE.db/COLLECTION"
IndexArgument: TypeAlias = Annotated[
    Any,
    typer.Argument(
        metavar="INDEX",
        parser=index_address,
        help=f"{INDEX_HELP}; {DEFAULT_INDEX} if not given.",
        autocompletion=complete.indexes,
        show_default=False,
    ),
]
IndexOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--index", metavar="INDEX", parser=index_address, help=f"{INDEX_HELP}.", autocompletion=complete.indexes
    ),
]
IndexOrDefaultOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--index",
        metavar="INDEX",
        parser=index_address,
        help=f"{INDEX_HELP}; {DEFAULT_INDEX} if not given.",
        autocompletion=complete.indexes,
    ),
]
SameIndexOption: TypeAlias = Annotated[
    Any,
    typer.Option(
        "--index",
        metavar="INDEX",
        parser=index_address,
        help="The same as INDEX.",
        autocompletion=complete.indexes,
    ),
]
ReaderOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--reader", help="Reader: a folder or a name.", autocompletion=complete.readers, rich_help_panel=MODELS
    ),
]
AnswerableOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--answerable",
        metavar="SHARE",
        help="Share of your questions that the documents answer (0 to 1), as you expect; half if not given. The more, "
        "the more answers are given, and the surer.",
    ),
]
ModeOption: TypeAlias = Annotated[
    Mode, typer.Option("--mode", help="Find passages by meaning (dense), by shared words (bm25), or by both (hybrid).")
]
FilterOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="FILTER",
        autocompletion=complete.fields,
        help="Only documents that match: lang=en, lang!=en, year>=2020, 'source~=*/policies/*'; repeat to require "
        "several.",
    ),
]
QuestionsOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--questions",
        metavar="FILE",
        help="Take every question of this file, or of standard input for -: one a line, or JSONL with id and "
        "question. Prints JSONL in the same order.",
    ),
]
OnDuplicateOption: TypeAlias = Annotated[
    Literal["error", "replace", "skip"],  # Spelled out: importing them would make every --help slower.
    typer.Option(
        "--on-duplicate",
        help="When two documents have the same id: stop, let the later one replace the earlier, or skip the later.",
        rich_help_panel=FILES,
    ),
]
MaxFileSizeOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--max-file-size",
        min=1,
        metavar="MB",
        help="Leave out a file that is larger, packed or unpacked; of JSONL, CSV and TSV only such a row.",
        rich_help_panel=FILES,
    ),
]
MaxFileSecondsOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--max-file-seconds",
        min=1,
        metavar="S",
        help="Leave out a file that takes longer to read.",
        rich_help_panel=FILES,
    ),
]
StrictOption: TypeAlias = Annotated[
    bool, typer.Option("--strict", help="Stop at the first file that cannot be used.", rich_help_panel=FILES)
]


def text(value: str | None) -> str | None:
    """The value of an option that is no path, as it is. Raises BadParameter where it is not text in UTF-8."""
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("it is not UTF-8") from None
    return value


FactoryOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--factory",
        callback=text,
        help="How FAISS stores the vectors, as a factory string: Flat, HNSW32, IVF1024,SQ8, ...; in a Milvus its type "
        "of index: FLAT, HNSW, IVF_SQ8, ...; auto chooses by the number of passages.",
        rich_help_panel=STORAGE,
    ),
]
RecallOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--tune-recall",
        metavar="FLOAT",
        help="Share of the passages of an exact search that searching must find, above 0 and at most 1; measured "
        "against Flat, and reached by searching longer.",
        rich_help_panel=STORAGE,
    ),
]
SplitOption: TypeAlias = Annotated[
    str | None, typer.Option("--split", help="Split of a hub dataset; validation if not given.")
]
LimitOption: TypeAlias = Annotated[
    int | None, typer.Option("--limit", min=1, help="Use the first N questions only.", metavar="N")
]
BatchSizeOption: TypeAlias = Annotated[
    int, typer.Option("--batch-size", min=1, help="Windows read at once.", rich_help_panel=MODELS)
]


def device(value: str) -> str:
    """The name of a device. Raises BadParameter for one that was never any."""
    try:
        return check_device(value)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


DeviceOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--device",
        help="auto, cpu, cuda, cuda:1, mps, ...",
        autocompletion=complete.devices,
        callback=device,
        rich_help_panel=MODELS,
    ),
]
RayOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Work on a Ray cluster: host:port of its head, auto for one that runs here, local for all cores of this "
        "machine.",
        rich_help_panel=MODELS,
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of text.", rich_help_panel=OUTPUT)
]


def parse_filters(texts: Sequence[str] | None) -> tuple[Filter, ...]:
    """The filters of ``--filter``, in the order given. Raises UsageError for a text that is not a filter."""
    if not texts:
        return ()
    from odqa.corpus.base import storable
    from odqa.index.filters import Operator, parse

    found = tuple(parse(storable(text)) for text in texts)  # As names that are not UTF-8 are written in an index.
    for some in found:
        if some.operator in (Operator.EQUAL, Operator.DIFFERENT) and _PATTERN.search(some.value):
            note(
                f"hint: {some} compares the whole text, * and [ too; for a pattern write "
                f"'{some.field}~={some.value}'" + (", which has no opposite" if some.operator != Operator.EQUAL else "")
            )
    return found


def storage_of(factory: str | None, recall: float | None, before: Storage) -> Storage:
    """How vectors are stored by ``--factory`` and ``--tune-recall``; what is not given stays as it was ``before``.

    Raises UsageError for a recall outside (0, 1].
    """
    from odqa.index.interface import Storage

    if recall is not None and not 0 < recall <= 1:
        raise UsageError(f"--tune-recall is {recall}: give a share above 0 and at most 1, such as 0.95")
    return Storage(
        factory=before.factory if factory is None else "" if factory == AUTO else factory,
        recall=before.recall if recall is None else recall,
    )
