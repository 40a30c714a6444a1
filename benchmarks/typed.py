"""Asks questions as people type them, who have not read the page, of documentation that nobody trained on.

    python benchmarks/typed.py
    python benchmarks/typed.py --set train --reader runs/mine

The questions of ``typed/test.jsonl`` were written one by one, by language models that looked for the answer on the
pages afterwards: in a user's own words ("how do I get rid of the last commit"), not in those of a passage, which is
what most datasets have. Each names its page and its answers, letter for letter; for those without, nothing on any of
the pages is an answer. They are about git, Flask, BorgBackup, SQLite, PostgreSQL, HAProxy, NTPsec, and Debian's FAQ
and reference. Those of ``typed/train.jsonl``, over fifty other programs, are for training, and those of
``typed/tune.jsonl``, over Exim, Dovecot and chrony, for what is fitted after it.

Three steps, each of which is left out where it was done:

- ``corpus`` downloads the packages of Debian 12 (``apt-get download``, ``dpkg -x``; no rights are needed) and copies
  the pages that ``typed/pages.json`` lists: those over which the questions were written, and in which was looked for
  what is said to be nowhere.
- ``index`` and ``eval`` are the commands of the same names.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from commands import run
from documentation import CACHE, unpack, write_man_page

from odqa.models import DEFAULT_READER

HERE = Path(__file__).parent / "typed"
SETS = ("test", "train", "tune")
STEPS = ("corpus", "index", "eval")


def make_corpus(name: str, cache: Path, folder: Path) -> None:
    """Copy the pages of a set, man pages as text; all of them or none."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    listed = json.loads((HERE / "pages.json").read_text())[name]
    for package, paths in listed.items():
        unpacked = unpack(package, cache)
        for path in paths:
            if not (unpacked / path).is_file():
                raise SystemExit(f"{package} has no page {path}: is it of another version?")
            if path.startswith("usr/share/man/"):
                write_man_page(unpacked / path, unfinished / package / Path(path).with_suffix(".txt").name)
            else:  # As it is, packed or not.
                target = unfinished / package / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(unpacked / path, target)
    unfinished.rename(folder)


def main() -> None:
    """Make the corpus, index it, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=SETS, default="test", dest="name", help="which questions, and their pages")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of packages, corpora and indexes")
    parser.add_argument("--reader", default=DEFAULT_READER)
    parser.add_argument("--answerable", type=float, help="decide as if so many of the questions had an answer")
    parser.add_argument("--report", type=Path, default=Path("runs/typed"), help="folder of the report")
    options = parser.parse_args()
    corpus, index = (options.cache / f"typed-{options.name}-{what}" for what in ("corpus", "index"))
    if "corpus" in options.steps and not corpus.exists():
        make_corpus(options.name, options.cache, corpus)
    if "index" in options.steps and not index.exists():
        run("index", corpus, "--index", index)
    if "eval" in options.steps:
        asked = ("--dataset", HERE / f"{options.name}.jsonl", "--reader", options.reader)
        asked += ("--answerable", options.answerable) if options.answerable is not None else ()
        run("eval", "--index", index, *asked, "--report", options.report)


if __name__ == "__main__":
    main()
