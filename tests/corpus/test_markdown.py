from __future__ import annotations

import pytest

from odqa.corpus.read import read_file
from odqa.corpus.text.markdown import outline

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
