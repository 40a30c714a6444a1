"""The blocks of texts: what people read as one."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odqa.corpus import read_file
from odqa.corpus.block_values import blocks_from, values_of
from odqa.corpus.blocks import blocks_of, plain_blocks
from odqa.corpus.text.markdown_blocks import markdown_blocks
from odqa.corpus.text.rst_blocks import rst_blocks
from odqa.types import Block, Document
from odqa.views import Context, view_of


def shown(text: str, read=plain_blocks) -> list[tuple[str, ...]]:
    """(kind, text in one line, labels) of each block."""
    return [
        (block.kind.value, " ".join(text[block.start : block.end].split()), *([block.labels] if block.labels else []))
        for block in read(text)
    ]


def test_prose_that_is_wrapped_goes_on_over_its_lines():
    text = (
        "The museum was opened in 1908 by a group of merchants who wanted to show\n"
        "what they had brought home from their journeys to the islands, and has\n"
        "grown since.\n\nIt is closed on Mondays."
    )
    assert [kind for kind, *_ in shown(text)] == ["paragraph", "paragraph"]


@pytest.mark.parametrize(
    "text",
    [
        "Order no.: 881-2\nBuyer: Hale & Daughters\nNet: 1,100.00 EUR\nVAT (20%): 220.00 EUR\nSum: 1,320.00 EUR",
        "Hale & Daughters\n4 Quay Street\nFalmouth TR11 3JQ",
        "Winter\nFriday",
        "Opening hours\nThe gardens are open from nine to five on every day of the week but Monday.",
        "Chapter 1 ........ 12\nChapter 2 ........ 19",
        "name: Anna\nthe age: 34",
    ],
)
def test_a_line_that_had_room_for_more_ends_a_block(text):
    assert [words for _, words, *_ in shown(text)] == text.split("\n")


def test_lines_too_long_to_be_wrapped_are_paragraphs():
    text = f"{'One. ' * 80}\n{'Two. ' * 100}\n{'Six. ' * 90}"
    assert len(shown(text)) == 3


def test_lists_hang_and_their_marks_are_in_no_block():
    text = (
        "1. First, do the one thing\n   that is long.\n2) Then the other.\n   a) nested\n(iv) four\n"
        "• dot\n- dash\n  goes on"
    )
    assert shown(text) == [
        ("item", "First, do the one thing that is long."),
        ("item", "Then the other."),
        ("item", "nested"),
        ("item", "four"),
        ("item", "dot"),
        ("item", "dash goes on"),
    ]


def test_a_year_at_the_start_of_a_line_is_no_mark():
    text = (
        "The mill was sold to a company from the north of the country in the year\n"
        "1873. It burnt down in the year after that, and was not built again for long."
    )
    assert [kind for kind, *_ in shown(text)] == ["paragraph"]


MANUAL = """\
PUMP(1)                 User Commands                 PUMP(1)

OPTIONS
   Generic options
       -n, --dry-run
              Show what would be pumped, and do not pump any of the
              water.

       -q
       --quiet
              Say nothing.

       --help Show this.

EXIT STATUS
       0      Success.

       24     Some of the water was gone before it
              could be pumped.
"""


def test_a_manual_has_headings_and_terms_with_what_they_mean():
    assert shown(MANUAL)[1:] == [
        ("heading", "OPTIONS"),
        ("heading", "Generic options"),
        ("term", "-n, --dry-run"),
        ("paragraph", "Show what would be pumped, and do not pump any of the water."),
        ("term", "-q"),
        ("term", "--quiet"),
        ("paragraph", "Say nothing."),
        ("paragraph", "--help Show this."),
        ("heading", "EXIT STATUS"),
        ("term", "0"),
        ("paragraph", "Success."),
        ("term", "24"),
        ("paragraph", "Some of the water was gone before it could be pumped."),
    ]


def test_options_beside_their_descriptions():
    text = (
        "options:\n  -h, --help       show this and exit\n  --max-gone=NUM   stop after so many\n"
        "                   files are gone"
    )
    assert shown(text) == [
        ("heading", "options:"),
        ("term", "-h, --help"),
        ("paragraph", "show this and exit"),
        ("term", "--max-gone=NUM"),
        ("paragraph", "stop after so many files are gone"),
    ]


def test_tables_between_bars_know_their_heads():
    drawn = "+------+-------+\n| Code | Means |\n+------+-------+\n| 24   | gone  |\n|      | lost  |\n+------+-------+"
    heads = ("Code", "Means")
    expected = [("row", "Code | Means"), ("row", "24 | gone", heads), ("row", "| lost", heads)]
    assert shown(drawn) == expected
    assert shown(" Code | Means\n------+-------\n   24 | gone\n      | lost") == expected
    assert shown("a | b | c\nd | e | f") == [("row", "a | b | c"), ("row", "d | e | f")]
    assert shown("| a | b |\n| c | d |") == [("row", "a | b"), ("row", "c | d")]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Ask [[Alice Smith|Alice]] about leave, and\nthen [[Bob Jones|Bob]] about pay.", markdown_blocks),
        ("The |a| and the |b| are here, and\nthe |c| and the |d| are there.", rst_blocks),
        ("- `yes | no`\n- `true | false`", markdown_blocks),
        ("cat access.log | grep 404\nsort names | uniq", plain_blocks),
    ],
)
def test_bars_in_two_lines_are_no_table(text, read):
    assert "row" not in [kind for kind, *_ in shown(text, read)]


GRID = """
+---------+-----------------------+
| Name    | Meaning               |
+=========+=======================+
| timeout | The number of seconds |
|         | that the client waits |
+---------+-----------------------+
| retry   | - how often           |
|         | - how long            |
+---------+-----------------------+
"""


@pytest.mark.parametrize("text", [GRID, GRID.replace("=", "-")])
@pytest.mark.parametrize("read", [plain_blocks, markdown_blocks, rst_blocks])
def test_the_last_cell_of_a_row_in_a_grid_goes_on(text, read):
    heads = ("Name", "Meaning")
    rows = shown(text, read)
    assert rows == [
        ("row", "Name | Meaning"),
        ("row", "timeout | The number of seconds | | | that the client waits", (*heads, "", "", "")),
        ("row", "retry | - how often", heads),
        ("row", "| - how long", heads),
    ]
    view = view_of(Context(text, (), read(text))).text
    assert "Name: timeout | Meaning: The number of seconds |" in view and "that the client waits;" in view


def test_tables_in_columns_have_a_block_a_cell():
    text = (
        "Name      Age   City\nAnna      34    Rome\nBob        7    Paris\n\nItem      Price\n"
        "----      -----\nTea        1.80\nCoffee     2.40"
    )
    assert shown(text)[3:9] == [
        ("row", "Anna", ("Name",)),
        ("row", "34", ("Age",)),
        ("row", "Rome", ("City",)),
        ("row", "Bob", ("Name",)),
        ("row", "7", ("Age",)),
        ("row", "Paris", ("City",)),
    ]
    assert shown(text)[-2:] == [("row", "Coffee", ("Item",)), ("row", "2.40", ("Price",))]


def test_the_last_cell_of_a_row_in_columns_goes_on_below_itself():
    codes = """\
23  Partial transfer
24  Files have vanished
    before they were sent
25  Limit reached
"""
    assert shown(codes) == [
        ("term", "23"),
        ("paragraph", "Partial transfer"),
        ("term", "24"),
        ("paragraph", "Files have vanished before they were sent"),
        ("term", "25"),
        ("paragraph", "Limit reached"),
    ]
    sizes = "Key    Value  Unit\npower  5      kW and\n              more\nmass   6      kg\n"
    assert shown(sizes)[3:6] == [
        ("row", "power", ("Key",)),
        ("row", "5", ("Value",)),
        ("row", "kW and more", ("Unit",)),
    ]


def test_lists_in_scripts_without_spaces():
    text = "・料金\n・住所\n\n１．開く\n２．閉じる\n\n1、开\n2、关\n\n① 一\n② 二"
    assert shown(text) == [("item", item) for item in "料金 住所 開く 閉じる 开 关 一 二".split()]


def test_justified_prose_is_no_table():
    text = (
        "       context  lines,  file  names,  line  numbers,  byte  offsets,  and\n"
        "       separators  (for  fields  and groups of context lines) with escape\n"
        "       sequences to display them in color on the terminal.  The colors are\n"
        "       defined by a variable.\n"
    )
    assert [kind for kind, *_ in shown(text)] == ["paragraph"]


def test_code_is_one_block():
    text = "Type this:\n\n    $ pump --all\n    x = pump(3)\n\nThen wait."
    assert shown(text) == [
        ("paragraph", "Type this:"),
        ("code", "$ pump --all x = pump(3)"),
        ("paragraph", "Then wait."),
    ]


def test_headings_of_plain_text():
    assert shown("Fares\n=====\nText here.\n\n4.2 Payment\n\nANNEX\n\nMore.") == [
        ("heading", "Fares"),
        ("paragraph", "Text here."),
        ("heading", "4.2 Payment"),
        ("heading", "ANNEX"),
        ("paragraph", "More."),
    ]


PAGE = """\
---
title: Guide
author: Anna
---
# Fares ##

All fares are
in this table:
| Zone | `Price` |
|---|:-:|
| A | 2.40 |
| | 3.10 |

- First
  goes on
- [x] Second
  1. nested

  More of it.

Run:
```sh
pump

pump -a
```
Then:

    x = 1

Term
: What it
  means
: What else

: And what not

Setext
------
> Quoted
> text

Line one  
Line two\\
Line three

**Phone:** 12
**Mail:** a@b.c

[^1]: A note
***
<!-- hidden -->
"""  # noqa: W291


def test_markdown():
    heads = ("Zone", "Price")
    assert shown(PAGE, lambda text: markdown_blocks(text, text.index("# Fares"))) == [
        ("paragraph", "title: Guide"),
        ("paragraph", "author: Anna"),
        ("heading", "Fares"),
        ("paragraph", "All fares are in this table:"),
        ("row", "Zone | `Price`"),
        ("row", "A | 2.40", heads),
        ("row", "| 3.10", heads),
        ("item", "First goes on"),
        ("item", "Second"),
        ("item", "nested"),
        ("paragraph", "More of it."),
        ("paragraph", "Run:"),
        ("code", "pump pump -a"),
        ("paragraph", "Then:"),
        ("code", "x = 1"),
        ("term", "Term"),
        ("paragraph", "What it means"),
        ("paragraph", "What else"),
        ("paragraph", "And what not"),
        ("heading", "Setext"),
        ("paragraph", "Quoted > text"),
        ("paragraph", "Line one"),
        ("paragraph", "Line two\\"),
        ("paragraph", "Line three"),
        ("paragraph", "**Phone:** 12"),
        ("paragraph", "**Mail:** a@b.c"),
        ("note", "A note"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. ```sh\n   # x\n   y\n   ```\n2. Run.\n\n# A", ["code # x y", "item Run.", "heading A"]),
        ("- ```\n  x\n  ```\n\n    more", ["code x", "paragraph more"]),
        ("> ```py\n> # x\n> >>> y\n> ```\n> z", ["code # x > >>> y", "paragraph z"]),
        ("> ```\n> x\ny", ["code x", "paragraph y"]),
        ("a\n<pre>\n# x\n\ny\n</pre>\nb", ["paragraph a", "code # x y", "paragraph b"]),
        ("<pre class=a>x\ny</pre> b", ["code x y", "paragraph b"]),
        ("<pre>x</pre>", ["code x"]),
        ("a\n<!--\n# x\n\ny\n-->\nb", ["paragraph a", "paragraph b"]),
        ("<!-- a --><!-- b --> c <!-- d\n--> e", ["paragraph c <!-- d --> e"]),
        ("<!-- a\n--> b", ["paragraph b"]),
        ("<!-- a\n\nb", ["paragraph <!-- a", "paragraph b"]),
        ("<style>\n# x\n</style>\nb", ["paragraph b"]),
        ("!!! warning\n\n    long\n    text\n\nout\n\n    x", ["!!! warning", "long text", "out", "code x"]),
        ('=== "Linux"\n\n    ```\n    x\n    ```\n\n    run', ['=== "Linux"', "code x", "run"]),
        ("??? note\n\n    text\n\n# A\n\n    x", ["??? note", "text", "heading A", "code x"]),
        ("!!! note\n\n    # A\n\n    text", ["!!! note", "heading A", "text"]),
        ("!!! note\n\n```\ny\n```\n\n    x", ["!!! note", "code y", "code x"]),
        (
            "[^1]: Three months\n    to go.\n\n    More.\n\nout\n\n    x",
            ["note Three months to go.", "More.", "out", "code x"],
        ),
        ("Term\n\n: one\n\n    two\n\n    three", ["term Term", "one", "two", "three"]),
        ("<h1 align=center> A </h1>\nb", ["heading A", "paragraph b"]),
    ],
)
def test_what_markdown_indents_or_hides(text, expected):
    """A kind that is not told is that of a paragraph."""
    kinds = ("code ", "item ", "heading ", "term ", "note ", "paragraph ")
    wanted = [some if some.startswith(kinds) else f"paragraph {some}" for some in expected]
    assert [" ".join(block) for block in shown(text, markdown_blocks)] == wanted


SOURCE = """\
=====
Title
=====

Text that
goes on.

Section
-------

term
   What it
   means.

-n, --dry-run  change nothing
-v             say more

:Author: Anna
:Date: 2020
   May

* Item
  more
#. Numbered

=====  ======
Name   Price
=====  ======
Tea    2.40
=====  ======

+------+-------+
| Zone | Price |
+======+=======+
| A    | 2.40  |
+------+-------+

Run::

    pump

    pump -a

.. code-block:: python
   :caption: x

   import x

.. note:: Take
   care.
.. [1] A footnote.
.. _target:

| verse one
| verse two
"""


LIST_TABLE = """\
.. list-table:: Exit codes
   :header-rows: 1
   :widths: 10 90

   * - Code
     - Meaning
   * - 23
     - Partial transfer,
       of some files

       - not all
   * -
     - Nothing

After it.
"""


def test_a_table_of_lists_has_a_block_a_cell():
    meaning = ("Meaning",)
    assert shown(LIST_TABLE, rst_blocks) == [
        ("caption", "Exit codes"),
        ("row", "Code"),
        ("row", "Meaning"),
        ("row", "23", ("Code",)),
        ("row", "Partial transfer, of some files", meaning),
        ("row", "- not all", meaning),
        ("row", "Nothing", meaning),
        ("paragraph", "After it."),
    ]


def test_restructured_text():
    assert shown(SOURCE, rst_blocks) == [
        ("heading", "Title"),
        ("paragraph", "Text that goes on."),
        ("heading", "Section"),
        ("term", "term"),
        ("paragraph", "What it means."),
        ("term", "-n, --dry-run"),
        ("paragraph", "change nothing"),
        ("term", "-v"),
        ("paragraph", "say more"),
        ("term", "Author"),
        ("paragraph", "Anna"),
        ("term", "Date"),
        ("paragraph", "2020 May"),
        ("item", "Item more"),
        ("item", "Numbered"),
        ("row", "Name"),
        ("row", "Price"),
        ("row", "Tea", ("Name",)),
        ("row", "2.40", ("Price",)),
        ("row", "Zone | Price"),
        ("row", "A | 2.40", ("Zone", "Price")),
        ("paragraph", "Run::"),
        ("code", "pump pump -a"),
        ("code", "import x"),
        ("paragraph", "Take care."),
        ("note", "A footnote."),
        ("paragraph", "verse one"),
        ("paragraph", "verse two"),
    ]


def test_loaders_give_the_blocks_of_their_format(tmp_path):
    for name, text, kind in (("a.md", "`-x`\n: Y", "term"), ("a.rst", "a\n\n* b", "item"), ("a.txt", "- b", "item")):
        (tmp_path / name).write_text(text)
        (document,) = read_file(tmp_path / name)
        assert kind in [block.kind for block in blocks_of(document)]


def test_a_document_with_blocks_keeps_them():
    own = (Block(0, 1),)
    assert blocks_of(Document("a", "", "a\n\nb", blocks=own)) == own


PIECES = st.sampled_from(
    [
        *"ab1:|-=+*#>`.~_(){}[]\\ \n\t\r",
        *(
            "\n\n",
            "\r\n",
            "    ",
            "  ",
            "\n  ",
            "- ",
            "1. ",
            "a) ",
            "| a | b |",
            "|---|",
            "--- ---",
            "=== ===",
            "Key: v",
        ),
        *(
            "```",
            "::",
            ".. note:: ",
            ":f: ",
            "-n  x",
            "Word ",
            "word and more words ",
            "\u2028",
            "\x0c",
            "中文",
            "\u200b",
        ),
        *(
            "+---+",
            "....",
            "x" * 50,
            ".. code::",
            "[^1]: ",
            ": def",
            "<!-- ",
            "-->",
            "<pre>",
            "</pre>",
            "<h2>",
            "</h2>",
            "!!! ",
            "\u00a0",
            "\ud800",
            "9   8",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)


@pytest.mark.parametrize("read", [plain_blocks, markdown_blocks, rst_blocks])
@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=TEXTS)
@example(text="")
@example(text="|\n|")
def test_blocks_follow_one_another_without_space_around_them(read, text):
    blocks = read(text)
    end = 0
    for block in blocks:
        assert end <= block.start < block.end <= len(text)
        assert text[block.start : block.end].strip() == text[block.start : block.end]
        end = block.end
    assert blocks_from(values_of(blocks), len(text)) == blocks


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=TEXTS)
def test_every_word_of_a_plain_text_is_in_a_block(text):
    covered = {offset for block in plain_blocks(text) for offset in range(block.start, block.end)}
    for offset, sign in enumerate(text):
        if sign.isalpha() and sign not in "abivx" and text[max(0, offset - 1)] not in "-[(":
            assert offset in covered
