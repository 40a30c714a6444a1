from __future__ import annotations

import zipfile

import pytest

from odqa.corpus import Unusable
from odqa.corpus.office.number_formats import shown
from tests.corpus.files import blocks_of, labels_of, loaded, the_document, write_parts
from tests.corpus.hostile import RELATIONS

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REFERENCES = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def write_sheets(path, sheets, strings=(), formats=("General",), states=()):
    """A workbook of sheets by name, each the XML within its root; cells refer to the ``formats`` by number."""
    targets = {f"r{number}": ("worksheet", f"sheet{number}.xml") for number in range(len(sheets))}
    targets |= {"s": ("sharedStrings", "strings.xml"), "f": ("styles", "styles.xml")}
    listed = "".join(
        f'<sheet name="{name}" r:id="r{number}" state="{states[number] if states else "visible"}"/>'
        for number, name in enumerate(sheets)
    )
    codes = "".join(f'<numFmt numFmtId="{200 + n}" formatCode="{code}"/>' for n, code in enumerate(formats))
    uses = "".join(f'<xf numFmtId="{200 + n}"/>' for n in range(len(formats)))
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r" Type="x/officeDocument" '
        'Target="/xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f"<workbook {MAIN} {REFERENCES}><sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">'
        + "".join(f'<Relationship Id="{key}" Type="x/{kind}" Target="{to}"/>' for key, (kind, to) in targets.items())
        + "</Relationships>",
        "xl/strings.xml": f"<sst {MAIN}>{''.join(f'<si>{string}</si>' for string in strings)}</sst>",
        "xl/styles.xml": f"<styleSheet {MAIN}><numFmts>{codes}</numFmts><cellXfs>{uses}</cellXfs></styleSheet>",
    }
    for number, inside in enumerate(sheets.values()):
        parts[f"xl/sheet{number}.xml"] = f"<worksheet {MAIN}>{inside}</worksheet>"
    return write_parts(path, parts)


def text(reference, value):
    return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'


def number(reference, value, style=0):
    return f'<c r="{reference}" s="{style}"><v>{value}</v></c>'


def data(*rows, first=1):
    return "<sheetData>" + "".join(f'<row r="{at}">{row}</row>' for at, row in enumerate(rows, first)) + "</sheetData>"


def test_a_sheet_is_a_section_and_a_row_a_line_with_the_heads_of_its_columns(tmp_path):
    fares = data(
        '<c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c>',
        text("A2", "A") + number("C2", "2.4", 1),
        text("A3", "B") + '<c r="C3" t="str"><f>1+1</f><v>free</v></c>',
        '<c r="A4" t="b"><v>1</v></c>' + number("C4", "0.0375", 2),
    )
    document = the_document(
        write_sheets(
            tmp_path / "a.xlsx",
            {"Fares": fares, "Empty": "<sheetData/>", "Dates": data(number("A1", "46082", 3))},
            strings=("<t>Zone</t><rPh><t>ゾーン</t></rPh>", "<r><t>Adult</t></r><r><t> fare</t></r>"),
            formats=("General", "0.00", "0.00%", "d mmmm yyyy"),
        )
    )
    assert blocks_of(document) == [
        ("heading", "Fares"),
        ("row", "Zone | Adult fare"),
        ("row", "A | 2.40"),
        ("row", "B | free"),
        ("row", "TRUE | 3.75%"),
        ("heading", "Dates"),
        ("row", "1 March 2026"),
    ]
    assert set(labels_of(document).values()) == {("Zone", "Adult fare")}
    assert [section.headings for section in document.sections] == [("Fares",), ("Dates",)]


def test_what_is_hidden_is_not_read(tmp_path):
    rows = text("A1", "Name") + text("B1", "Salary"), text("A2", "Ida") + number("B2", "1"), text("A3", "Ole")
    inside = '<cols><col min="2" max="3" hidden="1"/></cols>' + data(*rows).replace(
        '<row r="3"', '<row r="3" hidden="1"'
    )
    sheets = {"Open": inside, "Secret": data(text("A1", "x")), "Deep": data(text("A1", "y"))}
    path = write_sheets(tmp_path / "a.xlsx", sheets, states=("visible", "hidden", "veryHidden"))
    assert blocks_of(the_document(path)) == [("heading", "Open"), ("row", "Name"), ("row", "Ida")]


def filtered(*rows, hidden):
    return data(*rows).replace(f'<row r="{hidden}"', f'<row r="{hidden}" hidden="1"')


def test_a_row_that_a_filter_has_hidden_leaves_no_gap(tmp_path):
    cells = [("Ship", "Note", "Pier"), ("Ida", "old", "N"), ("Ole", "new", "S"), ("Una", "new", 4)]
    rows = [
        text(f"A{at}", ship) + text(f"B{at}", note) + (number if pier == 4 else text)(f"C{at}", pier)
        for at, (ship, note, pier) in enumerate(cells, start=1)
    ]
    document = the_document(write_sheets(tmp_path / "a.xlsx", {"S": filtered(*rows, hidden=2)}))
    assert labels_of(document) == dict.fromkeys(["Ole | new | S", "Una | new | 4"], ("Ship", "Note", "Pier"))


def test_a_merged_cell_whose_first_row_is_hidden_keeps_its_text(tmp_path):
    rows = (text("A1", "Pier") + text("B1", "Ship"), text("A2", "North") + text("B2", "Ida"))
    rows += (text("B3", "Ole"), text("B4", "Una"))
    inside = filtered(*rows, hidden=2) + '<mergeCells><mergeCell ref="A2:A4"/></mergeCells>'
    document = the_document(write_sheets(tmp_path / "a.xlsx", {"S": inside}))
    assert blocks_of(document)[1:] == [("row", "Pier | Ship"), ("row", "North | Ole"), ("row", "North | Una")]


@pytest.mark.parametrize("inside", ["", "<v/>", "<v>-1</v>", "<v>2</v>", "<v>99999999999</v>"])
def test_a_cell_that_refers_to_no_string_is_empty(tmp_path, inside):
    rows = ('<c r="A1" t="s"><v>1</v></c>' + f'<c r="B1" t="s">{inside}</c>',)
    path = write_sheets(tmp_path / "a.xlsx", {"S": data(*rows)}, strings=("<t>first</t>", "<t>second</t>"))
    assert blocks_of(the_document(path))[1:] == [("row", "second")]


def renamed(path, old, new):
    """The same file with a part under another name, or without it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name.replace(old, new): archive.read(name) for name in archive.namelist() if new or name != old}
    return write_parts(path, parts)


def test_names_of_parts_are_the_same_in_small_and_capital_letters(tmp_path):
    rows = ('<c r="A1" t="s"><v>0</v></c>',)
    path = write_sheets(tmp_path / "a.xlsx", {"S": data(*rows)}, strings=("<t>Ida</t>",))
    assert blocks_of(the_document(renamed(path, "xl/strings.xml", "xl/Strings.XML")))[1:] == [("row", "Ida")]


@pytest.mark.parametrize(("cell", "reason"), [('<c r="A1" t="s"><v>0</v></c>', "texts of its cells"), ("", "empty")])
def test_missing_texts_are_told_where_a_cell_has_one(tmp_path, cell, reason):
    path = write_sheets(tmp_path / "a.xlsx", {"S": data(cell)}, strings=("<t>Ida</t>",))
    assert reason in loaded(renamed(path, "xl/strings.xml", ""))[0].reason


def test_merged_cells_repeat_and_a_title_over_all_columns_is_a_caption(tmp_path):
    rows = (
        text("A1", "Timetable"),
        text("A2", "Season") + text("B2", "Weekdays") + text("D2", "Weekend"),
        text("A3", "Season") + text("B3", "First") + text("C3", "Last") + text("D3", "First"),
        text("A4", "Summer") + number("B4", "6") + number("C4", "22") + number("D4", "8"),
        number("B5", "7") + number("C5", "21") + number("D5", "9"),
    )
    merged = "".join(f'<mergeCell ref="{ref}"/>' for ref in ("A1:D1", "B2:C2", "A4:A5", "A4:XFD1048576"))
    document = the_document(
        write_sheets(tmp_path / "a.xlsx", {"S": data(*rows) + f"<mergeCells>{merged}</mergeCells>"})
    )
    assert blocks_of(document)[1:] == [
        ("caption", "Timetable"),
        ("row", "Season | Weekdays | Weekdays | Weekend"),
        ("row", "Season | First | Last | First"),
        ("row", "Summer | 6 | 22 | 8"),
        ("row", "Summer | 7 | 21 | 9"),
    ]
    assert set(labels_of(document).values()) == {("Season", "Weekdays First", "Weekdays Last", "Weekend First")}


def test_rows_after_a_gap_belong_to_the_table_above_unless_they_have_heads(tmp_path):
    first = data(text("A1", "Zone") + text("B1", "Fare"), text("A2", "A") + number("B2", "1"))
    later = data(text("A4", "B") + number("B4", "2"), first=4)
    other = data(text("A6", "Ship") + text("C6", "Seats"), text("A7", "Ida") + number("C7", "80"), first=6)
    document = the_document(
        write_sheets(tmp_path / "a.xlsx", {"S": (first + later + other).replace("</sheetData><sheetData>", "")})
    )
    assert labels_of(document) == {
        "A | 1": ("Zone", "Fare"),
        "B | 2": ("Zone", "Fare"),
        "Ida | 80": ("Ship", "Seats"),
    }


@pytest.mark.parametrize(
    ("value", "form", "seen"),
    [
        (0.1 + 0.2, "General", "0.3"),
        (123456789012, "General", "123456789012"),
        (1234567, "#,##0", "1,234,567"),
        (-1250, '#,##0.00 "EUR"', "-1,250.00 EUR"),
        (1234.5, "_-* #,##0.00 [$€-1]_-;-* #,##0.00 [$€-1]_-", "1,234.50 €"),
        (7, "000", "007"),
        (2, "0.##", "2"),
        (0.256, "0%", "26%"),
        (0, '0;-0;"none"', "none"),
        (46082, "[$-407]dd\\.mm\\.yyyy", "01.03.2026"),
        (46082.75, "yyyy-mm-dd h:mm:ss", "2026-03-01 18:00:00"),
        (0.5, "h:mm AM/PM", "12:00 PM"),
        (1.25, "[h]:mm", "30:00"),
        (-5, "yyyy", "-5"),
        (1e300, "yyyy", "1e+300"),
        (2958465.9999999, "yyyy", "2958466"),
        (float("inf"), "0.00", "inf"),
        (1.0, "%" * 200 + "0", "%" * 200 + "100000000"),
        (12.5, "#\\ ##0.00", "12.50"),
        (1234567.5, "# ### ##0.00", "1 234 567.50"),
        (1234567, "#\\ ##0", "1234 567"),
        (5551234567, "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "(555) 123-4567"),
        (5551234, "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "555-1234"),
        (20240101, "0000\\-00\\-00", "2024-01-01"),
        (12345678, "000\\-00\\-0000", "012-34-5678"),
        (5000, '[>=1000000]#,##0.0,,"M";[>=1000]#,##0.0,"K";0', "5.0K"),
        (7250000, '[>=1000000]#,##0.0,,"M";[>=1000]#,##0.0,"K";0', "7.3M"),
        (-5, '[>=1000000]#,##0.0,,"M";[>=1000]#,##0.0,"K";0', "-5"),
        (0, '[=1]"Yes";[=0]"No"', "No"),
        (2, '[=1]"Yes";[=0]"No"', "2"),
        (-5, "[<0]\\(0\\);0", "(5)"),
        (0, '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-', "- €"),
        (0.125, "0%", "13%"),
        (2.5, "0", "3"),
        (1.005, "0.00", "1.01"),
        (1.005 * 100, "0", "101"),
        (-0.4, "0", "0"),
        (-5, "0;;", ""),
        (0, "#,###", ""),
        (0.5, "#.00", "0.50"),
        (12345.678, "#,##0.0??", "12,345.678"),
        (5, "0###", "0005"),
        (7, "@", "7"),
        (-7, "0;@", "-7"),
        (7, '"No. "#', "No. 7"),
        (-0.5, "# ?/?;-# ?/?", "-0.5"),
        (12345.678, "0.00E+00", "1.23E+04"),
    ],
)
def test_a_number_is_what_its_format_shows(value, form, seen):
    assert shown(value, form) == seen


def test_a_date_may_count_from_1904(tmp_path):
    assert shown(0, "yyyy-mm-dd", from_1904=True) == "1904-01-01"


def test_a_sheet_that_is_almost_empty_cannot_fill_the_memory(tmp_path):
    columns = [a + b for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    rows = [text(f"{columns[at % 676]}{at}", "x") for at in range(1, 20_000)]
    (told,) = loaded(write_sheets(tmp_path / "a.xlsx", {"S": data(*rows)}))
    assert isinstance(told, Unusable) and "unpacked" in told.reason


def test_what_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "a.xlsx"
    for content, reason in ((b"", "empty"), (b"not a zip file", "broken .xlsx"), (b"\xd0\xcf\x11\xe0 old", "password")):
        path.write_bytes(content)
        assert reason in loaded(path)[0].reason
    assert "empty" in loaded(write_sheets(path, {"S": data()}))[0].reason
