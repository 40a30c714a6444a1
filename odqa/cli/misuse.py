"""A command line that cannot be understood in; what is wrong with it, and what may have been meant, out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from odqa.arguments import meant
from odqa.index.layout import MANIFEST

# The parameters of commands that hold what people write without quotes, which a shell takes for several words.
_PROSE = ("question", "query")
_ADDRESS = re.compile(r"(https?|ftp)://?(\S+)$", re.IGNORECASE)  # A path has no two slashes in a row.
_ON_HUB = re.compile(r"(?:www\.)?huggingface\.co/(?:datasets/)?([\w-]+/[\w.-]+)/?$")
_LONG_DASH = re.compile("^[–—]+")  # What word processors and web pages make of two hyphens.


def misuse(error: Any, arguments: Sequence[str]) -> str:
    """The message of a usage error of typer, in one sentence, with a guess and the command that tells more.

    ``arguments`` are what was typed after the program's name.
    """
    context = error.ctx
    name = context.command_path if context is not None else "odqa"
    said = " ".join(error.format_message().split()).rstrip(".")
    said = re.sub(r" ?\(Possible options: .*\)$", "", said)
    said = re.sub(
        r": (?:Value error, |Input )?(.*)", lambda found: f": {_plain(found[1], said, arguments)}", said, count=1
    )
    said = said[:1].lower() + said[1:]
    hint = _hint(error, context, said, arguments)
    if hint and "did you mean" in said.lower():
        said = re.split(r"\. Did you mean", said)[0]
    return "; ".join(part for part in (said, hint, f"`{name} --help` shows what there is") if part).replace("?; ", "? ")


def _plain(reason: str, said: str, arguments: Sequence[str]) -> str:
    """What is wrong with a value, without the words of a library; with the value, where that leaves it out."""
    unparsed = re.match(r"should be a valid (?:integer|number), unable to parse", reason)
    if not unparsed:
        return reason
    option = (re.findall(r"'(-[^']*)'", said) or [""])[-1]
    following = dict(pairwise(arguments)).get(option)
    return f"{following!r} is no {'whole ' if 'integer' in unparsed[0] else ''}number" if following else reason


def instead_of_address(value: str) -> str:
    """What to do instead of giving the address of a web page where a file or model is named; empty for other values.

    A file may have such a name, and then is one.
    """
    found = _ADDRESS.match(value)
    if not found or _is_there(value):
        return ""
    address = f"{found[1].lower()}://{found[2]}"
    if hub := _ON_HUB.match(found[2]):
        return f"{address} is an address; on the hub its name is {hub[1]}"
    return f"{address} is an address, and odqa reads files: save it first, as in: curl -LO {shlex.quote(address)}"


def _hint(error: Any, context: Any, said: str, arguments: Sequence[str]) -> str:
    dashed = next((word for word in arguments if _LONG_DASH.match(word)), "")
    if dashed:
        return f"{dashed} begins with a long dash: type two hyphens, {_LONG_DASH.sub('--', dashed)}"
    if hasattr(error, "option_name"):
        return _option_hint(error.option_name, getattr(error, "possibilities", None) or (), context, arguments)
    if "is not one of" in said:
        value, *choices = re.findall(r"'([^']*)'", said.partition(": ")[2])
        return meant(value, choices)
    if "no such command" in said:
        return _command_hint(arguments, context.command.commands if context is not None else {})
    if "unexpected extra argument" in said:
        return _extra_hint(context, said)
    return ""


def _option_hint(name: str, possible: Sequence[str], context: Any, arguments: Sequence[str]) -> str:
    known = [option for one in context.command.params for option in (*one.opts, *one.secondary_opts)] if context else []
    single = next(
        (word for word in arguments if f"-{word.partition('=')[0]}" in known and word[1:2] not in ("", "-")), ""
    )
    if not name.startswith("--"):
        return f"did you mean -{single}, with two hyphens?" if single else ""
    return meant(name, possible or [option for option in known if option.startswith("-")])


def _command_hint(arguments: Sequence[str], commands: Mapping[str, Any]) -> str:
    words = [word for word in arguments if not word.startswith("-")]
    if not words:
        return ""
    if " " in words[0].strip() or words[-1].endswith("?"):
        return f"ask it so: odqa ask {_quoted(words)}"
    if _is_there(words[0]):
        return f"to read files: odqa index {shlex.quote(words[0])}"
    return meant(words[0], commands)


def _extra_hint(context: Any, said: str) -> str:
    rest = said.partition("(")[2].rpartition(")")[0]
    rest = rest.partition("s) (")[2] or rest  # "argument(s) (…)"
    if _is_there(rest, MANIFEST) and any("--index" in one.opts for one in context.command.params):
        return f"to name an index: --index {shlex.quote(rest)}"
    for name in _PROSE:
        if first := context.params.get(name):
            return f"put what you ask in quotes: {context.command_path} {_quoted([str(first), rest])}"
    return ""


def _is_there(*parts: str) -> bool:
    """Whether there is a file or folder of that name; false for what none can be called, such as a long question."""
    try:
        return Path(*parts).exists()
    except (OSError, ValueError):
        return False


def _quoted(words: Sequence[str]) -> str:
    """Words as one argument of a shell; quotation marks of a word processor around them are dropped."""
    text = " ".join(words).strip("“”„«»\"' ")
    return f'"{text}"' if not re.search(r'["$`\\!]', text) else shlex.quote(text)
