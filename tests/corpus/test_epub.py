from __future__ import annotations

from tests.corpus.files import loaded, the_document, write_parts

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)


def write_book(path, pages, spine, manifest="", guide="", parts=None):
    """A book of pages by name; ``spine`` are their names in reading order."""
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in pages)
    order = "".join(f'<itemref idref="{name}"/>' for name in spine)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>The Ferry</dc:title></metadata><manifest>{items}{manifest}</manifest><spine>{order}</spine>"
        f"<guide>{guide}</guide></package>"
    )
    contents = {f"OEBPS/{name}.xhtml": f"<html><body>{body}</body></html>" for name, body in pages.items()}
    return write_parts(
        path, {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": package, **contents, **(parts or {})}
    )


def test_pages_stand_in_reading_order_under_their_own_headings(tmp_path):
    pages = {
        "b": "<h1>Two</h1><p>Second.</p>",
        "a": "<h1>One</h1><p>First.</p>",
        "c": "<p>Third.</p>",
        "cover": "<img/>",
    }
    document = the_document(write_book(tmp_path / "a.epub", pages, ("cover", "a", "b", "c", "a", "unknown")))
    assert document.title == "The Ferry"
    assert document.text.split() == ["One", "First.", "Two", "Second.", "Third."]
    assert [(document.text[s.start :].split()[0], s.headings) for s in document.sections] == [
        ("One", ("One",)),
        ("Two", ("Two",)),
        ("Third.", ()),
    ]


def test_contents_are_left_out(tmp_path):
    pages = {"toc": "<p>One 1</p>", "a": "<p>First.</p>"}
    navigation = '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    path = write_book(
        tmp_path / "a.epub",
        pages,
        ("toc", "nav", "a"),
        manifest=navigation,
        guide='<reference type="toc" href="toc.xhtml#top"/>',
        parts={"OEBPS/nav.xhtml": "<html><body><p>One 1</p></body></html>"},
    )
    assert the_document(path).text.split() == ["First."]


def test_what_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "a.epub"
    path.write_bytes(b"not a zip file")
    assert "broken .epub" in loaded(path)[0].reason
    assert "empty" in loaded(write_book(path, {"a": ""}, ("a",)))[0].reason
    locked = '<encryption><EncryptedData><CipherReference URI="OEBPS/a.xhtml"/></EncryptedData></encryption>'
    write_book(path, {"a": "<p>x</p>"}, ("a",), parts={"META-INF/encryption.xml": locked})
    assert "protected" in loaded(path)[0].reason
