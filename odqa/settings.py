"""``ODQA_*`` of the environment and ``odqa.toml`` of a folder go in; the settings, and where each came from, come out.

What is given on the command line stands above them, and is not known here. Imports no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from odqa.addresses import Address, MilvusAddress, address_of
from odqa.arguments import meant
from odqa.device import check_device
from odqa.errors import DataError, UsageError
from odqa.models import DEFAULT_ENCODER, DEFAULT_READER
from odqa.toml_files import read_toml
from odqa.types import DEFAULT_INDEX, Backend, Mode

FILE = "odqa.toml"
PREFIX = "ODQA_"
DEFAULT = "default"

_LEAST_LIKE = 0.8  # How like a setting's name a variable of the environment is before it is taken for a slip.


def _said(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("it is empty; leave it out for the default")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("it has the character NUL in it, which no name has")
    return value


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # No such user, or no home folder.
        return path


def _device(name: str) -> str:
    try:
        return check_device(name)
    except UsageError as error:
        raise ValueError(error) from None


_Text = Annotated[str, BeforeValidator(_said)]


def _address(value: object) -> Address:
    try:
        found = address_of(value)
    except UsageError as error:
        raise ValueError(error) from None
    return found if isinstance(found, MilvusAddress) else _expanded(found)


_Index = Annotated[Any, PlainValidator(_address), BeforeValidator(_said)]
_Path = Annotated[Path, BeforeValidator(_said), AfterValidator(_expanded)]
_AtLeastOne = Annotated[int, Field(ge=1)]
_Share = Annotated[float, Field(gt=0, lt=1)]
_Seconds = Annotated[float, Field(ge=0.1, allow_inf_nan=False)]


class Settings(BaseModel):
    """What commands share, each setting with its help. Named as the parameter of the commands that it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: _Index = Field(DEFAULT_INDEX, description="the index: a folder, or the address of one in a Milvus")
    encoder: _Text = Field(DEFAULT_ENCODER, description="the encoder of a new index: a folder or a name")
    reader: _Text = Field(DEFAULT_READER, description="the reader: a folder or a name")
    device: Annotated[_Text, AfterValidator(_device)] = Field(
        "auto", description="where models run: auto, cpu, cuda, cuda:1, mps, ..."
    )
    backend: Backend = Field(Backend.AUTO, description="what computes models: auto, openvino or torch")
    mode: Mode = Field(Mode.HYBRID, description="how passages are found: hybrid, dense or bm25")
    k: _AtLeastOne = Field(20, description="passages to read for a question")
    n: _AtLeastOne = Field(3, description="answers to show at most")
    answerable: _Share | None = Field(None, description="share of your questions that the documents answer, not half")
    batch_size: _AtLeastOne = Field(32, description="windows that tune and eval read at once")
    threads: _AtLeastOne | None = Field(None, description="threads of the CPU to use, at most all; all if not set")
    cache: _Path | None = Field(None, description="folder of cached readings; the user's cache if not set")
    host: _Text = Field("127.0.0.1", description="the address that the server listens on")
    port: int = Field(8265, ge=0, le=65535, description="the port of the server; 0 takes a free one")
    feedback: _Path | None = Field(None, description="the file that the server writes feedback to; none if not set")
    queue: _AtLeastOne = Field(64, description="questions that may wait at the server")
    batch: _AtLeastOne = Field(16, description="questions that the server reads together at most")
    timeout: _Seconds = Field(60.0, description="seconds that a request to the server may take")
    on_duplicate: Literal["error", "replace", "skip"] = Field("error", description="what two equal ids do")
    max_file_size: _AtLeastOne = Field(250, description="MB above which a file is left out of an index")
    max_file_seconds: _AtLeastOne = Field(300, description="seconds after which reading a file is given up")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The settings, and for each whether it comes from the environment, the file (with its line) or the default."""

    values: Settings
    origins: Mapping[str, str]

    def given(self) -> dict[str, Any]:
        """The settings that somebody set, by name."""
        return {name: getattr(self.values, name) for name, origin in self.origins.items() if origin != DEFAULT}


def read_settings(environment: Mapping[str, str], folder: Path = Path()) -> Chosen:
    """The settings of ``odqa.toml`` in the folder, with those of the environment over them. An empty variable is none.

    Raises UsageError that names the file and line, or the variable, where one is unknown or cannot be used.
    """
    path = folder / FILE
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, DEFAULT)
    if path.exists():
        text, table = _table(path)
        lines = {name: _line(text, name) for name in table}
        checked = _checked_file(table, lines, path)
        values |= {name: getattr(checked, name) for name in table}
        origins |= {name: _place(path, lines[name]) for name in table}
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        if environment.get(variable, "").strip():
            values[name] = _checked_variable(name, variable, environment[variable])
            origins[name] = variable
    return Chosen(Settings.model_construct(**values), origins)


def slips(environment: Mapping[str, str]) -> Iterator[str]:
    """What to say of each variable that is no setting, but so like one that it is meant for it."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and variable not in known:
            for close in get_close_matches(variable, known, n=1, cutoff=_LEAST_LIKE):
                yield f"{variable} in the environment has no effect; did you mean {close}?"


def _table(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of the file, and what it says."""
    try:
        return read_toml(path, 'index = "indexes/docs"')
    except DataError as error:
        raise UsageError(str(error)) from None


def _checked_file(table: dict[str, Any], lines: Mapping[str, int | None], path: Path) -> Settings:
    for name, value in table.items():
        if name not in Settings.model_fields:
            guess = meant(name.replace("-", "_"), Settings.model_fields)
            raise UsageError(
                f"{_place(path, lines[name])}: there is no setting {name!r}{f'; {guess}' if guess else '.'} "
                f"The settings are {', '.join(Settings.model_fields)}"
            )
        if isinstance(value, dict | list):
            raise UsageError(f"{_place(path, lines[name])}: {name} takes one value, as in: k = 50")
    try:
        # As JSON, whose rules take neither the text "5" nor true for a number, but a text for a path.
        return Settings.model_validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        name, reason = _reason(error)
        raise UsageError(f"{_place(path, lines[name])}: {name} = {_brief(table[name])}: {reason}") from None


def _checked_variable(name: str, variable: str, value: str) -> Any:
    try:
        return getattr(Settings.model_validate({name: value}), name)
    except ValidationError as error:
        raise UsageError(f"{variable}={_brief(value)} in the environment: {_reason(error)[1]}") from None


def _reason(error: ValidationError) -> tuple[str, str]:
    """The name of the first setting that is wrong, and what is wrong with it."""
    first = error.errors(include_url=False)[0]
    reason = re.sub(r"^(Value error, |Input )|, unable to parse string.*", "", first["msg"])
    choices = re.findall(r"'([^']*)'", str(first.get("ctx", {}).get("expected", "")))
    guess = meant(str(first["input"]), choices)
    return str(first["loc"][0]), f"{reason}; {guess}" if guess else reason


def _line(text: str, name: str) -> int | None:
    """The line on which a key of the outermost table stands; None where it is written in a way of its own."""
    key = re.compile(rf"""\s*\[*\s*["']?{re.escape(name)}["']?\s*[].=]""")
    return next((at for at, line in enumerate(text.splitlines(), start=1) if key.match(line)), None)


def _place(path: Path, line: int | None) -> str:
    return str(path) if line is None else f"{path}, line {line}"


def _brief(value: object) -> str:
    """A value as it was written, short, without the user and the password in an address of a Milvus."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    text = re.sub(r"(?<=milvus)(\+tls)?:.*@", r"\1:…@", text, flags=re.IGNORECASE)
    return text if len(text) <= 80 else text[:80] + "…"
