"""Asks questions of real documentation that nobody trained on, and shows how good answers are and where they are lost.

    python benchmarks/documentation.py --data ../shared/data/docs_qa

Three steps, each of which goes on where it was stopped and is left out where it was done:

- ``corpus`` downloads the Debian packages whose documents the questions are about (``apt-get download``, ``dpkg -x``;
  no rights are needed), and gathers their pages: all that ``tune.json`` asks about, and ``--share`` of the others,
  always the same ones. A document that no package has is made of its passages in the data, under their headings;
  without a Debian mirror all of them are, and the corpus is smaller and easier. ``--train`` gathers those that the
  other files ask about instead, and none that ``tune.json`` asks about: to train on, not to ask.
- ``index`` indexes them: 1,400 documents, 23,500 passages.
- ``ask`` asks the questions of ``tune.json`` as `odqa ask` does. What was read is remembered.

A question's *gold* passages are those that share 30 % of their runs of four words with its passage in the data, or the
data's with them, and hold a reference answer; and those that hold an answer with the words around it. So they are
found however documents are split, in every copy of a page. An answer is right where it matches a reference exactly
("strict"), where two judges who read it in its place say so ("judged", see `judged.py`: only the shipped reader's and
the own-words reader's answers have been judged), or where it shares half of its words with a reference, by token F1 or
ROUGE-1 F1 ("lenient": `reset` for `Packer.reset()`).
Unanswerable questions are the answerable ones with their passages removed from the hits; those that the data calls
unanswerable are so by their passage alone and stand apart. A few questions that only make sense beside their passage
are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from commands import run
from judged import LENIENT, STRICT, ByJudges, Criterion

from odqa.answering import fit_file
from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.cases import SPARE, Dataset, Query, read, search
from odqa.evaluation.confidence import auroc, expected_calibration_error
from odqa.evaluation.failures import specimen
from odqa.evaluation.judging import Judge, Judgement
from odqa.evaluation.metrics import recall
from odqa.evaluation.readings import Readings
from odqa.index.manifest import read_manifest
from odqa.index.retriever import Retriever
from odqa.index.segment import Segment
from odqa.models import DEFAULT_READER
from odqa.reader.model import Reader
from odqa.reports.answers_text import HOPELESS, likely
from odqa.reports.tables import aligned, number
from odqa.squad import load_examples
from odqa.types import Answer, Example, Mode, Passage

CACHE = Path.home() / ".cache" / "odqa-benchmarks"
STEPS = ("corpus", "index", "ask")
TUNE = "tune.json"
# Questions that only make sense beside their passage ("in the example").
BESIDE_PASSAGE = frozenset(
    "rust-5 rust-61 rust-62 rust-76 rust-152 rust-350 rust-351 rust-352 rust-406 rust-407 rust-756 rust-767 rust-786 "
    "rust-787 rust-788 rust-820 rust-821 apache-httpd-492 erlang-pdf-865 postfix-requests-9 public-guides-80 "
    "public-guides-311".split()
)

PDFS = "erl"  # They are large and slow to read, so only those that the data names are in the corpus, all in one folder.

# Package -> where its pages lie: folder in the package, pattern in it, folder in the corpus ("": as in the package).
PAGES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "python3.11-doc": (("usr/share/doc/python3.11/html", "**/*.html", ""),),
    "apache2-doc": (("usr/share/doc/apache2-doc/manual/en", "**/*.html", ""),),
    "rust-doc": tuple(
        (f"usr/share/doc/rust-doc/html/{book}", "**/*.html", "")
        for book in ("book", "edition-guide", "embedded-book", "nomicon", "reference", "rustc", "rustdoc")
    ),
    "python-django-doc": (("usr/share/doc/python-django-doc/html", "**/*.html", ""),),
    "postfix-doc": (("usr/share/doc/postfix/html", "*.html", ""),),
    "python-requests-doc": (("usr/share/doc/python-requests-doc/html", "**/*.html", ""),),
    "erlang-doc": (("usr/share/doc/erlang-doc/lib", "*/doc/pdf/*.pdf", PDFS),),
    "nodejs-doc": (("usr/share/doc/nodejs/api", "*.html", ""),),
    "varnish-doc": (("usr/share/doc/varnish/html", "**/*.html", ""),),
    "bind9-doc": (("usr/share/doc/bind9-doc/arm", "*.html", ""),),
    "libreoffice-help-en-us": (("usr/share/libreoffice/help/en-US/text", "**/*.html", ""),),
    "python-sqlalchemy-doc": (("usr/share/doc/python-sqlalchemy-doc/html", "**/*.html", ""),),
    "python-celery-doc": (("usr/share/doc/python-celery-doc/html", "**/*.html", ""),),
    "sphinx-doc": (("usr/share/doc/sphinx-doc/html", "**/*.html", ""),),
    "python-pandas-doc": tuple(
        (f"usr/share/doc/python-pandas-doc/html/{part}", "**/*.html", f"pandas/{part}")
        for part in ("development", "getting_started", "user_guide", "whatsnew")
    ),
    **dict.fromkeys(("openssh-client", "openssh-server", "curl", "systemd"), ()),  # Their man pages alone.
}
# Pages of source code, or that are all others together, or an index of them.
LEFT_OUT = (
    *("_modules/*", "_sources/*", "_static/*"),
    *("genindex*", "search.html", "py-modindex.html", "all.html", "contents.html", "print.html"),
)
MAN_PAGES = "usr/share/man/man*/*.gz"
COLUMNS = "100"  # Of a man page.

RUN = 4  # Words.
SHARED = 0.3  # Of the runs of the shorter one of two texts that are the same passage.
BLOCK = 4096  # Passages that are fetched at once.
SAMPLES = 1000  # Of a bootstrap.
KS = (1, 5, 20)
FAILURES = (
    "right and shown",
    "right and withheld",
    "right passage, wrong span",
    "another passage first",
    "not retrieved",
    "not in the index",
)


# The corpus: packages -> a folder of pages, named as the data names them.


def make_corpus(data: Path, cache: Path, folder: Path, share: float, *, train: bool) -> None:
    """Download and unpack what is missing, gather pages, and write what no package has of the data's passages."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    tune, named = sources([data / TUNE]), sources(sorted(data.glob("*.json")))
    asked, apart = (named.keys() - tune, tune.keys()) if train else (tune.keys(), set())
    had, found = set(), set()
    for package in PAGES:
        try:
            unpacked = unpack(package, cache)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            print(f"{package}: not to be had, its passages in the data stand in for it ({said.strip()})", flush=True)
            continue
        had.add(package)
        for name, path in pages(package, unpacked, asked):
            found.add(name)
            if name in apart:
                continue
            if name in asked or (drawn(name, share) and not (name.startswith("erl/") and name not in named)):
                write_page(path, unfinished / name)
    for source, articles in named.items():
        if source not in found | apart and (source in asked or source.partition("/")[0] not in had):
            write_passages(unfinished / source, articles)
    files = [path for path in unfinished.rglob("*") if path.is_file()]
    count = Counter(path.relative_to(unfinished).parts[0] for path in files)
    print(f"{len(files):,} documents: {dict(count)}", flush=True)
    unfinished.rename(folder)


def unpack(package: str, cache: Path) -> Path:
    """The folder of a package's files, downloaded first where it has to be."""
    target, downloads = cache / "unpacked" / package, cache / "packages"
    if target.is_dir():
        return target
    downloads.mkdir(parents=True, exist_ok=True)
    if not list(downloads.glob(f"{package}_*.deb")):
        print(f"downloading {package}", flush=True)
        subprocess.run(["apt-get", "download", package], cwd=downloads, check=True, capture_output=True, text=True)
    (archive,) = downloads.glob(f"{package}_*.deb")
    unfinished = target.with_name(f"{package}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg", "-x", str(archive), str(unfinished)], check=True, capture_output=True, text=True)
    unfinished.rename(target)
    return target


def pages(package: str, unpacked: Path, asked: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """A package's pages, each with its name in the corpus, which is that in the data."""
    for path in sorted(unpacked.glob(MAN_PAGES) if not PAGES[package] else ()):
        yield f"man/{path.stem}.txt", path
    for base, pattern, place in PAGES[package]:
        for path in sorted((unpacked / base).glob(pattern)):
            inside = path.relative_to(unpacked / base)
            name = f"{place}/{path.name}" if place == PDFS else f"{place or f'{package}/{base}'}/{inside}"
            if not left_out(inside):
                yield name, path
    for name in asked:
        if name.startswith(f"{package}/") and (path := unpacked / name.removeprefix(f"{package}/")).is_file():
            yield name, path


def left_out(inside: Path) -> bool:
    """Whether a page is source code, or only repeats or lists others."""
    return any(fnmatch(str(inside), pattern) or fnmatch(inside.name, pattern) for pattern in LEFT_OUT)


def drawn(name: str, share: float) -> bool:
    """Whether a page is among those drawn: always the same ones, and more of them for a larger share."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") < share * 2**32


def write_page(path: Path, target: Path) -> None:
    """Copy a page, a link as what it leads to; a man page is written as text."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        write_man_page(path, target)
    elif path.is_file():
        shutil.copyfile(path, target)


def write_man_page(path: Path, target: Path) -> None:
    """A man page as plain text."""
    target.parent.mkdir(parents=True, exist_ok=True)
    surroundings = {**os.environ, "MANWIDTH": COLUMNS, "LC_ALL": "C.UTF-8"}
    page = subprocess.run(["man", "-l", str(path)], env=surroundings, capture_output=True, check=False).stdout
    text = subprocess.run(["col", "-bx"], env=surroundings, input=page, capture_output=True, check=False).stdout
    if text.strip():
        target.write_bytes(text)


def sources(files: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """The documents that files of the data name, and what they have of each: titles and passages."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in files:
        for article in json.loads(file.read_text())["data"]:
            found[article["source"]].append(article)
    return found


def write_passages(path: Path, articles: Sequence[dict[str, Any]]) -> None:
    """A Markdown document of the passages that the data has of it."""
    lines = [f"# {articles[0]['title']}"]
    for paragraph in (one for article in articles for one in article["paragraphs"]):
        headings = [heading for heading in paragraph["headings"] if heading != articles[0]["title"]]
        lines += [f"{'#' * min(depth, 6)} {heading}" for depth, heading in enumerate(headings, start=2)]
        lines.append(paragraph["context"])
    target = path if path.suffix == ".md" else path.with_name(f"{path.name}.md")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n\n".join(lines) + "\n")


# The gold passages: the data's passages, and those of the index -> which are the same.


def runs(text: str) -> frozenset[tuple[str, ...]]:
    """A text's runs of ``RUN`` words, one of all its words where it has fewer."""
    all_words = words(text)
    return frozenset(zip(*(all_words[start:] for start in range(min(RUN, len(all_words)) or 1)), strict=False))


def passages_of(index: Path) -> Iterator[Passage]:
    """All passages of an index."""
    for record in read_manifest(index).segments:
        segment = Segment.open(index, record, None)
        try:
            for start in range(0, record.passages, BLOCK):
                yield from segment.store.fetch(range(start, min(start + BLOCK, record.passages))).values()
        finally:
            segment.close()


class Copies:
    """Where the data's passages are in an index, however that was split."""

    def __init__(self, index: Path, examples: Sequence[Example]) -> None:
        """Compare every passage of the index with every context, by the runs that they share."""
        contexts = {example.context: runs(example.context) for example in examples}
        with_run: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for context, some in contexts.items():
            for run_of_words in some:
                with_run[run_of_words].append(context)
        self.own: dict[str, dict[str, str]] = defaultdict(dict)  # Context -> passage's id -> its text.
        self._near: dict[str, dict[str, str]] = defaultdict(dict)  # Those that share anything at all.
        for passage in passages_of(index):
            mine = runs(passage.text)
            shared = Counter(context for one in mine for context in with_run.get(one, ()))
            for context, count in shared.items():
                self._near[context][passage.id] = passage.text
                if count >= SHARED * min(len(mine), len(contexts[context])):
                    self.own[context][passage.id] = passage.text

    def query(self, query: Query) -> Query:
        """The query with the passages of the index that are its own, and those of them that hold its answer."""
        example = query.example
        own = self.own[example.context]
        if not example.answerable:
            return replace(query, own=frozenset(own), gold=frozenset(own))
        answers = [words(one.text) for one in example.references]
        around = [answer_in_place(example.context, one.start, one.start + len(one.text)) for one in example.references]
        gold = {
            id
            for some, wanted in ((own, answers), (self._near[example.context], around))
            for id, text in some.items()
            if holds(text, wanted)
        }
        return replace(query, own=frozenset(own), gold=frozenset(gold))


def words(text: str) -> list[str]:
    """A text's words, in lower case, whatever stands between them."""
    return re.findall(r"\w+", text.lower())


def answer_in_place(context: str, start: int, end: int) -> list[str]:
    """The words of an answer, with the ``RUN`` words before it and after it."""
    return [*words(context[:start])[-RUN:], *words(context[start:end]), *words(context[end:])[:RUN]]


def holds(text: str, wanted: Sequence[Sequence[str]]) -> bool:
    """Whether a text has all words of one of these in a row."""
    padded = f" {' '.join(words(text))} "
    return any(one and f" {' '.join(one)} " in padded for one in wanted)


# Asking: questions -> judgements -> tables.


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what came of it, what came of it without its passages, and how many of those the index has."""

    source: str
    judgement: Judgement
    removed: Judgement | None

    @property
    def rank(self) -> int | None:
        """That of the first gold passage."""
        return min(self.judgement.query.gold_ranks(), default=None)

    def kind(self, criterion: Criterion, k: int) -> str:
        """What became of an answerable question, one of ``FAILURES``."""
        one = self.judgement
        if criterion.first(one):
            return FAILURES[0 if one.answered else 1]
        if not one.query.gold:
            return FAILURES[5]
        if self.rank is None or self.rank > k:
            return FAILURES[4]
        in_gold = one.first is not None and any(place.passage.id in one.query.gold for place in one.first.places)
        return FAILURES[2 if in_gold else 3]


def ask(
    data: Path, index: Path, reader: str, k: int, cache: Path | None, sample: int | None, answerable: float | None
) -> list[Asked]:
    """Ask all questions of the index, and the answerable ones again without their passages."""
    source_of = {
        question["id"]: article["source"]
        for article in json.loads((data / TUNE).read_text())["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }
    examples = [example for example in load_examples(data / TUNE) if example.id not in BESIDE_PASSAGE]
    examples = list(Dataset.of(examples, data / TUNE).examples)
    if sample and sample < len(examples):
        examples = [examples[number * len(examples) // sample] for number in range(sample)]
    copies = Copies(index, examples)
    loaded = Reader.load(reader)
    decider = fit_file.decider(loaded, fit_file.load(loaded, index), answerable=answerable)
    print(f"{len(examples):,} questions, reader {loaded.name}, ranking {decider.name}, k = {k}", flush=True)
    with Retriever.open(index, mode=Mode.HYBRID) as retriever, Readings(loaded, cache) as readings:
        queries = [copies.query(query) for query in search(examples, retriever, k).queries]
        cases = read(queries, k, readings, Told("passages read"))
    judge = Judge(decider)
    removed = {one.id: one for one in judge.judge_removed(cases, k)}
    return [Asked(source_of[one.id], one, removed.get(one.id)) for one in judge.judge(cases, k)]


class Told:
    """Prints how far a step is, every half a minute."""

    def __init__(self, what: str) -> None:
        self._what, self._done, self._last = what, 0, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """``done`` more of ``total``."""
        self._done += done
        if time.monotonic() - self._last > 30:
            self._last = time.monotonic()
            print(f"{self._done:,} of {total:,} {self._what}", flush=True)


def tables(asked: Sequence[Asked], k: int, judges: ByJudges) -> Iterator[str]:
    """What is printed."""
    answerable = [one for one in asked if one.judgement.answerable]
    unanswerable = [one for one in asked if not one.judgement.answerable]
    removed = [one.removed for one in answerable if one.removed]
    criteria = (STRICT, judges, LENIENT)
    yield f"\n{len(answerable)} answerable questions; 95 % intervals\n"
    yield aligned([("", *(one.name for one in criteria)), *score_rows(answerable, removed, criteria)])
    yield f"\nThe two judges agree with a kappa of {judges.agreement():.3f}."
    if unknown := judges.unknown([one.judgement for one in answerable], removed):
        yield f"\n{unknown:,} answers that count have not been judged: wrong, in that column"
    yield "\nTelling answerable questions from those without an answer\n"
    yield aligned([("", ""), *abstention_rows(answerable, removed, unanswerable, judges)])
    yield "\nThe passage that answers\n"
    ranks = [(one.rank or k + SPARE + 1) for one in answerable]
    yield aligned(
        [
            ("", ""),
            *((f"recall@{one}", shown([recall([rank], 1, one) for rank in ranks])) for one in KS if one <= k),
            ("in the index", shown([bool(one.judgement.query.gold) for one in answerable])),
            *withheld_rows([one for one in answerable if not one.judgement.answered]),
        ]
    )
    yield "\nWhat became of them\n"
    kinds = [Counter(one.kind(criterion, k) for one in answerable) for criterion in criteria]
    yield aligned(
        [
            ("", *(cell for one in criteria for cell in (one.name, ""))),
            *(
                (name, *(cell for some in kinds for cell in (str(some[name]), f"{some[name] / len(answerable):.1%}")))
                for name in FAILURES
            ),
        ]
    )
    yield "\nBy where the documents are from (lenient)\n"
    yield aligned(list(source_rows(answerable, k)))


def score_rows(
    answerable: Sequence[Asked], removed: Sequence[Judgement], criteria: Sequence[Criterion]
) -> Iterator[tuple[str, ...]]:
    """What answers are worth."""
    rows: dict[str, Callable[[Judgement, Criterion], bool]] = {
        "first answer right, forced": lambda one, criterion: criterion.first(one),
        "first answer right, as shown": lambda one, criterion: one.answered and criterion.first(one),
        "right among five": lambda one, criterion: criterion.five(one),
    }
    for name, of in rows.items():
        yield name, *(shown([of(one.judgement, criterion) for one in answerable]) for criterion in criteria)
    yield "right without its passages", *(shown([one.first(some) for some in removed]) for one in criteria)
    judged = [one.judgement for one in answerable]
    for name, some in (
        ("calibration error of first answers", judged),
        ("the same, half of them without passages", [*judged, *removed]),
    ):
        sure = [one.confidence for one in some]
        errors = (expected_calibration_error(sure, [criterion.first(one) for one in some]) for criterion in criteria)
        yield name, *map(number, errors)


def abstention_rows(
    answerable: Sequence[Asked], removed: Sequence[Judgement], unanswerable: Sequence[Asked], judges: ByJudges
) -> Iterator[tuple[str, str]]:
    """Who is refused, and how well they are told apart."""
    yield "answerable, refused", shown([not one.judgement.answered for one in answerable])
    yield "without its passages, refused", shown([not one.answered for one in removed])
    # Another passage may well say the same.
    but_for = [
        ("the same, but for those judged right without them", {one.id for one in removed if judges.first(one)}),
        ("the same, but for those right by half of the words", {one.id for one in removed if LENIENT.first(one)}),
    ]
    for name, elsewhere in but_for:
        yield name, shown([not one.answered for one in removed if one.id not in elsewhere])
    yield "unanswerable by its passage, refused", shown([not one.judgement.answered for one in unanswerable])
    negative = [one.judgement for one in answerable]
    yield "AUROC, without its passages", separation(removed, negative, paired=True)
    for name, elsewhere in but_for:
        pair = ([one for one in some if one.id not in elsewhere] for some in (removed, negative))
        yield name, separation(*pair, paired=True)
    yield "AUROC, unanswerable by its passage", separation([one.judgement for one in unanswerable], negative)


def withheld_rows(withheld: Sequence[Asked]) -> Iterator[tuple[str, str]]:
    """Where no answer is given, how often that passage is among the places that are shown instead."""
    for count in (1, 3):
        places = [[one.passage.id in asked.judgement.query.gold for one in told(asked)[:count]] for asked in withheld]
        yield f"no answer: in the first {count} of the places shown", shown([any(some) for some in places])
        yield (
            f"no answer: in the first {count} of the passages found",
            shown([(one.rank or count + 1) <= count for one in withheld]),
        )


def told(asked: Asked) -> Sequence[Answer]:
    """The withheld answers of which `odqa ask` says where they are."""
    decision = asked.judgement.decision
    return likely(decision.answers) if decision.no_answer_probability <= HOPELESS else ()


def separation(positive: Sequence[Judgement], negative: Sequence[Judgement], *, paired: bool = False) -> str:
    """The AUROC by the probability of no answer, and its interval; ``paired``: of the same questions in one order."""
    high, low = (np.array([one.decision.no_answer_probability for one in some]) for some in (positive, negative))
    value = auroc(high, low)
    if value is None:
        return "-"
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(SAMPLES):
        some = random.integers(len(high), size=len(high))
        others = some if paired else random.integers(len(low), size=len(low))
        drawn.append(auroc(high[some], low[others]) or 0.0)
    return number(value, tuple(np.quantile(drawn, (0.025, 0.975)).tolist()))


def source_rows(answerable: Sequence[Asked], k: int) -> Iterator[tuple[str, ...]]:
    """A row for each package."""
    yield "", "questions", "forced", "shown", "among five", "refused", f"recall@{k}"
    groups: dict[str, list[Asked]] = defaultdict(list)
    for one in answerable:
        groups[one.source.partition("/")[0]].append(one)
    for name, some in sorted(groups.items()):
        measures: tuple[list[bool], ...] = (
            [LENIENT.first(one.judgement) for one in some],
            [one.judgement.answered and LENIENT.first(one.judgement) for one in some],
            [LENIENT.five(one.judgement) for one in some],
            [not one.judgement.answered for one in some],
            [one.rank is not None and one.rank <= k for one in some],
        )
        yield name, str(len(some)), *(number(float(np.mean(values)), digits=2) for values in measures)


def shown(values: Sequence[bool] | Sequence[float]) -> str:
    """A mean with its interval."""
    numbers = [float(value) for value in values]
    return number(float(np.mean(numbers)), confidence_interval(numbers)) if numbers else "-"


def rows(asked: Sequence[Asked], k: int, judges: ByJudges) -> Iterator[dict[str, Any]]:
    """All that there is to read of each question."""
    for one in asked:
        found = one.judgement
        yield {
            "source": one.source,
            "answerable": found.answerable,
            **asdict(specimen(found)),
            "strict": one.kind(STRICT, k) if found.answerable else "",
            "judged": one.kind(judges, k) if found.answerable else "",
            "kind": one.kind(LENIENT, k) if found.answerable else "",
            "f1": round(found.forced.f1, 3),
            "answers": [
                {
                    "text": answer.text,
                    "confidence": round(answer.confidence, 4),
                    "passage": answer.passage.id,
                    "headings": answer.passage.headings,
                    "rank": next(hit.rank for hit in found.query.hits if hit.passage.id == answer.passage.id),
                    "gold": answer.passage.id in found.query.gold,
                }
                for answer in found.decision.answers
            ],
            "without_its_passages": one.removed
            and {
                "answer": one.removed.first.text if one.removed.first else "",
                "given": one.removed.answered,
                "no_answer_probability": one.removed.decision.no_answer_probability,
            },
        }


def main() -> None:
    """Make the corpus, index it, ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder docs_qa of the datasets")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of packages")
    parser.add_argument("--corpus", type=Path, help="folder of the documents; in --cache if not given")
    parser.add_argument("--index", type=Path, help="folder of the index; in --cache if not given")
    parser.add_argument(
        "--share", type=float, default=0.15, help="of the pages that no question is about, so many are in the corpus"
    )
    parser.add_argument("--train", action="store_true", help="the documents to train on, and no questions")
    parser.add_argument("--reader", default=DEFAULT_READER)
    parser.add_argument("--answerable", type=float, help="decide as if so many of the questions had an answer")
    parser.add_argument("-k", type=int, default=20, help="passages to read for a question")
    parser.add_argument("--sample", type=int, help="ask so many questions, spread over all documents")
    parser.add_argument("--readings", type=Path, help="folder of remembered readings; the user's cache if not given")
    parser.add_argument("--output", type=Path, default=Path("runs/documentation.json"), help="a row for each question")
    options = parser.parse_args()
    corpus, index = (options.cache / f"{name}{'-train' * options.train}" for name in ("corpus", "index"))
    corpus, index = options.corpus or corpus, options.index or index
    if "corpus" in options.steps and not corpus.exists():
        make_corpus(options.data, options.cache, corpus, options.share, train=options.train)
    if "index" in options.steps and not index.exists():
        run("index", corpus, "--index", index)
    if "ask" in options.steps and not options.train:
        asked = ask(
            options.data, index, options.reader, options.k, options.readings, options.sample, options.answerable
        )
        judges = ByJudges.load()
        print("\n".join(tables(asked, options.k, judges)))
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(list(rows(asked, options.k, judges)), ensure_ascii=False, indent=1) + "\n")
        print(f"\nEvery question is in {options.output}")


if __name__ == "__main__":
    main()
