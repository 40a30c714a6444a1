"""The settings of the surroundings in; what commands take where an option is not given out. Imports nothing heavy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odqa.addresses import Address, address_of
from odqa.cli.output import detail, note
from odqa.errors import OdqaError, UsageError
from odqa.threads import limit
from odqa.types import DEFAULT_INDEX

if TYPE_CHECKING:
    from odqa.settings import Chosen

# What has the name of a setting and is something else: passages to show, a list of numbers, tokens, passages to write.
_NAMESAKES = {("search", "k"), ("tune", "k"), ("fill-mask", "k"), ("questions", "n")}


def chosen() -> Chosen | None:
    """The settings, None where nobody set any: the file's and the variables' checks cost a tenth of a second.

    Raises UsageError as :func:`odqa.settings.read_settings` does.
    """
    if not Path("odqa.toml").exists() and not any(name.startswith("ODQA_") for name in os.environ):
        return None
    from odqa.settings import read_settings

    return read_settings(os.environ)


def prepare(commands: Mapping[str, Callable[..., Any]]) -> dict[str, dict[str, Any]]:
    """The defaults of each command's parameters that settings take the place of, and the number of threads set.

    A parameter whose own default is None is left alone: None says there that it was not given, which the command asks
    itself. Raises UsageError for settings that cannot be used.
    """
    found = chosen()
    if found is None:
        return {}
    given = found.given()
    if threads := given.get("threads"):
        limit(threads)
    return {name: _defaults(name, function, given) for name, function in commands.items()}


def remarks() -> Iterator[tuple[Callable[[str], None], str]]:
    """What there is to say of the settings, and how loud: variables that look like slips, and what is set."""
    try:
        found = chosen()
    except OdqaError:
        return  # Who runs in spite of them (odqa doctor) tells them itself.
    if found is not None:
        from odqa.settings import slips

        yield from ((note, slip) for slip in slips(os.environ))
        yield from ((detail, f"{name} is {value}, from {found.origins[name]}") for name, value in found.given().items())


def setting(name: str, otherwise: Any) -> Any:
    """A setting by its name; ``otherwise`` where nobody set it."""
    found = chosen()
    return otherwise if found is None else found.given().get(name, otherwise)


def given_or_set(value: Any, name: str) -> Any:
    """The value of an option, or where it is None the setting of that name, or None."""
    return setting(name, None) if value is None else value


def index_or_default(argument: Address | None, option: Address | None = None) -> Address:
    """The index that was named, as an argument or with ``--index``, else that of the settings, else the default.

    Raises UsageError where it was named twice.
    """
    if argument is not None and option is not None and argument != option:
        raise UsageError(f"two indexes are named, {argument} and --index {option}; name one")
    named = argument if option is None else option
    return address_of(setting("index", DEFAULT_INDEX)) if named is None else named


def _defaults(name: str, function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = signature(function).parameters
    return {
        key: value
        for key, value in given.items()
        if key in parameters and (name, key) not in _NAMESAKES
        if parameters[key].default not in (None, Parameter.empty)
    }
