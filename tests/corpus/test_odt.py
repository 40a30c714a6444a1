from __future__ import annotations

from tests.corpus.files import blocks_of, labels_of, loaded, the_document, write_parts

NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("style", "style"),
    )
)
CREATOR = '<dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/">Ida</dc:creator>'


def write_text(path, body, styles="", pages=""):
    """An OpenDocument text with this body, these automatic styles and these master pages."""
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    shared = (
        f"<office:document-styles {NAMES}><office:master-styles>{pages}</office:master-styles></office:document-styles>"
    )
    return write_parts(path, {"content.xml": content, "styles.xml": shared})


def p(text, style=""):
    return f'<text:p text:style-name="{style}">{text}</text:p>'


def cell(text, attributes=""):
    return f"<table:table-cell {attributes}>{p(text)}</table:table-cell>"


def row(*cells):
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def test_headings_lists_notes_and_boxes_stand_in_order(tmp_path):
    body = (
        f"<text:tracked-changes>{p('Deleted.')}</text:tracked-changes>"
        f"<text:table-of-content><text:index-body>{p('Leave 1')}</text:index-body></text:table-of-content>"
        '<text:h text:outline-level="1">Leave</text:h>'
        f"<text:list><text:list-item>{p('One.')}<text:list><text:list-item>{p('Two.')}</text:list-item></text:list>"
        "</text:list-item></text:list>"
        + p(
            "The rate<text:note><text:note-citation>1</text:note-citation><text:note-body>"
            f"{p('Fixed.')}</text:note-body></text:note> holds<text:s text:c='2'/>on.<text:line-break/>Here."
            f"<office:annotation>{CREATOR}{p('Check!')}</office:annotation>"
            f"<draw:frame><draw:text-box>{p('Boxed.')}</draw:text-box></draw:frame>"
        )
        + f'<text:section text:display="none">{p("Hidden.")}</text:section>'
        + p("Seen <text:span text:style-name='Secret'>not </text:span>here.")
        + p("2 × 10<text:span text:style-name='Up'>4</text:span>")
        + p("def f():", "Preformatted_20_Text")
        + p("<text:s text:c='2'/>return", "Mine")
        + p("Table 1: Fares", "Table")
    )
    styles = (
        '<style:style style:name="Secret"><style:text-properties text:display="none"/></style:style>'
        '<style:style style:name="Up"><style:text-properties style:text-position="super 58%"/></style:style>'
        '<style:style style:name="Mine" style:parent-style-name="Preformatted_20_Text"/>'
        '<style:style style:name="Preformatted_20_Text"/><style:style style:name="Table"/>'
    )
    document = the_document(write_text(tmp_path / "a.odt", body, styles))
    assert blocks_of(document) == [
        ("heading", "Leave"),
        ("item", "One."),
        ("item", "Two."),
        ("paragraph", "The rate holds  on.\nHere."),
        ("note", "Fixed."),
        ("note", "Ida: Check!"),
        ("paragraph", "Boxed."),
        ("paragraph", "Seen here."),
        ("paragraph", "2 × 10^4"),
        ("code", "def f():\n  return"),
        ("caption", "Table 1: Fares"),
    ]
    assert document.title == "Leave"


def test_text_in_drawn_shapes_stands_apart_from_the_paragraph_that_they_hang_on(tmp_path):
    shape = f"<draw:custom-shape>{p('Warning')}{p('Keep off')}<draw:enhanced-geometry/></draw:custom-shape>"
    group = f"<draw:g><draw:rect>{p('one')}</draw:rect><draw:ellipse>{p('two')}</draw:ellipse><draw:line/></draw:g>"
    header = f"<style:master-page><style:header>{p('QA' + shape)}</style:header></style:master-page>"
    body = p(f"{shape}The line is live.") + p(f"After{group} them.")
    document = the_document(
        write_text(tmp_path / "a.odt", body + "<table:table>" + row(cell(shape)) * 2 + "</table:table>", pages=header)
    )
    assert blocks_of(document) == [
        ("note", "QA Warning Keep off"),
        *(("paragraph", text) for text in ("The line is live.", "Warning", "Keep off", "After them.", "one", "two")),
        *[("row", "Warning Keep off")] * 2,
    ]


def test_rows_keep_empty_cells_and_repeat_merged_and_repeated_ones(tmp_path):
    covered = "<table:covered-table-cell/>"
    table = (
        "<table:table><table:table-header-rows>"
        + row(cell("Season"), cell("Day"), cell("First"), cell("Last"))
        + "</table:table-header-rows>"
        + row(
            cell("Summer", 'table:number-rows-spanned="2"'),
            cell("Monday"),
            cell("9:00", 'table:number-columns-repeated="2"'),
        )
        + row(covered, cell(""), cell("10:00", 'table:number-columns-spanned="2"'), covered)
        + row(cell("x", 'table:number-columns-repeated="999999999"'))
        + "</table:table>"
    )
    document = the_document(write_text(tmp_path / "a.odt", table))
    texts = [text for _, text in blocks_of(document)]
    assert texts[:3] == ["Season | Day | First | Last", "Summer | Monday | 9:00 | 9:00", "Summer |  | 10:00 | 10:00"]
    assert len(texts[3]) < 5_000
    assert labels_of(document) == dict.fromkeys(texts[1:3], ("Season", "Day", "First", "Last"))


def test_headers_and_footers_stand_once_at_the_beginning(tmp_path):
    pages = "".join(
        f"<style:master-page><style:header>{p('QA-2207')}</style:header>"
        f"<style:footer>{p('Page <text:page-number>1</text:page-number>')}</style:footer></style:master-page>"
        for _ in range(2)
    )
    document = the_document(write_text(tmp_path / "a.odt", p("Text."), pages=pages))
    assert blocks_of(document) == [("note", "QA-2207"), ("paragraph", "Text.")]


def test_what_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "a.odt"
    path.write_bytes(b"PK not a zip file")
    assert "broken .odt" in loaded(path)[0].reason
    write_parts(path, {"META-INF/manifest.xml": "<m><encryption-data/></m>"})
    assert "encrypted" in loaded(path)[0].reason
    write_parts(path, {"content.xml": "<a/>"})
    assert "not an OpenDocument text" in loaded(path)[0].reason
    assert "empty" in loaded(write_text(path, ""))[0].reason
