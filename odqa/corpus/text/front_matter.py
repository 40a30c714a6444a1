"""The front matter of Markdown (YAML or TOML, between lines of --- or +++) -> the title in it, and where it ends."""

from __future__ import annotations

import re
from collections.abc import Sequence

from odqa.corpus.lines import lines

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
TITLE = re.compile(r"title[ \t]*[:=](.*)")
BLOCK = re.compile(r"[>|][-+0-9]{0,2}[ \t]*(?:#.*)?$")  # YAML's sign for a value on the lines below.
NESTED = re.compile(r"-[ \t]|[^\s:\"']+:(?:[ \t]|$)")  # A list or further keys, which are no text.
QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*+)"|'((?:[^']|'')*+)')[ \t]*(?:#.*)?$""")
ESCAPED = re.compile(r"""\\(["\\/])""")
COMMENT = re.compile(r"(?:^|[ \t])#.*")
BLANK = " \t"


def front_matter(text: str) -> tuple[str, int]:
    r"""The title, and where the front matter ends; ("", 0) without one.

    >>> front_matter("---\ntitle: Leave  # internal\n---\nText.")
    ('Leave', 33)
    """
    mark = title = ""
    value: list[str] = []
    for start, whole in lines(text):
        line = whole.rstrip("\r\n")
        if not mark:
            mark = line.rstrip(BLANK)
            if mark not in ("---", "+++"):
                break
        elif value and mark == "---" and (not line or line[0] in BLANK):  # Only YAML's values go on in such lines.
            value.append(line.strip())
        else:
            title = title or _text(value)
            if line.rstrip(BLANK) in (mark, "..."):
                return title, start + len(whole)
            found = TITLE.match(line)
            value = [found[1].strip()] if found else []
    return "", 0


def _text(value: Sequence[str]) -> str:
    """What the lines of a value say in one."""
    if not value:
        return ""
    if BLOCK.match(value[0]):
        return " ".join(value[1:]).strip()
    whole = " ".join(value).strip()
    if quoted := QUOTED.match(whole):
        return (quoted[2].replace("''", "'") if quoted[1] is None else ESCAPED.sub(r"\1", quoted[1])).strip()
    if len(whole) > 1 and whole[0] in "\"'" and whole[0] == whole[-1]:
        return whole[1:-1].strip()
    plain = [COMMENT.sub("", line).strip() for line in value]
    below = next(filter(None, plain[1:]), "")
    return "" if not plain[0] and NESTED.match(below) else " ".join(filter(None, plain))
