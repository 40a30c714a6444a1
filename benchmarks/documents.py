"""Measures how much of a document's text the loaders keep, how much they add, and what reading costs.

    python benchmarks/documents.py --make runs/documents
    python benchmarks/documents.py runs/documents --show 3

For every kind of file in a folder: the share of its words, and of their characters, that are in what was read, and the
share of what was read that is not in the file, both counted as often as they occur; the seconds a megabyte; and the
memory, beyond that of the process, that its largest file took, in megabytes a megabyte. Each kind is read in a process
of its own, by the loader itself, once its libraries are loaded.

What a file says is in ``NAME.reference.txt`` beside it, or else what another tool makes of it: ``pdftotext`` of a PDF,
``w3m`` or ``lynx`` of a web page, ``pandoc`` of Word, OpenDocument, EPUB and notebooks. Without the tool it is all
character data in the file's XML or HTML; of plain formats, the file itself. No reference is the truth: a page's menus
are lost on purpose, and marks of Markdown are not words. So read the words that ``--show`` lists, and compare runs.

``--make`` puts real files of every kind into a folder, with references where their sources are known. They are from
Debian packages, which are downloaded into the cache of ``documentation.py``; everything else works offline.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from documentation import CACHE, MAN_PAGES, unpack, write_man_page
from lxml import etree

from odqa.corpus import ReadOptions, Unusable
from odqa.corpus.base import OpenFile
from odqa.corpus.load import load
from odqa.reports.tables import aligned
from odqa.types import Document

REFERENCE = ".reference.txt"
PANDOC = {".docx": "docx", ".odt": "odt", ".epub": "epub", ".ipynb": "ipynb"}
WEB_PAGES = frozenset((".html", ".htm"))
ZIPPED = frozenset((".docx", ".pptx", ".xlsx", ".odt", ".ods", ".odp", ".epub"))
# The parts of a zipped document that hold what it says.
PARTS = re.compile(
    r"word/(document|footnotes|endnotes|comments|header\d*|footer\d*)\.xml|ppt/(slides|notesSlides|comments)/[^/]*\.xml|"
    r"xl/comments\d*\.xml|content\.xml|.*\.x?html?"
)
SHARED_STRINGS = "xl/sharedStrings.xml"
HIDDEN = frozenset(("script", "style", "template", "noscript", "title", "tableStyleId"))
INLINE = frozenset("t r rPr span a b i u em strong code small sup sub font".split())
WORDS = re.compile(r"\w+")
SHOWN = 12  # Lost words of a file.
MB = 1e6
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # Bytes, in which the system gives the most memory.

# Package -> files in it, how many of them at most, and what a file's reference is: "{}" stands for its name without
# the suffix, "" for none.
SAMPLES: dict[str, tuple[tuple[str, int, str], ...]] = {
    "nodejs-doc": (
        ("usr/share/doc/nodejs/api/[a-d]*[!l].html", 8, "usr/share/doc/nodejs/api/{}.md.gz"),
        ("usr/share/doc/nodejs/api/*.md.gz", 8, ""),
    ),
    "varnish-doc": (
        (
            "usr/share/doc/varnish/html/users-guide/*.html",
            8,
            "usr/share/doc/varnish/html/_sources/users-guide/{}.rst.txt",
        ),
        ("usr/share/doc/varnish/html/_sources/reference/*.rst.txt", 8, ""),
    ),
    "python-sqlalchemy-doc": (("usr/share/doc/python-sqlalchemy-doc/rst/orm/*.rst", 8, ""),),
    "python-pandas-doc": (("usr/share/doc/python-pandas-doc/html/user_guide/*.ipynb.gz", 1, ""),),
    "erlang-doc": (("usr/share/doc/erlang-doc/lib/[c-e]*/doc/pdf/*.pdf", 5, ""),),
    "r-cran-officer": (
        ("usr/lib/R/site-library/officer/doc_examples/*.docx", 8, ""),
        ("usr/share/doc/r-cran-officer/tests/testthat/docs_dir/table-complex.*.gz", 8, ""),
        ("usr/lib/R/site-library/officer/doc_examples/*.pptx", 8, ""),
    ),
    "r-cran-readxl": (("usr/lib/R/site-library/readxl/extdata/*.xlsx", 8, ""),),
    "r-cran-readr": (("usr/lib/R/site-library/readr/extdata/*.csv", 8, ""),),
    "python-odf-doc": (("usr/share/python-odf/*.odt", 8, ""),),
    "calibre": (("usr/share/calibre/quick_start/eng.epub", 1, ""),),
}
MAN_PAGES_OF, MANY_MAN_PAGES = "openssh-client", 8


# The sample: packages -> a folder of files and references.


def make(folder: Path, cache: Path) -> None:
    """Fill a folder. A package that is not to be had is left out, and said to be."""
    for package, wanted in SAMPLES.items():
        if (unpacked := unpacked_or_none(package, cache)) is None:
            continue
        for pattern, most, reference in wanted:
            for path in islice(sorted(unpacked.glob(pattern)), most):
                name = path.name.removesuffix(".gz").removesuffix(".txt")
                target = folder / Path(name).suffix[1:] / f"{package}-{name}"
                write(path, target)
                if reference:
                    write(unpacked / reference.format(name.rpartition(".")[0]), beside(target))
    if (unpacked := unpacked_or_none(MAN_PAGES_OF, cache)) is not None:
        for path in islice(sorted(unpacked.glob(MAN_PAGES)), MANY_MAN_PAGES):
            write_man_page(path, folder / "txt" / f"{path.stem}.txt")


def unpacked_or_none(package: str, cache: Path) -> Path | None:
    """The folder of a package's files, None where there is none."""
    try:
        return unpack(package, cache)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{package}: not to be had, left out ({(getattr(error, 'stderr', None) or str(error)).strip()})")
        return None


def write(path: Path, target: Path) -> None:
    """Copy a file, unpacked where it is packed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)


def beside(path: Path) -> Path:
    """Where a file's reference is."""
    return path.with_name(f"{path.name}{REFERENCE}")


# What a file says.


def reference(path: Path) -> tuple[str, str]:
    """The text of a file, and where it is from."""
    if beside(path).is_file():
        return beside(path).read_text(errors="replace"), "beside it"
    suffix = path.suffix.lower()
    if (command := tool(path, suffix)) is not None:
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout.decode(errors="replace"), command[0]
    if suffix in ZIPPED:
        return "\n".join(character_data(path)), "its XML"
    if suffix in WEB_PAGES:
        return said(path.read_bytes(), etree.HTMLParser()), "its HTML"
    if suffix == ".ipynb":
        return "\n".join(cells(json.loads(path.read_text()))), "its cells"
    return path.read_text(errors="replace"), "itself"


def tool(path: Path, suffix: str) -> list[str] | None:
    """The command that prints a file as text; None where none is installed."""
    known = [
        ["pdftotext", "-q", str(path), "-"] if suffix == ".pdf" else None,
        ["w3m", "-dump", "-T", "text/html", "-cols", "1000", str(path)] if suffix in WEB_PAGES else None,
        ["lynx", "-dump", "-nolist", "-width=1000", str(path)] if suffix in WEB_PAGES else None,
        ["pandoc", "-f", PANDOC[suffix], "-t", "plain", "--wrap=none", str(path)] if suffix in PANDOC else None,
    ]
    return next((command for command in known if command and shutil.which(command[0])), None)


def character_data(path: Path) -> Iterator[str]:
    """What the parts of a zipped document say."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
        shared = []
        if SHARED_STRINGS in names:
            strings = etree.fromstring(file.read(SHARED_STRINGS), parser)
            shared = [said(etree.tostring(one), parser) for one in strings.iterfind("{*}si")]
        for name in sorted(names):
            if name.startswith("xl/worksheets/sheet"):
                yield from values(etree.fromstring(file.read(name), parser), shared)
            elif PARTS.fullmatch(name):
                yield said(file.read(name), parser)


def values(sheet: Any, shared: Sequence[str]) -> Iterator[str]:
    """What the cells of a sheet hold; those of the type "s" the number of a string that all sheets share."""
    for cell in sheet.iterfind(".//{*}c"):
        value = cell.findtext("{*}v") or "".join(cell.itertext())
        yield shared[int(value)] if cell.get("t") == "s" else value


def said(content: bytes, parser: Any) -> str:
    """What an XML or HTML file says: its character data, with a blank on both sides of all but inline elements."""
    root = etree.fromstring(content, parser)
    if root is None:
        return ""
    pieces = []
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        name = etree.QName(node).localname if isinstance(node.tag, str) else ""
        blank = "" if name in INLINE else " "
        if event == "start" and name in HIDDEN:
            walk.skip_subtree()
        elif event == "start":
            pieces += blank, node.text or ""
        else:
            pieces += blank, node.tail or ""
    return "".join(pieces)


def cells(notebook: dict[str, Any]) -> Iterator[str]:
    """The sources and the text outputs of a notebook's cells."""
    for cell in notebook["cells"]:
        yield "".join(cell["source"])
        for output in cell.get("outputs", ()):
            yield "".join(output.get("text", output.get("data", {}).get("text/plain", "")))


# What the loaders make of it, in a process of its own.


def measure(paths: Sequence[Path]) -> dict[str, Any]:
    """Read files of one kind: their texts, how long that took, and the most memory beyond what was taken before."""
    for _ in read(min(paths, key=lambda path: path.stat().st_size)):  # Loads the libraries.
        pass
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    texts, refused = {}, {}
    started = time.perf_counter()
    for path in paths:
        found = list(read(path))
        documents = [one for one in found if not isinstance(one, Unusable)]
        texts[str(path)] = "\n".join(" ".join([one.text, *map(str, one.metadata.values())]) for one in documents)
        if reasons := [one.reason for one in found if isinstance(one, Unusable)]:
            refused[str(path)] = reasons[0]
    seconds = time.perf_counter() - started
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"texts": texts, "refused": refused, "seconds": seconds, "bytes": most * PEAK_UNIT}


def read(path: Path) -> Iterator[Document | Unusable]:
    """A file's Documents; the text of a table without a column of that name is its first column."""
    options = ReadOptions()
    if path.suffix.lower() in (".csv", ".tsv"):
        with path.open(newline="", errors="replace") as stream:
            names = next(csv.reader(stream, delimiter="\t" if path.suffix == ".tsv" else ","), [])
        options = options if options.text_field in names else ReadOptions(text_field=next(iter(names), ""))
    with path.open("rb") as stream:
        yield from load(OpenFile(path, stream, options))


# Both compared.


def compare(got: str, wanted: str) -> dict[str, Any]:
    """How many words and characters there are, are kept and are added; and the lost words, most characters first."""
    read_words, reference_words = (Counter(WORDS.findall(text.lower())) for text in (got, wanted))
    kept = read_words & reference_words
    lost = reference_words - kept
    return {
        "words": reference_words.total(),
        "kept": kept.total(),
        "characters": characters(reference_words),
        "characters_kept": characters(kept),
        "read": read_words.total(),
        "lost": sorted(lost, key=lambda word: -len(word) * lost[word])[:SHOWN],
    }


def characters(words: Counter[str]) -> int:
    """The letters of words."""
    return sum(len(word) * count for word, count in words.items())


def row(name: str, files: Sequence[dict[str, Any]], *rest: str) -> tuple[str, ...]:
    """A row of a table: the shares over files together."""
    total = {
        key: sum(file[key] for file in files) for key in ("words", "kept", "characters", "characters_kept", "read")
    }
    return (
        name,
        ", ".join(sorted({file["from"] for file in files})),
        share(total["kept"], total["words"]),
        share(total["characters_kept"], total["characters"]),
        share(total["read"] - total["kept"], total["read"]),
        *rest,
    )


def share(part: int, whole: int) -> str:
    """A share as per cent."""
    return f"{part / whole:.1%}" if whole else "-"


def main() -> None:
    """Make a folder of samples, or read one and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="folder of documents")
    parser.add_argument("--make", type=Path, metavar="FOLDER", help="put real documents of every kind into this folder")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of packages")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="of each kind, the N files that lose the most")
    parser.add_argument("--measure", type=Path, nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    if options.make:
        make(options.make, options.cache)
    folder = options.folder or options.make
    if folder is None:
        parser.error("name a folder of documents, or make one with --make")
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(REFERENCE):
            kinds[path.suffix.lower()].append(path)
    table = [("", "reference", "words kept", "characters", "words added", "files", "refused", "MB", "s/MB", "memory")]
    shown = []
    for kind, paths in sorted(kinds.items()):
        command = [sys.executable, __file__, "--measure", *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{kind}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        found = json.loads(done.stdout)
        files = []
        for path in paths:
            text, source = reference(path)
            files.append({"path": path, "from": source, **compare(found["texts"][str(path)], text)})
        sizes = [path.stat().st_size / MB for path in paths]
        cost = f"{found['seconds'] / sum(sizes):.2f}", f"{found['bytes'] / MB / max(sizes):.0f}"
        table.append(row(kind, files, str(len(files)), str(len(found["refused"])), f"{sum(sizes):.2f}", *cost))
        shown += [f"{path.rpartition('/')[2]}: refused, {reason}" for path, reason in found["refused"].items()]
        for file in sorted(files, key=lambda file: file["characters_kept"] - file["characters"])[: options.show]:
            shown.append("  ".join([*row(file["path"].name, [file]), *file["lost"]]))
    print(aligned(table, left=2))
    print("\n".join(shown))


if __name__ == "__main__":
    main()
