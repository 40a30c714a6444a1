"""English texts go in; their words, names, numbers, verbs and opposites come out, and which are used alike. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

_OPPOSITES = (
    "first/last most/least more/less more/fewer before/after early/late earlier/later earliest/latest largest/smallest "
    "larger/smaller large/small biggest/smallest big/little highest/lowest higher/lower high/low longest/shortest "
    "longer/shorter long/short oldest/newest oldest/youngest older/younger old/new best/worst better/worse good/bad "
    "north/south northern/southern east/west eastern/western increase/decrease increased/decreased rise/fall win/lose "
    "won/lost begin/end began/ended start/stop started/stopped open/close opened/closed allow/forbid allowed/forbidden "
    "accept/reject accepted/rejected include/exclude included/excluded male/female men/women man/woman boys/girls "
    "father/mother son/daughter brother/sister king/queen husband/wife inside/outside internal/external public/private "
    "legal/illegal positive/negative major/minor majority/minority strong/weak hot/cold warm/cool rich/poor "
    "success/failure succeed/fail successful/unsuccessful created/destroyed buy/sell bought/sold arrive/leave "
    "support/oppose supported/opposed attack/defend ancient/modern common/rare easy/difficult fast/slow heavy/light "
    "left/right upper/lower above/below maximum/minimum max/min always/never many/few all/none common/uncommon "
    "gained/lost advantage/disadvantage like/dislike agree/disagree agreed/disagreed"
)
OPPOSITES: dict[str, list[str]] = defaultdict(list)
for _pair in _OPPOSITES.split():
    _left, _right = _pair.split("/")
    OPPOSITES[_left].append(_right)
    OPPOSITES[_right].append(_left)

NAME = re.compile(r"[A-Z][\w'’&.-]*\w(?:\s+(?:of\s+(?:the\s+)?|the\s+|de\s+)?[A-Z][\w'’&.-]*\w)*")
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w])")
SENTENCE_START = re.compile(r"(?:^|[.!?]['\"”’)]?\s+)\Z")
VERB = re.compile(r"\b(?:is|was|are|were|did|does|do|has|had|can|could|will|would|should)\b")
NOT_NAMES = frozenset(
    "What Which Who Whom Whose When Where Why How In On At The A An Is Was Are Were Did Does Do Of For To From By With "
    "This That These Those It He She They We I There After Before During While As If".split()
)
STOP = frozenset(
    "what which who whom whose when where why how many much about above after again against all also although among "
    "and another any are around because been before being below between both but can could did does doing down during "
    "each either ever every few for from further had has have having her here hers him his into its itself just less "
    "like made make more most much name named near never none nor not now off once one only onto other our out over "
    "own part per same several she should since some such than that the their them then there these they this those "
    "through thus today together too type two under until upon used using very was well were while will with within "
    "without would year years you your kind sort term called known".split()
)
WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_SPELLED = re.compile(r"\w+(?:['’.,]\w+)*")  # A word or a number with the signs inside it: "didn't", "U.S", "1,000".
_POSSESSIVE = re.compile(r"['’]s\b")


def bare_words(text: str) -> set[str]:
    """The words and numbers of a text in lower case and without signs, as they are compared whatever the spelling.

    >>> sorted(bare_words("Anna's U.S. tour didn't cost 1,000–2,000"))
    ['1000', '2000', 'anna', 'cost', 'didnt', 'tour', 'us']
    """
    return {re.sub(r"\W", "", word) for word in _SPELLED.findall(_POSSESSIVE.sub("", text.casefold()))}


def names(text: str) -> list[re.Match[str]]:
    """Runs of capitalised words; one that begins a sentence counts only if it has more words than that first one."""
    return [
        match
        for match in NAME.finditer(text)
        if match.group().split()[0] not in NOT_NAMES
        and (" " in match.group() or not SENTENCE_START.search(text, 0, match.start()))
    ]


class Usage:
    """Which words are used alike, learned from the texts themselves: nouns of a kind, verbs of a form.

    A word is the counts of its neighbours on either side, of the ``FRAME`` most frequent words alone (Schütze 1995,
    distributional part-of-speech tagging); no tagger and no language is needed.
    """

    FRAME = 60  # Frequent words that stand for a place in a sentence.
    LEAST = 8  # Occurrences below which a word's neighbours say too little.
    ALIKE = 0.9  # Cosine above which two words are taken to be exchangeable.

    def __init__(self, texts: Iterable[str]) -> None:
        tokens = [[word.lower() for word in WORD.findall(text)] for text in texts]
        counts = Counter(word for words in tokens for word in words)
        frame = {word: at for at, (word, _) in enumerate(counts.most_common(self.FRAME))}
        known = [word for word, count in counts.items() if count >= self.LEAST]
        self._row = {word: row for row, word in enumerate(known)}
        width = len(frame) + 1  # The last column: any other word, or the text's end.
        table = np.zeros((len(known), 2 * width), dtype=np.float32)
        for words in tokens:
            places = [frame.get(word, width - 1) for word in words]
            for at, word in enumerate(words):
                row = self._row.get(word)
                if row is not None:
                    table[row, places[at - 1] if at else width - 1] += 1
                    table[row, width + (places[at + 1] if at + 1 < len(words) else width - 1)] += 1
        np.sqrt(table, out=table)  # Hellinger distance: the few most frequent neighbours do not decide alone.
        self._table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)

    def knows(self, word: str) -> bool:
        """Whether the texts use the word often enough to be sure that it is one."""
        return word in self._row

    def alike(self, word: str, others: Sequence[str]) -> list[str]:
        """Those of ``others`` that are used like ``word`` and end like it in -s, -ed, -ing or -ly, or in none."""
        row = self._row.get(word)
        if row is None:
            return []
        known = [other for other in others if other in self._row and _ending(other) == _ending(word)]
        cosines = self._table[[self._row[other] for other in known]] @ self._table[row]
        return [other for other, cosine in zip(known, cosines, strict=True) if cosine >= self.ALIKE]


def _ending(word: str) -> str:
    return next((ending for ending in ("ing", "ed", "ly", "s") if word.endswith(ending)), "")
