"""What the places of letters on a page mean: columns, paragraphs, tables, running heads, contents, forms."""

from __future__ import annotations

import pytest

from odqa.corpus import split
from odqa.corpus.pdf.lines import lines
from odqa.corpus.pdf.page import Word
from odqa.types import BlockKind
from tests.corpus.invariants import words
from tests.corpus.pdf_files import annotation, blocks, paragraph, read, rule, text, upright, write

LEFT = [
    "The lighthouse was finished in 1788",
    "by Ada Winther, who also paid",
    "for the road to the village",
    "and for its first school.",
]
RIGHT = [
    "The ferry began to run in 1904",
    "and was steered by the captain",
    "Olav Brekke until the day",
    "the bridge was opened.",
]


def interleaved(y: float = 100, step: float = 0) -> list[bytes]:
    """Two columns, drawn row by row; the right one ``step`` points lower."""
    rows = zip(LEFT, RIGHT, strict=True)
    return [
        part
        for at, (left, right) in enumerate(rows)
        for part in (text(50, y + 14 * at, left), text(320, y + step + 14 * at, right))
    ]


@pytest.mark.parametrize("step", [0, 5])
def test_columns_drawn_row_by_row_are_read_one_after_the_other(tmp_path, step):
    found = blocks(write(tmp_path / "a.pdf", [interleaved(step=step)]))
    assert found == [("paragraph", " ".join(LEFT)), ("paragraph", " ".join(RIGHT))]


def test_a_heading_over_both_columns_is_read_before_them_and_one_between_them_between(tmp_path):
    wide = "A line of text that runs over both of the columns of this page, from left to right."
    page = [text(50, 80, "Report of the harbour board on both its works", 20), *interleaved(110)]
    page += [text(50, 190, wide), *interleaved(220)]
    document = read(write(tmp_path / "a.pdf", [page]))
    order = ["Report of", "The lighthouse", "The ferry", "A line of text", "school. ", "captain"]
    at = 0
    for part in order[:4]:
        at = document.text.index(part, at)
    assert document.text.index("The lighthouse", at) < document.text.index("The ferry", at)
    assert document.text.count("The ferry") == 2


def test_headings_of_columns_side_by_side_stand_above_their_columns(tmp_path):
    page = [text(50, 80, "Lighthouse", font="B"), text(320, 80, "Ferry", font="B"), *interleaved()]
    found = blocks(write(tmp_path / "a.pdf", [page]))
    assert [kind for kind, _ in found] == ["heading", "paragraph"] * 2
    assert [part.split()[0] for _, part in found] == ["Lighthouse", "The", "Ferry", "The"]


def test_a_line_drawn_in_pieces_is_one_line_and_gaps_are_spaces(tmp_path):
    page = [text(50, 100, "The har"), text(91.4, 100, "bour is"), text(134, 100, "deep.")]
    assert blocks(write(tmp_path / "a.pdf", [page])) == [("paragraph", "The harbour is deep.")]


def test_words_broken_at_a_line_end_are_mended_and_compounds_keep_their_hyphen(tmp_path):
    lines = [
        "A well-known neighbour is a good neighbour, says every neigh-",
        "bour, and that is a well-",
        "known truth of the year 2019-",
        "2020 in the whole town here.",
    ]
    ((_, found),) = blocks(write(tmp_path / "a.pdf", [paragraph(50, 100, lines)]))
    assert "every neighbour, and that is a well-known truth of the year 2019-2020 in" in found


def test_paragraphs_are_told_by_space_by_indent_and_by_a_short_last_line(tmp_path):
    page = [
        *paragraph(50, 100, ["The first paragraph runs over the whole line of text", "and ends soon."]),
        *paragraph(50, 128, ["The second one begins at the margin of the column again", "and it is no longer."]),
        text(65, 156, "The third one is indented, as in a book or in a novel of"),
        text(50, 170, "the old kind, until it ends."),
        *paragraph(50, 210, ["The last one stands after some space."]),
    ]
    found = [part for _, part in blocks(write(tmp_path / "a.pdf", [page]))]
    assert [part.split()[1] for part in found] == ["first", "second", "third", "last"]


def test_items_of_a_list_are_blocks(tmp_path):
    lines = ["1. Close the valve.", "2. Open the", "3. Call the office on the first floor."]
    found = blocks(write(tmp_path / "a.pdf", [paragraph(50, 100, lines)]))
    assert found == [("item", line) for line in lines]


def pages_with_heads(count: int) -> list[list[bytes]]:
    bodies = [
        [
            "The quay was repaired in the spring of the year with stones from",
            "the quarry, and the work was paid for by the",
        ],
        ["Danish trading house Ravn and Sons, who owned most of the sheds", "on the northern side of the water."],
        ["Later the crane was sold to a buyer from another town, and all", "of the money went to the school."],
    ]
    return [
        [
            text(50, 30, "Port of Lerwick - Yearly report - Internal", 9),
            *paragraph(50, 100, bodies[number]),
            text(280, 770, f"Page {number + 1} of {count}", 9),
        ]
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_running_heads_and_page_numbers_do_not_stand_in_sentences(tmp_path, count):
    document = read(write(tmp_path / "a.pdf", pages_with_heads(count)))
    assert "was paid for by the Danish trading house Ravn and Sons, who" in document.text
    assert "Page 1" not in document.text
    assert document.text.count("Port of Lerwick") == 1  # Said once, as a note: it may tell something.
    assert document.blocks[0].kind is BlockKind.NOTE
    (passage,) = split(document, words)
    assert passage.page_at(passage.text.index("paid for")) == 1
    assert passage.page_at(passage.text.index("Danish")) == 2


def test_the_same_first_line_on_every_page_is_kept_where_it_is_part_of_the_text(tmp_path):
    pages = [paragraph(50, 100, ["Dear reader, this letter", f"is number {name} of them."]) for name in ("one", "two")]
    assert read(write(tmp_path / "a.pdf", pages)).text.count("Dear reader") == 2


def test_numbers_that_do_not_count_pages_are_kept(tmp_path):
    pages = [
        [*paragraph(50, 100, [f"Account of {month}."]), text(50, 770, f"Balance {amount}")]
        for month, amount in (("May", 120), ("June", 80))
    ]
    found = read(write(tmp_path / "a.pdf", pages)).text
    assert "Balance 120" in found and "Balance 80" in found


@pytest.mark.parametrize(
    ("heads", "size"),
    [
        (["Week 1", "Week 2", "Week 3", "Week 4"], 20),
        (["Invoice 1001", "Invoice 1002", "Invoice 1003"], 12),
        (["Annual report 2019", "Annual report 2020", "Annual report 2021"], 20),
    ],
)
def test_headings_that_count_up_page_by_page_are_kept(tmp_path, heads, size):
    bodies = ["Ships are told of here.", "Here birds are met.", "All of the stars.", "Bread is baked."]
    pages = [[text(50, 50, head, size), text(50, 120, said)] for head, said in zip(heads, bodies, strict=False)]
    found = read(write(tmp_path / "a.pdf", pages)).text
    assert all(f"{head}\n" in found for head in heads)


@pytest.mark.parametrize(("foot", "size"), [("{}", 20), ("{} A. Sund et al.", 8)])
def test_the_page_numbers_of_a_journal_are_left_out(tmp_path, foot, size):
    pages = [
        [text(50, 100, f"The {name} is told of here."), text(50, 770, foot.format(number), size)]
        for number, name in enumerate(("ship", "bird", "star"), start=1001)
    ]
    assert "100" not in read(write(tmp_path / "a.pdf", pages)).text


def test_a_running_head_that_ends_in_a_year_is_said_once(tmp_path):
    pages = [
        [text(50, 30, "Port report 2019", 9), text(50, 100, f"This port report says: {name} are sold.")]
        for name in ("Ships", "Birds", "Stars")
    ]
    assert read(write(tmp_path / "a.pdf", pages)).text.count("Port report 2019") == 1


CONTENTS = ["Mooring lines", "Cargo hooks", "Night watch", "Signal flags", "Pilot boats"]


def chapters() -> list[list[bytes]]:
    return [
        [
            text(50, 80, name, 18),
            *paragraph(50, 120, [f"What is to be known of it is told here: {name.lower()} are checked twice."]),
        ]
        for name in CONTENTS
    ]


@pytest.mark.parametrize("leader", [" . . . . . . . . ", " ........ ", " "])
def test_a_table_of_contents_is_left_out_and_told(tmp_path, leader):
    contents = [text(50, 80, "Contents", 18)]
    contents += paragraph(50, 120, [f"{name}{leader}{page}" for page, name in enumerate(CONTENTS, start=2)], 18)
    document = read(write(tmp_path / "a.pdf", [contents, *chapters()]))
    assert "Contents" not in document.text and "Pilot boats" in document.text
    assert document.text.count("Mooring lines") == 1
    assert document.metadata == {"pages": 6, "pages_of_contents": 1}


def test_an_index_is_left_out(tmp_path):
    entries = ["anchor, 2, 4", "boat, 3", "cargo . . . . . . 5", "deck, 2-4", "engine, 1"]
    index = [text(50, 80, "Index", 18), *paragraph(50, 120, entries, 18)]
    document = read(write(tmp_path / "a.pdf", [*chapters(), index]))
    assert "anchor" not in document.text
    assert document.metadata["pages_of_contents"] == 1


@pytest.mark.parametrize(
    "entries", [["anchor......2", "boat......3", "cargo......4", "deck 1"], ["anchor 2, 3", "boat, 3", "Tar 3.8, 4"]]
)
def test_entries_with_commas_or_in_the_order_of_the_alphabet_are_an_index(tmp_path, entries):
    index = [text(50, 80, "Index", 18), *paragraph(50, 120, [*entries, "version 2.1"], 18)]
    assert entries[0] not in read(write(tmp_path / "a.pdf", [*chapters(), index])).text


@pytest.mark.parametrize(
    ("heading", "lines"),
    [
        ("Consumer price index", ["January 101.2", "February 101.5", "March 102.1", "April 102.9"]),
        ("Air quality index", ["Oslo 12", "Rome 34", "Bern 27", "Paris 41"]),
        ("Air quality index", ["Bern 27", "Oslo 12", "Paris 41", "Rome 34"]),
    ],
)
def test_values_below_the_heading_of_an_index_number_are_kept(tmp_path, heading, lines):
    values = [text(50, 80, heading, 18), *paragraph(50, 120, lines, 18)]
    found = read(write(tmp_path / "a.pdf", [*chapters(), values])).text
    assert all(line in found for line in lines)


def test_credits_with_leaders_that_ascend_are_kept(tmp_path):
    names = ["Algebra", "Botany", "Chemistry", "Drawing", "Economics", "French"]
    lines = [f"{name} ........ {credits}" for name, credits in zip(names, (3, 3, 4, 4, 6, 6), strict=True)]
    found = read(write(tmp_path / "a.pdf", [paragraph(50, 100, lines, 18), *chapters()])).text
    assert all(line in found for line in lines)


def test_contents_without_a_heading_are_left_out_by_the_titles_they_name_and_where_they_run_on(tmp_path):
    named = [f"{name} ........ {page}" for name, page in zip(CONTENTS, (3, 3, 4, 4, 5), strict=True)]
    other = [f"{name} ........ {page}" for name, page in zip("ABCDE", (6, 6, 6, 7, 7), strict=True)]
    pages = [paragraph(50, 100, named, 18), paragraph(50, 100, other, 18), *chapters()]
    assert read(write(tmp_path / "a.pdf", pages)).metadata["pages_of_contents"] == 2


def test_a_list_of_prices_with_leaders_and_a_table_of_numbers_are_kept(tmp_path):
    prices = ["Soup ........ 8", "Fish ........ 21", "Bread ........ 3", "Coffee ........ 4", "Cake ........ 6"]
    numbers = ["Austria 12", "Belgium 34", "Cyprus 9", "Denmark 51", "Estonia 7", "Finland 16"]
    document = read(write(tmp_path / "a.pdf", [paragraph(50, 100, prices, 18), paragraph(50, 100, numbers, 18)]))
    assert all(line in document.text for line in [*prices, *numbers])
    assert "pages_of_contents" not in document.metadata


def test_bookmarks_are_headings(tmp_path):
    path = write(tmp_path / "a.pdf", chapters(), bookmarks=[(name, at) for at, name in enumerate(CONTENTS)])
    document = read(path)
    assert [(section.headings, section.page) for section in document.sections] == [
        ((name,), at + 1) for at, name in enumerate(CONTENTS)
    ]
    assert [b.kind.value for b in document.blocks] == ["heading", "paragraph"] * 5


def test_without_bookmarks_larger_and_bold_lines_are_headings(tmp_path):
    page = [
        text(50, 80, "The harbour", 20),
        *paragraph(50, 110, ["It is deep, and it is open for ships of every kind."]),
    ]
    page += [
        text(50, 150, "Fees", font="B"),
        *paragraph(50, 168, ["A boat pays nine euros, and a ship ninety of them."]),
    ]
    document = read(write(tmp_path / "a.pdf", [page]))
    assert [section.headings for section in document.sections][-1] == ("The harbour", "Fees")
    assert document.title == "The harbour"


@pytest.mark.parametrize(
    "title", ["portref", "untitled", "report_v2.docx", "Microsoft Word - x.doc", "PowerPoint Presentation"]
)
def test_a_title_that_a_program_gave_yields_to_the_largest_text(tmp_path, title):
    page = [text(50, 80, "The harbour of Lerwick", 24), *paragraph(50, 120, ["It is deep, and it is open for ships."])]
    assert read(write(tmp_path / "a.pdf", [page], title=title)).title == "The harbour of Lerwick"


def test_fields_of_a_form_are_read_with_their_labels(tmp_path):
    page = [text(50, 100 + 40 * at, label) for at, label in enumerate(["Passenger:", "Cabin", "Class:", "Insured:"])]
    page += [text(50, 300, "Remarks")]
    fields = [
        annotation(100, b"/Subtype/Widget/FT/Tx/T(p)/V(Sigrid Aune)"),
        annotation(140, b"/Subtype/Widget/FT/Tx/T(c)/V()"),
        annotation(180, b"/Subtype/Widget/FT/Ch/Ff 131072/Opt[(First)(Second)]/T(k)/V(Second)"),
        annotation(220, b"/Subtype/Widget/FT/Btn/T(i)/V/Yes/AS/Yes/AP<</N<</Yes 1 0 R/Off 1 0 R>>>>", 150, 165),
        annotation(322, b"/Subtype/Widget/FT/Tx/T(r)/V(Allergic to nuts.)", 50, 350),
        annotation(400, b"/Subtype/Widget/FT/Tx/T(form[0].shipName[0])/V(Aurora)"),
        annotation(440, b"/Subtype/Widget/FT/Tx/Ff 8192/T(pin)/V(1234)"),
    ]
    found = [part for _, part in blocks(write(tmp_path / "a.pdf", [page], fields))]
    assert found == [
        "Passenger: Sigrid Aune",
        "Cabin",
        "Class: Second",
        "Insured: yes",
        "Remarks: Allergic to nuts.",
        "ship Name: Aurora",
    ]


def test_a_file_with_nothing_but_a_form_is_usable(tmp_path):
    fields = [annotation(100, b"/Subtype/Widget/FT/Tx/T(surname)/V(Aune)")]
    assert blocks(write(tmp_path / "a.pdf", [[]], fields)) == [("paragraph", "surname: Aune")]


def test_annotations_are_notes_and_hidden_ones_are_not_read(tmp_path):
    page = paragraph(50, 100, ["The rent is due on the first of the month.", "It is paid to the office of the port."])
    notes = [
        annotation(100, b"/Subtype/FreeText/Contents(Changed to the fifth.)"),
        annotation(400, b"/Subtype/Text/Contents(Ask Olav.)"),
        annotation(100, b"/Subtype/Highlight/F 2/Contents(Secret.)"),
        annotation(100, b"/Subtype/Link/Contents(A link.)"),
    ]
    found = blocks(write(tmp_path / "a.pdf", [page], notes))
    assert found[1:] == [("note", "Changed to the fifth."), ("note", "Ask Olav.")]


def table(y: float, rows: list[list[str]], font: str = "F") -> list[bytes]:
    return [
        text(60 + 150 * at, y + 16 * number, cell, font=font)
        for number, row in enumerate(rows)
        for at, cell in enumerate(row)
        if cell
    ]


def test_aligned_cells_are_rows_with_the_heads_as_labels(tmp_path):
    page = [
        *table(100, [["Code", "Meaning", "Level"]], "B"),
        *table(116, [["23", "Disk is full", "4"], ["24", "", "2"], ["25", "Too many files", "1"]]),
    ]
    document = read(write(tmp_path / "a.pdf", [page]))
    rows = [document.text[block.start : block.end] for block in document.blocks]
    assert rows == ["Code | Meaning | Level", "23 | Disk is full | 4", "24 |  | 2", "25 | Too many files | 1"]
    assert {block.kind for block in document.blocks} == {BlockKind.ROW}
    assert [block.labels for block in document.blocks] == [(), *[("Code", "Meaning", "Level")] * 3]


def test_cells_in_a_grid_are_what_stands_between_its_rules(tmp_path):
    page = [rule(40, 400, y) for y in (85, 105, 145, 185, 205)] + [rule(120, 400, 165)]
    page += [upright(x, 85, 205) for x in (40, 120, 400)] + [upright(300, 85, 185)]
    page += [text(x, 100, head, font="B") for x, head in ((50, "Code"), (130, "Meaning"), (310, "Level"))]
    page += [text(130, 120, "Some files that were to be"), text(298 - 60, 133, "sent   are"), text(305, 133, "5")]
    page += [text(50, 126, "23"), text(130, 140, "gone")]
    page += [text(130, 160, "It is full"), text(50, 170, "24"), text(310, 180, "1"), text(50, 200, "25")]
    page += [text(130, 200, "Not used")]
    document = read(write(tmp_path / "a.pdf", [page]))
    rows = [document.text[block.start : block.end] for block in document.blocks]
    assert rows == [
        "Code | Meaning | Level",
        "23 | Some files that were to be sent are gone | 5",
        "24 | It is full | ",
        "24 |  | 1",
        "25 | Not used | Not used",
    ]
    assert [block.labels for block in document.blocks[1:]] == [("Code", "Meaning", "Level")] * 4


def test_one_rule_in_a_grid_parts_the_heads_from_the_rows(tmp_path):
    page = [rule(40, 400, y) for y in (85, 120, 160)] + [upright(x, 85, 160) for x in (40, 120, 400)]
    page += [text(130, 100, "Other", font="B"), text(50, 107, "Name", font="B"), text(130, 114, "remarks", font="B")]
    page += [text(50, 135, "ttl"), text(130, 135, "none"), text(50, 150, "tos"), text(130, 150, "seldom")]
    document = read(write(tmp_path / "a.pdf", [page]))
    rows = [document.text[block.start : block.end] for block in document.blocks]
    assert rows == ["Name | Other remarks", "ttl | none", "tos | seldom"]


def test_the_heads_of_a_ruled_table_that_stand_on_every_page_are_no_furniture(tmp_path):
    def page(first):
        lines = [rule(40, 300, y) for y in range(65, 166, 20)] + [upright(x, 65, 165) for x in (40, 120, 300)]
        lines += [text(50, 80, "Code", font="B"), text(130, 80, "Meaning", font="B")]
        lines += [text(50, 100 + 20 * row, str(first + row)) for row in range(4)]
        return lines + [text(130, 100 + 20 * row, f"Meaning of it {first + row}") for row in range(1, 4)]

    document = read(write(tmp_path / "a.pdf", [page(1), page(5), page(9)]))
    rows = [document.text[block.start : block.end] for block in document.blocks]
    assert rows[:3] == ["Code | Meaning", "1 | ", "2 | Meaning of it 2"]
    assert rows[-1] == "12 | Meaning of it 12"
    assert {block.labels for block in document.blocks[1:]} == {("Code", "Meaning")}
    assert len(rows) == 13


def test_the_lines_of_a_cell_between_rules_are_one_cell(tmp_path):
    page = [rule(50, 500, y) for y in (85, 105, 140, 175)]
    page += [
        *table(100, [["Ship", "Berth"]]),
        *table(120, [["The Aurora of", "North quay"], ["Bergen", ""]]),
        *table(155, [["The Polar", "South quay"], ["Star", ""]]),
    ]
    found = blocks(write(tmp_path / "a.pdf", [page]))
    assert [part for _, part in found][1:] == ["The Aurora of Bergen | North quay", "The Polar Star | South quay"]


def test_heads_repeated_on_the_next_page_are_written_once_and_label_its_rows(tmp_path):
    pages = [
        [*table(60, [["Ship", "Tons"]], "B"), *table(76, [["Aurora", "1200"], ["Polar Star", "900"]])],
        [*table(60, [["Ship", "Tons"]], "B"), *table(76, [["Nanna", "300"], ["Freya", "450"]])],
    ]
    document = read(write(tmp_path / "a.pdf", pages))
    assert document.text.count("Ship | Tons") == 1
    assert [block.labels for block in document.blocks][1:] == [("Ship", "Tons")] * 4


def test_no_block_holds_a_label_and_the_value_of_another_line(tmp_path):
    page = table(100, [["Net amount", "980.00 EUR"], ["VAT", "19 %"], ["Total", "1,166.20 EUR"]])
    found = blocks(write(tmp_path / "a.pdf", [page]))
    assert found == [("row", "Net amount | 980.00 EUR"), ("row", "VAT | 19 %"), ("row", "Total | 1,166.20 EUR")]


def test_code_keeps_its_lines_and_a_term_stands_before_its_meaning(tmp_path):
    page = paragraph(50, 100, ["Write this into the file of the harbour's own settings, then save it:"])
    page += [text(60, 130, "if ready:", font="C"), text(74.4, 144, "go()", font="C")]
    page += [
        text(50, 190, "--dry-run", font="C"),
        *paragraph(70, 204, ["Nothing is moved, and all is told", "as if it were."]),
    ]
    found = blocks(write(tmp_path / "a.pdf", [page]))
    assert found[1:] == [
        ("code", "if ready:\n  go()"),
        ("term", "--dry-run"),
        ("paragraph", "Nothing is moved, and all is told as if it were."),
    ]


def test_text_that_runs_askew_or_off_the_page_is_not_read_and_hidden_text_is(tmp_path):
    page = [*paragraph(50, 100, ["The quay is closed."]), text(200, 500, "DRAFT", 60, turn="0.7 0.7 -0.7 0.7")]
    page += [text(700, 100, "Outside."), b"3 Tr", text(50, 140, "Read by a machine from the scan.")]
    assert [part for _, part in blocks(write(tmp_path / "a.pdf", [page]))] == [
        "The quay is closed.",
        "Read by a machine from the scan.",
    ]


SIDEWAYS = "0 1 -1 0"


def test_text_on_its_side_stands_after_the_text_of_its_page(tmp_path):
    page = paragraph(
        50, 60, ["The table below shows who was trained in what.", "It is kept by the office of the port."]
    )
    page += [text(200, 300, "Fire safety", turn=SIDEWAYS), text(250, 300, "First aid", turn=SIDEWAYS)]
    page += [text(50, 320, "Ada"), text(200, 320, "yes"), text(250, 320, "no")]
    found = [part for _, part in blocks(write(tmp_path / "a.pdf", [page]))]
    assert found[1:] == ["Ada | yes | no", "Fire safety", "First aid"]


def test_a_table_on_its_side_is_read_by_its_rules(tmp_path):
    page = paragraph(50, 60, [f"This line is upright, as {name} of this page are." for name in ("most", "all", "many")])
    page += [
        text(x, y, cell, turn=SIDEWAYS)
        for (x, y), cell in zip(
            ((310, 690), (310, 590), (330, 690), (330, 590)), ("Zone", "Fare", "North", "2.40"), strict=True
        )
    ]
    page += [upright(x, 500, 700) for x in (295, 315, 335)] + [rule(295, 335, y) for y in (500, 600, 700)]
    found = [part for _, part in blocks(write(tmp_path / "a.pdf", [page]))]
    assert found[-2:] == ["Zone | Fare", "North | 2.40"]


def test_what_is_stamped_in_the_margin_stands_once_and_cuts_no_paragraph(tmp_path):
    said = [["The quay was repaired with stones from the quarry,", "and the work was paid for by the"]]
    said += [
        ["traders of the north, who owned most of the sheds", "and a part of the"],
        ["ships, and who gave it all away."],
    ]
    stamp = text(20, 500, "Lent by the library of the port", turn=SIDEWAYS)
    found = blocks(write(tmp_path / "a.pdf", [[*paragraph(50, 100, lines), stamp] for lines in said]))
    assert found == [
        ("paragraph", "Lent by the library of the port"),
        ("paragraph", " ".join(line for lines in said for line in lines)),
    ]


def test_a_running_head_beside_a_table_on_its_side_is_left_out(tmp_path):
    def ends(number):
        return [text(50, 30, "Port of Lerwick - Yearly report", 9), text(290, 770, str(number), 9)]

    bodies = ["The quay is long.", "The water is deep.", "All of the ships are old."]
    pages = [[*ends(at), text(50, 100, body)] for at, body in enumerate(bodies, start=1)]
    lines = [f"The fares of zone {zone} are told on the page overleaf." for zone in "ABC"]
    pages.append([*ends(4), *(text(200 + 14 * at, 700, line, turn=SIDEWAYS) for at, line in enumerate(lines))])
    found = read(write(tmp_path / "a.pdf", pages)).text
    assert found.count("Yearly report") == 1 and "4" not in found and "zone C" in found


def test_a_caption_below_a_paragraph_that_runs_on_keeps_its_page(tmp_path):
    first = [
        "This paragraph begins on the first page, and it runs on to",
        "the next one, since it tells the history of the",
    ]
    pages = [[*paragraph(50, 60, first), text(50, 300, "Figure 3: The harbour in winter.")]]
    pages.append(paragraph(50, 60, ["merchants who came from the north to trade in fish."]))
    document = read(write(tmp_path / "a.pdf", pages))
    second = next(section.start for section in document.sections if section.page == 2)
    assert "Figure 3" in document.text[:second] and document.text[second:].startswith("merchants")


def test_a_page_on_its_side_is_read_along_its_lines(tmp_path):
    page = [
        text(100, 700, "The tide tables of the", turn="0 1 -1 0"),
        text(114, 700, "year are overleaf.", turn="0 1 -1 0"),
    ]
    assert blocks(write(tmp_path / "a.pdf", [page])) == [("paragraph", "The tide tables of the year are overleaf.")]


def test_exponents_and_footnote_numbers_do_not_glue_to_numbers(tmp_path):
    page = [
        text(50, 100, "Opened in 1998"),
        text(133, 96, "1", 7),
        text(150, 100, "at 2 \u00d7 10"),
        text(200.5, 96, "4", 7),
        text(207, 100, "euros."),
    ]
    ((_, found),) = blocks(write(tmp_path / "a.pdf", [page]))
    assert "19981" not in found and "1998" in found and "10^4" in found


@pytest.mark.parametrize(
    ("seen", "read_as"),  # What is seen from left to right; words are 20 points wide and 5 apart.
    [
        (["2021", "בשנת", "Microsoft", "Office", "של"], "של Microsoft Office בשנת 2021"),
        (["Office", "2021", "-", "של"], "של - Office 2021"),
        (["מחיר", "30", "20", "גיל"], "גיל 20 30 מחיר"),
        (["Word", "", "Excel", "תוכנה"], "תוכנה Excel Word"),  # Cells with a gap between them.
    ],
)
def test_a_phrase_in_latin_letters_in_a_line_from_the_right_is_read_from_the_left(seen, read_as):
    some = [Word(word, 25 * at, 25 * at + 20, 100, 12) for at, word in enumerate(seen) if word]
    some.append(Word("הגרסהשלהחדשהשלהגרסה", 25 * len(seen), 25 * len(seen) + 20, 100, 12))
    assert [line.text for line in lines(some)] == ["הגרסהשלהחדשהשלהגרסה " + read_as]
