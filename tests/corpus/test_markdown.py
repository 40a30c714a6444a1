from __future__ import annotations

import pytest

from odqa.corpus.read import read_file
from odqa.corpus.text import markdown
from odqa.corpus.text.front_matter import front_matter

GUIDE = """\
---
title: "The Guide"
tags: [a]
---

Before any heading.

# Tower #

Setext
------
Text.

```bash
# a comment, not a heading
```

~~~~
## nor this
```
~~~~

## The [`run`](http://x.y) *command* {#run}

### Deep
#Not a heading
    # nor code

Last
====
"""


def outline(text: str):
    """(The title, the sections) of a file."""
    title, start = front_matter(text)
    found = markdown.outline(text, start)
    return title or found.title, found.sections


def test_the_text_is_the_file_and_sections_are_its_headings(tmp_path):
    path = tmp_path / "guide.md"
    path.write_bytes(GUIDE.replace("\n", "\r\n").encode("utf-8-sig"))
    (document,) = read_file(path)
    assert document.text == GUIDE.replace("\n", "\r\n")
    assert document.title == "The Guide"
    assert [(document.text[s.start :].split("\r\n")[0], s.headings) for s in document.sections] == [
        ("# Tower #", ("Tower",)),
        ("Setext", ("Tower", "Setext")),
        ("## The [`run`](http://x.y) *command* {#run}", ("Tower", "The run command")),
        ("### Deep", ("Tower", "The run command", "Deep")),
        ("Last", ("Last",)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "text\n\n---\n\nmore",  # A line between paragraphs.
        "- item\n---\n",
        "| a |\n---\n",
        "> quote\n---\n",
        "one line\nand another\n---\n",
        "    code\n---\n",
        "---\ntitle: x\n---\n",  # Front matter.
        "```\n# never closed\n",
        "1. ```\n   # in the code of an item\n   ```\n",
        "10. ```\n\t# indented by a tab\n\t```\n",
        "> - ~~~\n>   # in the code of an item of a quotation\n",
        "<!--\n# in a comment\n\n## and after a blank line\n-->\n",
        "<!-- a --> <!-- b\n# in the second comment of a line\n-->\n",
        "text\n<PRE class=x>\n# in an element\n</pre>\n",
        "<script>\n\n# in a script\n\n</script>\n",
        "<textarea>\n# in a field\n</textarea>\n",
        "<h1><img src=x></h1>\n",  # Without text.
        "#hashtag\n#\n",
        "",
    ],
)
def test_what_looks_like_a_heading_and_is_none(text):
    assert outline(text)[1] == ()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: 'Quoted'\n---\n# Other\n", "Quoted"),
        ('+++\ntitle = "Toml"\n+++\n', "Toml"),
        ("---\ndate: x\n---\n## Second\n\n# First\n", "First"),
        ("plain", ""),
        ("---\ntitle: >-\n  Parental leave\n  policy\ndate: x\n---\n", "Parental leave policy"),
        ("---\ntitle: |  # as it is\n  Issue #5\n\n---\n", "Issue #5"),
        ("---\ntitle: Parental\n  leave\n---\n", "Parental leave"),
        ("---\ntitle:\n  Parental leave: all\n---\n", "Parental leave: all"),
        ("---\ntitle: Leave # internal\n---\n", "Leave"),
        ('---\ntitle: "The \\"C #\\" key" # x\n---\n', 'The "C #" key'),
        ("---\ntitle: 'Anna''s'\n---\n", "Anna's"),
        ("---\ntitle: 'Anna's'\n---\n", "Anna's"),  # No YAML, but the meaning is clear.
        ("---\ntitle:\n  en: Leave\n---\n# First\n", "First"),
        ("---\ntitle:\n  - Leave\n---\n# First\n", "First"),
        ('+++\ntitle = "Toml"  # x\n  date = 1\n+++\n', "Toml"),
        ('<h1 align="center">My project</h1>\n\nIntro.\n\n## Installing', "My project"),
    ],
)
def test_the_title(text, title):
    assert outline(text)[0] == title


def test_without_a_heading_the_file_name_is_the_title(tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("Only text.")
    (document,) = read_file(path)
    assert (document.title, document.sections) == ("notes", ())


def test_a_fence_closes_only_with_its_own_kind_and_length():
    text = "````\n```\n# a\n~~~~\n# b\n````\n# c\n"
    assert [section.headings for section in outline(text)[1]] == [("c",)]


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("# A\n\n1. ```sh\n   # x\n   ```\n2. Run.\n\n# B\n\n## C\n", [("A",), ("B",), ("B", "C")]),
        ("> ```\n> # x\n# After a quotation, which ends its code\n", [("After a quotation, which ends its code",)]),
        ("```\n    ```\n# x\n```\n# A\n", [("A",)]),
        ("# A\n<pre>\n# x\n</pre>\n<!--\n## x\n-->\n## B\n", [("A",), ("A", "B")]),
        ("<!-- x -->\n# A\n<pre>x</pre>\n# B\n", [("A",), ("B",)]),
        ("# A\n<!-- a comment without an end hides nothing\n# B\n", [("A",), ("B",)]),
        ("<H2>B</H2>\n<h3 id=c>*C*</h3>\n<h4>D\n", [("B",), ("B", "C")]),
        ("    <h2>code</h2>\n", []),
    ],
)
def test_sections_begin_at_headings_outside_code_and_comments(text, headings):
    assert [section.headings for section in outline(text)[1]] == headings


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ('<a id="foo"></a>Foo &amp; Bar', "Foo & Bar"),
        (r"Using \*args and `a*b`", "Using *args and a*b"),
        ("`<b>&amp;` and ``a`b``", "<b>&amp; and a`b"),
        (r"\<b> \&lt; \`*x*\`", "<b> &lt; `x`"),
        (r"`C:\*` *or* `[a](b)`", r"C:\* or [a](b)"),
        ("One<br/>two<!-- x --> <https://x.y>", "One two <https://x.y>"),
        ("[`run`](x) ![*logo*](y) [a\\]b](z) {#id}", "run logo a]b"),
        ("AT&T &#38; &#99999999999; a < b > c", "AT&T & &#99999999999; a < b > c"),
        ("stray ` and *", "stray and"),
    ],
)
def test_headings_are_plain_text(heading, title):
    assert outline(f"## {heading}\n")[0] == title
