from __future__ import annotations

from pathlib import Path

import pytest

from odqa.addresses import MilvusAddress, address_of, folder_of
from odqa.errors import UsageError


@pytest.mark.parametrize(
    ("text", "uri", "name"),
    [
        ("milvus://db.example.com:19530/handbook", "http://db.example.com:19530", "handbook"),
        ("milvus+tls://10.0.0.1:443/a_1", "https://10.0.0.1:443", "a_1"),
        ("milvus:lite/my indexes.db/wiki", "lite/my indexes.db", "wiki"),
        ("milvus:/srv/a.db/b.db/_c", "/srv/a.db/b.db", "_c"),
    ],
)
def test_an_address_is_what_is_written(text: str, uri: str, name: str) -> None:
    address = address_of(text)
    assert isinstance(address, MilvusAddress)
    assert (address.uri, address.name, str(address)) == (uri, name, text)
    assert address_of(address) is address and address_of(str(address)) == address


def test_everything_else_is_a_folder() -> None:
    assert address_of("indexes/milvus") == address_of(Path("indexes/milvus")) == Path("indexes/milvus")
    assert folder_of("indexes/a", "compacting") == Path("indexes/a")
    with pytest.raises(UsageError, match=r"compacting works on an index folder.*odqa copy milvus:a\.db/b FOLDER"):
        folder_of("milvus:a.db/b", "compacting")
    with pytest.raises(UsageError, match="named by its path"):
        address_of(5)


@pytest.mark.parametrize(
    "text",
    ["milvus:", "milvus://", "milvus://host/name", "milvus://host:99999/name", "milvus://host:1/", "milvus:a.db",
     "milvus:file/name", "milvus://host:1/has-dash", "milvus://host:1/1st", "milvus://host:1/a/b", "milvus+tls:a.db/b",
     "milvus://host:1/" + "a" * 201],
)  # fmt: skip
def test_what_is_no_address_is_told_with_the_form(text: str) -> None:
    with pytest.raises(UsageError, match=r"milvus://HOST:PORT/COLLECTION"):
        address_of(text)


@pytest.mark.parametrize("name", ["a__odqa", "a__g000001"])
def test_what_a_part_of_another_index_is_called_names_none(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is what a part of another index is called"):
        address_of(f"milvus:a.db/{name}")


@pytest.mark.parametrize(
    "text", ["milvus://root:s3cret@host:19530/a", "milvus://root:s3cret/@host:19530/a", "milvus:/root:s3cret@host:1/a"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="ODQA_MILVUS_TOKEN") as error:
        address_of(text)
    assert "s3cret" not in str(error.value)
