from __future__ import annotations

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from odqa.corpus import Unusable
from odqa.corpus.read import read_file
from tests.corpus.files import blocks_of, labels_of, the_document, write_docx
from tests.corpus.hostile import RELATIONS, WORD, paragraph, relations, word_xml, write_styled, write_word

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"


def test_paragraphs_stand_in_order_under_their_headings(tmp_path):
    paragraphs = [
        ("The Handbook", "Title"),
        ("Intro.", None),
        ("Leave", "Heading 1"),
        ("", None),
        ("Parents", "Heading 2"),
        ("Twenty days.", "List Bullet"),
        ("Pay", "Heading 1"),
        ("Monthly.", None),
    ]
    (document,) = read_file(write_docx(tmp_path / "a.docx", paragraphs))
    assert document.text == ("The Handbook\n\nIntro.\n\nLeave\n\nParents\n\nTwenty days.\n\nPay\n\nMonthly.\n\n")
    assert document.title == "The Handbook"
    assert [(document.text[s.start :].split("\n")[0], s.headings) for s in document.sections] == [
        ("Leave", ("Leave",)),
        ("Parents", ("Leave", "Parents")),
        ("Pay", ("Pay",)),
    ]


def test_the_title_is_the_property_else_a_heading_else_the_name(tmp_path):
    def title(name, paragraphs, **options):
        (document,) = read_file(write_docx(tmp_path / name, paragraphs, **options))
        return document.title

    assert title("a.docx", [("H", "Heading 1")], title="Property") == "Property"
    assert title("b.docx", [("H", "Heading 1")]) == "H"
    assert title("c.docx", [("Text.", None)]) == "c"


def test_a_row_of_a_table_is_a_line(tmp_path):
    source = docx.Document()
    source.add_paragraph("Before.")
    table = source.add_table(rows=3, cols=3)
    for row, cells in zip(table.rows, [("Name", "Days", "Note"), ("Ann", "", "a\nb"), ("", "", "")], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    source.add_paragraph("After.")
    source.save(str(tmp_path / "a.docx"))
    (document,) = read_file(tmp_path / "a.docx")
    assert document.text == "Before.\n\nName Days | Name Days | Note\nAnn |  | a b\n\nAfter.\n\n"


def test_controls_insertions_and_text_boxes_are_read_and_deletions_are_not(tmp_path):
    source = docx.Document()
    body = source.element.body
    body.insert(
        0,
        parse_xml(
            f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>Controlled.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        ),
    )
    body.insert(
        1,
        parse_xml(
            f"<w:p {nsdecls('w')}><w:r><w:t>Kept</w:t></w:r><w:ins><w:r><w:t> inserted</w:t></w:r></w:ins>"
            "<w:del><w:r><w:delText> deleted</w:delText></w:r></w:del>"
            '<w:hyperlink><w:r><w:t xml:space="preserve"> link</w:t></w:r></w:hyperlink>'
            "<w:r><w:tab/><w:t>x</w:t><w:br/><w:t>y</w:t></w:r>"
            "<w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"
        ),
    )
    body.insert(
        2,
        parse_xml(
            f'<w:p {nsdecls("w")} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r>'
            '<mc:AlternateContent><mc:Choice Requires="wps"><w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p>'
            "</w:txbxContent></mc:Choice><mc:Fallback><w:t>Boxed.</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>"
        ),
    )
    source.save(str(tmp_path / "a.docx"))
    (document,) = read_file(tmp_path / "a.docx")
    assert document.text == "Controlled.\n\nKept inserted link\tx\ny\n\nBoxed.\n\n"


def test_a_style_made_from_a_heading_is_a_heading_and_contents_are_left_out(tmp_path):
    source = docx.Document()
    styles = source.styles
    styles.add_style("House", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH).base_style = styles["Heading 2"]
    styles.add_style("TOC 1", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    source.add_paragraph("Ours ... 1", "TOC 1")
    source.add_paragraph("Ours", "House")
    source.save(str(tmp_path / "a.docx"))
    (document,) = read_file(tmp_path / "a.docx")
    assert document.text == "Ours\n\n"
    assert [section.headings for section in document.sections] == [("Ours",)]


def test_what_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "a.docx"
    path.write_bytes(b"")
    assert list(read_file(path)) == [Unusable(str(path), "empty")]
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    (told,) = read_file(path)
    assert "encrypted" in told.reason and "save it as .docx" in told.reason
    write_docx(path, [])
    (told,) = read_file(path)
    assert "empty" in told.reason


def test_an_entity_says_nothing_and_the_text_after_it_stays(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("Secret.")
    declared = f'<!DOCTYPE d [<!ENTITY out SYSTEM "file://{secret}"><!ENTITY in "x"><!ENTITY % p SYSTEM "p.dtd">%p;]>'
    body = paragraph("Before&out; after.") + paragraph("Second&in; too.") + paragraph("Third&unknown;.<!-- c --> End.")
    document, told = read_file(write_word(tmp_path / "a.docx", word_xml(body, declared)))
    assert document.text == "Before after.\n\nSecond too.\n\nThird. End.\n\n"
    assert "3 references to entities" in told.reason


def test_entities_made_of_entities_cost_nothing(tmp_path):
    more = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    attribute = '<w:p w:a="&e11;"/>'
    path = write_word(
        tmp_path / "a.docx", word_xml(attribute + paragraph("End."), f'<!DOCTYPE d [<!ENTITY e0 "x">{more}]>')
    )
    (found,) = read_file(path)
    assert "broken .docx" in found.reason or found.text == "End.\n\n"


def test_styles_based_on_one_another_in_a_circle(tmp_path):
    source = docx.Document()
    styles = source.styles
    kind = docx.enum.style.WD_STYLE_TYPE.PARAGRAPH
    one, two, three = (styles.add_style(name, kind) for name in ("One", "Two", "Three"))
    one.base_style, two.base_style, three.base_style = two, one, one
    source.add_paragraph("Text.", "Three")
    source.save(str(tmp_path / "a.docx"))
    (document,) = read_file(tmp_path / "a.docx")
    assert (document.text, document.sections) == ("Text.\n\n", ())


def test_what_is_a_zip_file_and_no_word_file_is_told(tmp_path):
    import zipfile

    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert "broken .docx" in next(read_file(path)).reason
    assert "not a Word document" in next(read_file(write_word(path, "<workbook/>"))).reason


def test_a_file_without_styles_has_the_usual_ones(tmp_path):
    heading = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Leave</w:t></w:r></w:p>'
    (document,) = read_file(write_word(tmp_path / "a.docx", word_xml(heading + paragraph("Text."))))
    assert [section.headings for section in document.sections] == [("Leave",)]


def read(tmp_path, body, parts=None):
    """The blocks of a Word file with this body."""
    return blocks_of(the_document(write_word(tmp_path / "a.docx", word_xml(body), parts)))


RAISED, LOWERED = '<w:vertAlign w:val="superscript"/>', '<w:vertAlign w:val="subscript"/>'
SEEN = '<w:vanish w:val="false"/>'


def styled(name):
    return f'<w:rStyle w:val="{name}"/>'


def run(text, properties=""):
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def cell(text, properties=""):
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"


def row(*cells, properties=""):
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def table(*rows, look=""):
    return f"<w:tbl><w:tblPr>{look}</w:tblPr>{''.join(rows)}</w:tbl>"


def test_a_note_follows_what_refers_to_it_and_its_mark_is_not_read(tmp_path):
    notes = (
        f'<w:footnotes {WORD}><w:footnote w:type="separator" w:id="0">{paragraph("")}</w:footnote>'
        f'<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/></w:r>{run(" Fixed until 2031.")}</w:p></w:footnote>'
        f'<w:footnote w:id="3">{paragraph("See the deed.")}{paragraph("And the plan.")}</w:footnote></w:footnotes>'
    )
    parts = {
        "word/_rels/document.xml.rels": relations(
            footnotes="footnotes.xml", endnotes="endnotes.xml", comments="comments.xml"
        ),
        "word/footnotes.xml": notes,
        "word/endnotes.xml": f'<w:endnotes {WORD}><w:endnote w:id="2">{paragraph("Signed.")}</w:endnote></w:endnotes>',
        "word/comments.xml": f'<w:comments {WORD}><w:comment w:id="2" w:author="Ida">{paragraph("Check!")}</w:comment>'
        "</w:comments>",
    }
    body = (
        f'<w:p>{run("The rate")}<w:r><w:footnoteReference w:id="2"/></w:r>{run(" holds.")}'
        '<w:r><w:endnoteReference w:id="2"/></w:r><w:r><w:commentReference w:id="2"/></w:r></w:p>'
        f'<w:p>{run("Marked")}<w:r><w:footnoteReference w:customMarkFollows="1" w:id="3"/><w:t>*</w:t></w:r>'
        f"{run(' here.')}</w:p>" + paragraph("Last.") + '<w:p><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    )
    assert read(tmp_path, body, parts) == [
        ("paragraph", "The rate holds."),
        ("note", "Fixed until 2031."),
        ("note", "Signed."),
        ("note", "Ida: Check!"),
        ("paragraph", "Marked here."),
        ("note", "See the deed."),
        ("note", "And the plan."),
        ("paragraph", "Last."),
    ]


def test_a_note_of_a_table_follows_the_table(tmp_path):
    parts = {
        "word/_rels/document.xml.rels": relations(footnotes="footnotes.xml"),
        "word/footnotes.xml": f'<w:footnotes {WORD}><w:footnote w:id="1">{paragraph("In EUR.")}</w:footnote>'
        "</w:footnotes>",
    }
    noted = '<w:tc><w:p><w:r><w:t>Fare</w:t><w:footnoteReference w:id="1"/></w:r></w:p></w:tc>'
    body = table(row(cell("Zone"), noted), row(cell("A"), cell("2.40"))) + paragraph("After.")
    assert read(tmp_path, body, parts) == [
        ("row", "Zone | Fare"),
        ("row", "A | 2.40"),
        ("note", "In EUR."),
        ("paragraph", "After."),
    ]


def page_field(name, result):
    return (
        f'<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> {name} </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run(result)}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def test_headers_and_footers_stand_once_at_the_beginning_without_page_numbers(tmp_path):
    def part(kind, *paragraphs):
        return f"<w:{kind} {WORD}>{''.join(f'<w:p>{inside}</w:p>' for inside in paragraphs)}</w:{kind}>"

    targets = {"h1": "header1.xml", "h2": "header2.xml", "f1": "footer1.xml", "never": "header3.xml"}
    parts = {
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{RELATIONS}">'
        + "".join(f'<Relationship Id="{key}" Type="x/header" Target="{name}"/>' for key, name in targets.items())
        + "</Relationships>",
        "word/header1.xml": part("hdr", run("Document no. QA-2207"), run("Page ") + page_field("PAGE", "1")),
        "word/header2.xml": part("hdr", run("Document no. QA-2207"), run("Annex")),
        "word/header3.xml": part("hdr", run("Of first pages, which this file has not")),
        "word/footer1.xml": part(
            "ftr",
            run("Rev. 7")
            + "<w:r><w:tab/></w:r>"
            + page_field("PAGE", "1")
            + run(" of ")
            + page_field("NUMPAGES", "12"),
            '<w:fldSimple w:instr=" PAGE ">' + run("3") + "</w:fldSimple>",
            run("4"),
            f"<w:r><w:txbxContent>{paragraph('Boxed.')}</w:txbxContent></w:r>",
        ).replace("</w:ftr>", table(row(cell("Author"), cell("Ida"), cell("5"))) + "</w:ftr>"),
    }
    reference = '<w:{}Reference w:type="{}" xmlns:r="' + OFFICE + '/relationships" r:id="{}"/>'
    first = reference.format("header", "default", "h1") + reference.format("footer", "default", "f1")
    second = reference.format("header", "default", "h2") + reference.format("header", "first", "never")
    body = f"<w:p><w:pPr><w:sectPr>{first}</w:sectPr></w:pPr>{run('Text.')}</w:p><w:sectPr>{second}</w:sectPr>"
    assert read(tmp_path, body, parts) == [
        ("note", "Document no. QA-2207"),
        ("note", "Annex"),
        ("note", "Rev. 7"),
        ("note", "Boxed."),
        ("row", "Author | Ida | "),
        ("paragraph", "Text."),
    ]


def test_an_equation_reads_on_one_line(tmp_path):
    math = f'xmlns:m="{OFFICE}/math"'

    def part(name, text):
        return f"<m:{name}><m:r><m:t>{text}</m:t></m:r></m:{name}>"

    formulas = {
        "<m:r><m:t>η=0.87</m:t></m:r>": "η = 0.87",
        f"<m:f>{part('num', 'a+b')}{part('den', 'c')}</m:f>": "(a+b)/c",
        f"<m:sSup>{part('e', 'x')}{part('sup', '2')}</m:sSup>": "x^2",
        f"<m:sSubSup>{part('e', 'x')}{part('sub', 'i')}{part('sup', 'n+1')}</m:sSubSup>": "x_i^(n+1)",
        f"<m:rad><m:radPr><m:degHide m:val='1'/></m:radPr><m:deg/>{part('e', '2')}</m:rad>": "√(2)",
        f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr>{part("sub", "i=1")}{part("sup", "n")}{part("e", "i")}'
        "</m:nary>": "∑_(i = 1)^n i",
        f"<m:d>{part('e', 'x')}</m:d>": "(x)",
        f"<m:func>{part('fName', 'sin')}{part('e', 'x')}</m:func>": "sin x",
    }
    body = "".join(f"<w:p>{run('So ')}<m:oMath {math}>{inside}</m:oMath>{run('.')}</w:p>" for inside in formulas)
    assert [text for _, text in read(tmp_path, body)] == [f"So {text}." for text in formulas.values()]


def test_signs_of_symbol_fonts_are_letters_and_powers_stay_apart(tmp_path):
    body = (
        f'<w:p>{run("40 ")}<w:r><w:sym w:font="Symbol" w:char="F0B0"/></w:r>{run("C ")}'
        '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r><w:r><w:sym w:font="Segoe UI Symbol" w:char="2713"/></w:r>'
        + run("\uf06d\uf0b4", '<w:rFonts w:ascii="Symbol"/>')
        + "</w:p>"
        f"<w:p>{run('2 × 10')}{run('4', RAISED)}{run(' on the 1')}"
        f"{run('st', RAISED)}{run(' of May, CO')}"
        f"{run('2', LOWERED)}</w:p>"
    )
    assert [text for _, text in read(tmp_path, body)] == ["40 °C ✔✓μ×", "2 × 10^4 on the 1st of May, CO2"]


def test_what_is_hidden_is_not_read(tmp_path):
    styles = (
        '<w:style w:styleId="Secret"><w:rPr><w:vanish/></w:rPr></w:style>'
        '<w:style w:styleId="Deeper"><w:basedOn w:val="Secret"/></w:style>'
        '<w:style w:styleId="Open"><w:basedOn w:val="Secret"/><w:rPr><w:vanish w:val="0"/></w:rPr></w:style>'
    )
    body = (
        f"<w:p>{run('Secret ', '<w:vanish/>')}{run('Seen. ')}{run('Web ', '<w:webHidden/>')}"
        f"{run('Styled ', styled('Deeper'))}{run('Shown.', styled('Open'))}</w:p>"
        f'<w:p><w:pPr><w:pStyle w:val="Deeper"/></w:pPr>{run("Hidden. ")}{run("Not.", SEEN)}</w:p>'
        + table(row(cell("a"), cell("b")), row(cell("c"), cell("d"), properties="<w:hidden/>"))
        + table(row(cell("e"), cell("f")), row(cell("g"), cell("h"), properties='<w:del w:id="1"/>'))
        + f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{paragraph('Click here.')}</w:sdtContent></w:sdt>"
    )
    assert blocks_of(the_document(write_styled(tmp_path / "a.docx", word_xml(body), styles))) == [
        ("paragraph", "Seen. Shown."),
        ("paragraph", "Not."),
        ("row", "a | b"),
        ("row", "e | f"),
    ]


def test_a_field_says_its_result_and_a_form_what_was_chosen(tmp_path):
    choice = (
        '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="by air"/>'
        '<w:listEntry w:val="by sea"/></w:ddList></w:ffData></w:fldChar></w:r>'
        "<w:r><w:instrText>FORMDROPDOWN</w:instrText>"
        '</w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    box = (
        '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData></w:fldChar>'
        "</w:r>"
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    nested = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>IF </w:instrText></w:r>'
        + page_field("REF x", "never")
        + '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        + run("Revision 7")
        + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    unclosed = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>' + run("lost with its field")
    body = "".join(f"<w:p>{inside}</w:p>" for inside in (choice, box, nested, unclosed)) + paragraph("End.")
    assert [text for _, text in read(tmp_path, body)] == ["by sea", "☒", "Revision 7", "End."]


def test_the_kind_of_a_block_comes_from_its_style(tmp_path):
    styles = "".join(
        f'<w:style w:styleId="{key}"><w:name w:val="{name}"/><w:pPr>{inside}</w:pPr></w:style>'
        for key, name, inside in (
            ("C", "caption", ""),
            ("S", "Source Code", ""),
            ("T", "Definition Term", ""),
            ("L", "List Bullet", ""),
            ("N", "House list", '<w:numPr><w:numId w:val="3"/></w:numPr>'),
            ("H", "House heading", '<w:outlineLvl w:val="1"/>'),
            ("X", "toc 1", ""),
            ("I", "index 2", ""),
        )
    )
    kinds = {"C": "caption", "S": "code", "T": "term", "L": "item", "N": "item", "H": "heading", "X": "", "I": ""}
    body = "".join(f'<w:p><w:pPr><w:pStyle w:val="{key}"/></w:pPr>{run(f"Of {key}.")}</w:p>' for key in kinds)
    body += f'<w:p><w:pPr><w:pStyle w:val="S"/></w:pPr>{run("  one()")}</w:p>' * 2
    body += f'<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>{run("Direct.")}</w:p>'
    body += f'<w:p><w:pPr><w:pStyle w:val="L"/><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr>{run("None.")}</w:p>'
    document = the_document(write_styled(tmp_path / "a.docx", word_xml(body), styles))
    assert blocks_of(document) == [
        *((kind, f"Of {key}.") for key, kind in kinds.items() if kind),
        ("code", "one()\n  one()"),
        ("item", "Direct."),
        ("paragraph", "None."),
    ]
    assert [section.headings for section in document.sections] == [("Of H.",)]


def test_a_row_keeps_its_empty_cells_and_repeats_merged_ones(tmp_path):
    begins, goes_on, wide = '<w:vMerge w:val="restart"/>', "<w:vMerge/>", '<w:gridSpan w:val="2"/>'
    body = table(
        row(cell("Season"), cell("Day"), cell("Times", wide)),
        row(cell("Summer", begins), cell("Monday"), cell("9:00"), cell("")),
        row(cell("", goes_on), cell(""), cell("10:00", wide)),
        row(cell("Friday"), cell("8:00"), cell("9:00"), properties='<w:gridBefore w:val="1"/>'),
    )
    document = the_document(write_word(tmp_path / "a.docx", word_xml(body)))
    labels = ("Season", "Day", "Times", "Times")
    assert [text for _, text in blocks_of(document)] == [
        "Season | Day | Times | Times",
        "Summer | Monday | 9:00 | ",
        "Summer |  | 10:00 | 10:00",
        " | Friday | 8:00 | 9:00",
    ]
    assert set(labels_of(document).values()) == {labels}
    assert len(labels_of(document)) == 3


def test_heads_are_marked_or_read_like_heads(tmp_path):
    marked = "<w:tblHeader/>"
    two = [row(cell("Zone"), cell("2025"), properties=marked), row(cell("Zone"), cell("Fare"), properties=marked)]
    for rows, labels in (
        ([*two, row(cell("A"), cell("2.40"))], {"A | 2.40": ("Zone", "2025 Fare")}),
        ([row(cell("Total:"), cell("1,250.00 EUR")), row(cell("VAT:"), cell("237.50 EUR"))], {}),
        ([row(cell("Code"), cell("Meaning")), row(cell("24"), cell("gone"))], {"24 | gone": ("Code", "Meaning")}),
    ):
        document = the_document(write_word(tmp_path / "a.docx", word_xml(table(*rows))))
        assert labels_of(document) == labels
    plain = table(row(cell("Code"), cell("Meaning")), row(cell("24"), cell("gone")), look='<w:tblLook w:firstRow="0"/>')
    assert labels_of(the_document(write_word(tmp_path / "a.docx", word_xml(plain)))) == {}


def test_tables_in_tables(tmp_path):
    inner = table(row(cell("Cafe"), cell("7 to 9")), row(cell("Shop"), cell("9 to 17")))
    outer = table(
        row(cell("Harbour"), f"<w:tc>{paragraph('not on Mondays')}{inner}{paragraph('')}</w:tc>"),
        row(cell("Town"), cell("9 to 12")),
    )
    beside = table(row(cell("Aside."), f"<w:tc>{paragraph('First.')}{paragraph('Second.')}</w:tc>"))
    layout = table(row(f"<w:tc>{paragraph('Left.')}{inner}</w:tc>"))
    assert read(tmp_path, outer + layout + beside) == [
        ("row", "Harbour | not on Mondays; Cafe, 7 to 9; Shop, 9 to 17"),
        ("row", "Town | 9 to 12"),
        ("paragraph", "Left."),
        ("row", "Cafe | 7 to 9"),
        ("row", "Shop | 9 to 17"),
        ("paragraph", "Aside."),
        ("paragraph", "First."),
        ("paragraph", "Second."),
    ]


def test_a_text_box_follows_its_paragraph_and_is_read_once(tmp_path):
    def boxed(text):
        return f"<w:txbxContent>{paragraph(text)}</w:txbxContent>"

    versions = (
        f'<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice>'
        f"{boxed('Boxed.')}</mc:Choice><mc:Fallback>{boxed('Boxed.')}</mc:Fallback></mc:AlternateContent>"
    )
    ruby = f"<w:ruby><w:rt>{run('とうきょう')}</w:rt><w:rubyBase>{run('東京')}</w:rubyBase></w:ruby>"
    body = f"<w:p>{run('Before')}<w:r>{versions}</w:r>{run(' after.')}</w:p><w:p><w:r>{ruby}</w:r>{run('は')}</w:p>"
    assert [text for _, text in read(tmp_path, body)] == ["Before after.", "Boxed.", "東京は"]


def test_a_break_of_the_page_or_an_empty_line_ends_a_block(tmp_path):
    line, page = "<w:r><w:br/></w:r>", '<w:r><w:br w:type="page"/></w:r>'
    body = f"<w:p>{run('One')}{line}{run('two')}{line}{line}{run('Three')}{page}{run('Four')}</w:p>"
    assert [text for _, text in read(tmp_path, body)] == ["One\ntwo", "Three", "Four"]


def test_files_with_macros_templates_and_strict_files_are_read_alike(tmp_path):
    strict = word_xml(paragraph("Text.")).replace(
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "http://purl.oclc.org/ooxml/wordprocessingml/main",
    )
    for name, content in (("a.docm", word_xml(paragraph("Text."))), ("a.dotx", strict)):
        assert the_document(write_word(tmp_path / name, content)).text == "Text.\n\n"


def test_merged_cells_cannot_fill_the_memory(tmp_path):
    long = cell("x" * 1_000, '<w:gridSpan w:val="999999999"/><w:vMerge w:val="restart"/>')
    body = table(row(long), *[row(cell("", '<w:gridSpan w:val="63"/><w:vMerge/>'), cell("y"))] * 3)
    assert len(the_document(write_word(tmp_path / "a.docx", word_xml(body))).text) < 3_000
