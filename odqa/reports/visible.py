r"""Any text goes in; text that a terminal shows and cannot obey comes out.

Names of files, headers of tables, ids and passages are written by others, and may hold escape sequences.

>>> visible("a\x1b[2Jb\n\tc")
'a\\x1b[2Jb c'
"""

from __future__ import annotations

import re

# Control characters (C0, DEL, C1), which drive a terminal; surrogates, which no encoding of Unicode has; separators of
# lines and paragraphs; the bidirectional overrides and isolates, which make text look other than it is.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """One line that cannot drive a terminal: white space becomes one space, what a terminal obeys becomes an escape."""
    return one_line(" ".join(text.split()))


def brief(text: str, most: int = 500) -> str:
    """``visible``, and cut to so many characters of the text, as a file may call something by a name of any length."""
    return visible(text) if len(text) <= most else f"{visible(text[:most])} …"


def one_line(text: str) -> str:
    """The text with an escape, as Python writes it, for what a terminal obeys; ends of lines among it, spaces kept."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def visible_json(text: str) -> str:
    """A JSON text with JSON's escape for what a terminal obeys: the same value, also where the text is shown."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
