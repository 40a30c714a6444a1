"""An equation of an Office file (OMML) -> one line of text: fractions a/b, powers x^2, indices x_i, roots √(x)."""

from __future__ import annotations

import re
from typing import Any

from odqa.corpus.office.ooxml import MATH

RELATION = re.compile(r" *([=<>≤≥≈≠≡≅→⇒⇔∈]) *")  # Such signs are shown with a space on each side.
POWER = re.compile(r"[-+−]?[\dn]+$")
ONE = re.compile(r"[\w.,°′″]*$")  # What needs no brackets.


def formula(node: Any) -> str:
    """The text of an ``m:oMath`` or ``m:oMathPara`` element.

    Equations nest at most as deep as the parser lets elements nest, and so does this.
    """
    return " ".join(RELATION.sub(r" \1 ", _inside(node)).split())


def power_sign(before: str, raised: str) -> str:
    """What keeps raised text apart from the number or word before it: ``^`` or nothing.

    >>> power_sign("2 × 10", "4"), power_sign("the 1", "st")
    ('^', '')
    """
    return "^" if (before[-1:].isalnum() or before[-1:] == ")") and POWER.match(raised.strip()) else ""


def _inside(node: Any) -> str:
    return "".join(_text(child) for child in node.iterchildren("*")) if node is not None else ""


def _text(node: Any) -> str:
    name = node.tag.removeprefix(MATH)
    if name == "t":
        return node.text or ""
    if name == node.tag or name.endswith("Pr"):  # Text of Word itself, if it is text; properties.
        return _inside(node) if node.tag.endswith(("}ins", "}moveTo")) else ""
    build = _BUILDERS.get(name)
    return build(node) if build else _inside(node)


def _part(node: Any, name: str) -> str:
    return _inside(node.find(MATH + name)).strip()


def _property(node: Any, name: str, default: str) -> str:
    found = next(node.iterchildren(f"{MATH}{node.tag.removeprefix(MATH)}Pr"), None)
    element = None if found is None else found.find(MATH + name)
    return default if element is None else str(element.get(f"{MATH}val", default))


def _bracketed(text: str) -> str:
    return text if ONE.match(text) else f"({text})"


def _indexed(base: str, below: str, above: str) -> str:
    return base + (f"_{_bracketed(below)}" if below else "") + (f"^{_bracketed(above)}" if above else "")


def _fraction(node: Any) -> str:
    above, below = _part(node, "num"), _part(node, "den")
    if _property(node, "type", "bar") == "noBar":
        return f"{above} over {below}"
    return f"{_bracketed(above)}/{_bracketed(below)}"


def _script(node: Any) -> str:
    return _indexed(_bracketed(_part(node, "e")), _part(node, "sub"), _part(node, "sup"))


def _prescript(node: Any) -> str:
    return _indexed("", _part(node, "sub"), _part(node, "sup")) + _part(node, "e")


def _root(node: Any) -> str:
    degree = _part(node, "deg")
    return f"√{f'[{degree}]' if degree else ''}({_part(node, 'e')})"


def _operator(node: Any) -> str:
    return f"{_indexed(_property(node, 'chr', '∫'), _part(node, 'sub'), _part(node, 'sup'))} {_part(node, 'e')}"


def _delimited(node: Any) -> str:
    inner = _property(node, "sepChr", "|").join(_inside(part).strip() for part in node.iterchildren(MATH + "e"))
    return _property(node, "begChr", "(") + inner + _property(node, "endChr", ")")


def _function(node: Any) -> str:
    return f"{_part(node, 'fName')} {_part(node, 'e')}"


def _limit(node: Any) -> str:
    sign = "_" if node.tag == MATH + "limLow" else "^"
    return f"{_part(node, 'e')}{sign}{_bracketed(_part(node, 'lim'))}"


def _matrix(node: Any) -> str:
    rows = (
        " ".join(_inside(cell).strip() for cell in row.iterchildren(MATH + "e"))
        for row in node.iterchildren(MATH + "mr")
    )
    return f"[{'; '.join(rows)}]"


def _lines(node: Any) -> str:
    return "; ".join(_inside(line).strip() for line in node.iterchildren(MATH + "e"))


def _paragraph(node: Any) -> str:
    return "; ".join(filter(None, (_inside(line).strip() for line in node.iterchildren(MATH + "oMath"))))


_BUILDERS = {
    "f": _fraction,
    "sSup": _script,
    "sSub": _script,
    "sSubSup": _script,
    "sPre": _prescript,
    "rad": _root,
    "nary": _operator,
    "d": _delimited,
    "func": _function,
    "limLow": _limit,
    "limUpp": _limit,
    "m": _matrix,
    "eqArr": _lines,
    "oMathPara": _paragraph,
}
