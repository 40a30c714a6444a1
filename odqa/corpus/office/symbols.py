"""A character of one of Office's symbol fonts -> the Unicode character that it shows. Knows no format."""

from __future__ import annotations

import re

PRIVATE = re.compile("[\uf020-\uf0ff]+")  # Where Office keeps the 224 signs of a symbol font.

# Adobe's Symbol encoding, from 0x20 and from 0xA0 on. A replacement character stands where a font of Unicode has none.
_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\ufffd〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
)
# Of Wingdings the signs that say something; the rest are ornaments.
_WINGDINGS = {
    start + at: sign
    for start, signs in (
        (0x22, "✂✁👓🕭🕮🕯☎✆🖂🖃📪📫📬📭"),
        (0x41, "✌👌👍👎☜☞☝☟🖐☺😐☹💣"),
        (0x6C, "●❍■□▣❑❒⬧⧫◆❖"),
        (0x80, "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿"),
        (0x9E, "·•"),
        (0xA1, "○"),
        (0xA7, "▪☐"),
        (0xAB, "★"),
        (0xD8, "➢"),
        (0xDF, "←→↑↓↖↗↙↘"),
        (0xE8, "➔"),
        (0xEF, "⇦⇨⇧⇩⬄⇳"),
        (0xFB, "✘✔☒☑"),
    )
    for at, sign in enumerate(signs)
}
_WINGDINGS_2 = dict(zip((0x4F, 0x50, 0x51, 0x52, 0x53, 0x54, 0xA3, 0x96), "✗✓☒☑☒☒□•", strict=True))
_FONTS = {
    "symbol": {0x20 + at: sign for at, sign in enumerate(_SYMBOL[0])}
    | {0xA0 + at: sign for at, sign in enumerate(_SYMBOL[1])},
    "wingdings": _WINGDINGS,
    "wingdings 2": _WINGDINGS_2,
}


def symbol(code: int, font: str) -> str:
    """The sign with this code in the font; empty for an ornament, and for a font that is not known.

    >>> symbol(0xF0B0, "Symbol"), symbol(0xFC, "Wingdings"), symbol(0x2713, "Segoe UI Symbol")
    ('°', '✔', '✓')
    """
    private = 0xF000 <= code <= 0xF0FF
    signs = _FONTS.get(font.strip().lower())
    if signs is not None and (private or code < 0x100):
        return signs.get(code & 0xFF, "")
    if private:  # A font of its own whose signs are letters, more often than not those of Windows-1252.
        return bytes((code & 0xFF,)).decode("cp1252", "ignore")
    return chr(code) if 0x20 <= code < 0xD800 or 0xF900 <= code <= 0x10FFFF else ""


def without_private(text: str, font: str) -> str:
    """A text in this font, or one that names none, with its private characters replaced by what they show."""
    return PRIVATE.sub(lambda found: "".join(symbol(ord(sign), font or "Symbol") for sign in found[0]), text)
