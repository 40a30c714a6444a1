"""The Markdown of a heading -> its plain text."""

from __future__ import annotations

import html
import re
import string

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
# Code between more than three backticks is in no heading, and each further number of them would take a search.
LITERAL = re.compile(r"\\([!-/:-@\[-`{-~])|(?<!`)(`{1,3})(?!`)(.+?)(?<!`)\2(?!`)")
LINK = re.compile(r"!?\[([^\[\]]*)\](?:\((?:[^()]++|\([^()]*\))*+\)|\[[^\[\]]*\])")
BREAK = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)
TAG = re.compile(r"</?[A-Za-z][\w-]*(?:[ \t][^<>]*)?/?>|<!--[^<>]*-->")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
HIDDEN = {ord(sign): 0x10FF00 + ord(sign) for sign in string.punctuation}  # Characters that no text has.
SHOWN = {hidden: sign for sign, hidden in HIDDEN.items()}


def plain_title(title: str) -> str:
    r"""A heading without the markup of links, code, HTML and emphasis (underscores stay: many names contain them).

    >>> plain_title(r"<a id=x></a>Using \*args & `a*b` in [*C* &amp; D](https://x.y) {#using}")
    'Using *args & a*b in C & D'
    """
    title = LITERAL.sub(lambda found: (found[1] or found[3]).translate(HIDDEN), title)
    title = LINK.sub(r"\1", LINK.sub(r"\1", title))  # An image may be the text of a link.
    opening = title.rfind("{")
    if opening >= 0 and title.endswith("}") and title[opening + 1] in "#.:":
        title = title[:opening]
    title = TAG.sub("", BREAK.sub(" ", title)).replace("`", "").replace("*", "")
    return ENTITY.sub(lambda found: html.unescape(found[0]), title).translate(SHOWN).strip()
