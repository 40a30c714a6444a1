"""What is known of texts whatever they are for.

An answer string -> its normal form, by which SQuAD compares answers; a language's code -> that of its base; and the
categories of characters that show nothing.
"""

from __future__ import annotations

import re
import string

# Of Unicode: invisible characters, accents, which show nothing without a letter, and spaces.
UNSEEN = frozenset({"Cf", "Mn", "Zl", "Zp", "Zs"})
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Lower-case, without ASCII punctuation, without the articles a, an and the, single spaces.

    Step by step what SQuAD's official evaluation script does (Rajpurkar et al. 2016), so that scores computed with
    it can be compared with published ones.

    >>> normalize_answer("The Eiffel  Tower!")
    'eiffel tower'
    >>> normalize_answer("3.5")
    '35'
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def base_language(code: str) -> str:
    """The language of a code, without its region or script.

    >>> base_language("pt-BR"), base_language("EN_us")
    ('pt', 'en')
    """
    return code.lower().replace("_", "-").partition("-")[0]
