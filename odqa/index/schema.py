"""What may stand in ``manifest.json``: the types of its values, their ranges, and the keys of its objects.

A manifest may come from anywhere, and what it says is opened, allocated and deleted; so all of it is checked before any
of it is used. Unknown keys are left out. Knows no file and no message but that of the first value that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, GetPydanticSchema, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from odqa.index.layout import DELETED_NAME, LAST, OLD_FILES, SEGMENT_NAME

T = TypeVar("T")

Text = Annotated[str, Field(strict=True, max_length=10_000, pattern=r"^[^\x00]*$")]
Version = Annotated[int, Field(strict=True, ge=1, le=LAST)]
Count = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]  # Rows are int32.
AtLeastOne = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
Dimension = Annotated[int, Field(strict=True, ge=1, le=65_536)]
Size = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
Sha256 = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")]
SegmentName = Annotated[str, Field(strict=True, pattern=rf"^(?:{SEGMENT_NAME})$")]
DeletedName = Annotated[str, Field(strict=True, pattern=rf"^(?:{DELETED_NAME})?$")]
OldFile = Annotated[str, Field(strict=True, pattern=f"^(?:{'|'.join(map(re.escape, OLD_FILES))})$")]
Recall = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
_Weight = Annotated[float, Field(strict=True, ge=0, le=1_000, allow_inf_nan=False)]


class _Reading(TypedDict):
    text_field: Text
    id_field: Text
    title_field: Text


class _Chunking(TypedDict):
    max_tokens: AtLeastOne
    overlap_tokens: Count
    language: Text


class _Keywords(TypedDict):
    method: Text
    k1: _Weight
    b: _Weight
    language: Text


class _Storage(TypedDict):
    factory: Text
    recall: Recall


class _Vectors(TypedDict):
    factory: Text
    vectors: Count
    trained_on: Count
    parameters: dict[Literal["nprobe", "efSearch"], AtLeastOne]
    recall: Recall | None


def _like(kind: type) -> GetPydanticSchema:
    return GetPydanticSchema(lambda _, handler: handler(kind))


Prompts = Annotated[Mapping[str, str], _like(dict[Text, Text])]
Reading = Annotated[Mapping[str, Any], _like(_Reading)]
Chunking = Annotated[Mapping[str, Any], _like(_Chunking)]
Keywords = Annotated[Mapping[str, Any], _like(_Keywords)]
Storage = Annotated[Mapping[str, Any], _like(_Storage)]
StoredVectors = Annotated[Mapping[str, Any], _like(_Vectors)]


def parse(kind: TypeAdapter[T], value: object) -> T:
    """``value`` as what pydantic's adapter is for.

    Raises ValueError naming the first key that is missing or wrong, and where it is.
    """
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = _place(first["loc"])
        if first["type"] == "missing":
            raise ValueError(f"{place} is missing") from None
        # "Input should be …" and the like: the first word is what the place stands for.
        raise ValueError(f"{place} {first['msg'].partition(' ')[2]}") from None


def _place(location: tuple[int | str, ...]) -> str:
    """Where a value is, as in ``segments[0].files['vectors.faiss'].size``."""
    text = ""
    for at, step in enumerate(location):
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier():
            text += f".{step}" if at else step
        else:
            text += f"[{step!r}]"
    return text
