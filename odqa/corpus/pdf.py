"""PDF files -> the text of every page as pypdf extracts it, one section per page. Does no OCR."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from odqa.corpus.base import OpenFile, Unusable, document_of, source_of, well_formed
from odqa.errors import DataError
from odqa.types import Document, Section

if TYPE_CHECKING:
    from pypdf import PdfReader

NO_TITLE = re.compile(r"\s*$|untitled|microsoft \w+ - ", re.IGNORECASE)  # Put there by programs, not by authors.


def load(file: OpenFile) -> Iterator[Document | Unusable]:
    """Read one file; a page that cannot be read is left out, and the others are used.

    Pages are joined by one line break, so that a sentence that continues on the next page stays whole. The metadata
    give the number of pages and which of them have no text (scanned, blank or damaged ones). Raises DataError for a
    file that is empty, broken, encrypted with a password, without any text, or with far more text than its size allows
    for (pages that share their content).
    """
    size = file.stream.seek(0, 2)
    if not size:
        raise DataError("empty")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # It logs every oddity of a file; most are harmless.
    reader, count = _open(file.stream)
    parts: list[str] = []
    sections: list[Section] = []
    failures: list[str] = []
    length = 0
    for number in range(count):
        try:
            text = well_formed(reader.pages[number].extract_text())
        except MemoryError:
            raise
        except Exception as error:  # A broken page raises whatever its bytes make pypdf stumble over.
            failures.append(f"page {number + 1}: {_describe(error)}")
            text = ""
        sections.append(Section(length, page=number + 1))
        parts.append(text + "\n")
        length += len(parts[-1])
        file.limits.check_unpacked(length, size)
    title = _title(reader)
    text = "".join(parts)
    blank = [number for number, part in enumerate(parts, start=1) if not part.strip()]
    if failures and not text.strip():
        raise DataError(f"broken PDF: none of its {count} pages can be read ({failures[0]})")
    if not text.strip():
        raise DataError("no text in the PDF: scanned pages need OCR first (ocrmypdf makes a PDF with text)")
    metadata = {"pages": count, "pages_without_text": blank} if blank else {"pages": count}
    yield document_of(file.path, text, title=title, sections=tuple(sections), metadata=metadata)
    if failures:
        reason = f"{len(failures)} of {count} pages cannot be read ({failures[0]}); the others are used"
        yield Unusable(source_of(file.path), reason)


def _open(stream: Any) -> tuple[PdfReader, int]:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, WrongPasswordError

    try:
        reader = PdfReader(stream)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DataError("encrypted PDF: save a copy without its password")
        return reader, len(reader.pages)
    except (DataError, MemoryError):
        raise
    except (FileNotDecryptedError, WrongPasswordError):
        raise DataError("encrypted PDF: save a copy without its password") from None
    except DependencyError:
        raise DataError('encrypted PDF: to open it, install "pypdf[crypto]"') from None
    except Exception as error:  # A file that is not a PDF raises whatever its bytes make pypdf stumble over.
        raise DataError(f"broken PDF ({_describe(error)})") from None


def _title(reader: PdfReader) -> str:
    try:
        title = reader.metadata.title if reader.metadata else None
    except Exception:  # A broken information dictionary must not cost the text.
        return ""
    title = " ".join(well_formed(str(title or "")).split())
    return "" if NO_TITLE.match(title) else title


def _describe(error: Exception) -> str:
    message = " ".join(str(error).split())
    return message[:200] or type(error).__name__
