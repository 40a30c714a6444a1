from __future__ import annotations

from odqa.types import Section
from tests.corpus.files import blocks_of, labels_of, loaded, the_document, write_parts
from tests.corpus.hostile import RELATIONS

NAMES = (
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)


def line(text, properties=""):
    return f"<a:p><a:pPr>{properties}</a:pPr><a:r><a:t>{text}</a:t></a:r></a:p>"


def shape(inside, place=None, hidden=0):
    ph = "" if place is None else f'<p:ph type="{place}"/>'
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="s" hidden="{hidden}"/><p:nvPr>{ph}</p:nvPr></p:nvSpPr>'
        f"<p:txBody>{inside}</p:txBody></p:sp>"
    )


def slide(*shapes, root="sld", show=1):
    return f'<p:{root} {NAMES} show="{show}"><p:cSld><p:spTree>{"".join(shapes)}</p:spTree></p:cSld></p:{root}>'


def related(**targets):
    each = (f'<Relationship Id="{key}" Type="x/{kind}" Target="{to}"/>' for key, (kind, to) in targets.items())
    return f'<Relationships xmlns="{RELATIONS}">{"".join(each)}</Relationships>'


def write_slides(path, slides, order=None, parts=None):
    """A file of slides, shown in this order of their numbers, which count from 0."""
    shown = "".join(f'<p:sldId r:id="s{number}"/>' for number in order or range(len(slides)))
    return write_parts(
        path,
        {
            "_rels/.rels": related(m=("officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": f"<p:presentation {NAMES}><p:sldIdLst>{shown}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": related(
                **{f"s{number}": ("slide", f"slides/slide{number}.xml") for number in range(len(slides))}
            ),
            **{f"ppt/slides/slide{number}.xml": content for number, content in enumerate(slides)},
            **(parts or {}),
        },
    )


def test_a_slide_is_a_page_under_its_title_in_the_order_of_the_show(tmp_path):
    slides = [
        slide(shape(line("Second.")), shape(line("Later"), "title")),
        slide(shape(line("Point.") + line("Aside.", "<a:buNone/>"), "body"), shape(line("Plan"), "ctrTitle")),
        slide(shape(line("Secret.")), show=0),
        slide(shape(line("Alone.")), shape(line("12"), "sldNum"), shape(line("Gone."), hidden=1)),
    ]
    document = the_document(write_slides(tmp_path / "a.pptx", slides, order=(1, 2, 0, 3)))
    assert blocks_of(document) == [
        ("heading", "Plan"),
        ("item", "Point."),
        ("paragraph", "Aside."),
        ("heading", "Later"),
        ("paragraph", "Second."),
        ("paragraph", "Alone."),
    ]
    later, alone = document.text.index("Later"), document.text.index("Alone")
    assert document.sections == (Section(0, ("Plan",), 1), Section(later, ("Later",), 3), Section(alone, (), 4))
    assert document.title == "Plan"


def test_notes_tables_groups_diagrams_and_footers_are_read(tmp_path):
    rows = (
        [("Season", ""), ("Day", ""), ("Ferry", "")],
        [("Summer", 'rowSpan="2"'), ("Monday", 'gridSpan="2"'), ("", 'hMerge="1"')],
        [("", 'vMerge="1"'), ("", ""), ("9:00", "")],
    )
    cells = "".join(
        "<a:tr>" + "".join(f"<a:tc {merge}><a:txBody>{line(text)}</a:txBody></a:tc>" for text, merge in row) + "</a:tr>"
        for row in rows
    )
    frame = (
        f'<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tblPr firstRow="1"/>{cells}</a:tbl></a:graphicData>'
        "</a:graphic></p:graphicFrame>"
    )
    diagram = (
        '<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds r:dm="d"/></a:graphicData></a:graphic></p:graphicFrame>'
    )
    group = f"<p:grpSp>{shape(line('Grouped.'))}</p:grpSp>"
    parts = {
        "ppt/slides/_rels/slide0.xml.rels": related(n=("notesSlide", "../notes.xml"), d=("diagramData", "../d.xml")),
        "ppt/notes.xml": slide(shape(line("1"), "sldNum"), shape(line("Say hello."), "body"), root="notes"),
        "ppt/d.xml": f"<dgm:dataModel {NAMES}><dgm:t>{line('Step one.')}</dgm:t></dgm:dataModel>",
    }
    slides = [
        slide(frame, group, diagram, shape(line("House of Ida"), "ftr")),
        slide(shape(line("End.")), shape(line("House of Ida"), "ftr")),
    ]
    document = the_document(write_slides(tmp_path / "a.pptx", slides, parts=parts))
    assert blocks_of(document) == [
        ("row", "Season | Day | Ferry"),
        ("row", "Summer | Monday | Monday"),
        ("row", "Summer |  | 9:00"),
        ("paragraph", "Grouped."),
        ("item", "Step one."),
        ("note", "House of Ida"),
        ("note", "Say hello."),
        ("paragraph", "End."),
    ]
    assert set(labels_of(document).values()) == {("Season", "Day", "Ferry")}


def test_lines_powers_and_fields(tmp_path):
    inside = (
        '<a:p><a:r><a:t>2 × 10</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>4</a:t></a:r><a:br/>'
        '<a:fld type="slidenum"><a:t>7</a:t></a:fld><a:r><a:t>40 </a:t></a:r>'
        '<a:r><a:rPr><a:sym typeface="Symbol"/></a:rPr><a:t>\uf0b0</a:t></a:r><a:r><a:t>C</a:t></a:r></a:p>'
    )
    document = the_document(write_slides(tmp_path / "a.pptx", [slide(shape(inside))]))
    assert blocks_of(document) == [("paragraph", "2 × 10^4\n40 °C")]


def test_what_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "a.pptx"
    path.write_bytes(b"not a zip file")
    assert "broken .pptx" in loaded(path)[0].reason
    assert "empty" in loaded(write_slides(path, [slide()]))[0].reason
    write_parts(path, {"_rels/.rels": related(m=("officeDocument", "a.xml")), "a.xml": "<a/>"})
    assert "not a PowerPoint" in loaded(path)[0].reason
