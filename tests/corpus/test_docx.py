from __future__ import annotations

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from odqa.corpus import Unusable
from odqa.corpus.read import read_file
from tests.corpus.files import write_docx
from tests.corpus.hostile import paragraph, word_xml, write_word


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
    assert document.text == "Before.\n\nName Days | Note\nAnn |  | a b\n\nAfter.\n\n"


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
