"""The address of a Milvus in; a connection that tries again what may pass, and tells what will not, out.

This module alone imports pymilvus. The token is read here, from ``ODQA_MILVUS_TOKEN``, and handed on to nobody.
"""

from __future__ import annotations

import logging
import os
import random
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from odqa import extras
from odqa.addresses import MilvusAddress
from odqa.closing import Closing
from odqa.errors import IndexFolderError, OdqaError, UsageError

TOKEN = "ODQA_MILVUS_TOKEN"
_NO_DOTENV = "PYTHON_DOTENV_DISABLED"  # From python-dotenv 1.2 on.
# Seconds until it is given up; pymilvus tries again meanwhile. Into memory comes a collection that nobody has used.
CONNECTING, ANSWERING, WRITING, LOADING = 10.0, 20.0, 120.0, 1800.0
TRIES = 6  # Of a write.
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0  # Seconds between tries, which double; half of each is drawn at random.
MOST_ROWS = 1000  # That are asked for, or written, at once.
MOST_FOUND = 16_384  # Hits of a question that Milvus gives at most.
_GONE = 100  # Milvus's code for a collection that is not there.
_PASSING = {8, 9}  # Milvus's codes for too many requests, and for writes that are stopped for a while.
_REFUSED = ("auth check failure", "unauthenticated", "permission deny", "privilege")


class Milvus(Closing):
    """A connection to a Milvus. Several threads may use it.

    Raises IndexFolderError, as all the methods do, where the Milvus does not answer, refuses the token, or does not
    know what is asked for; OdqaError where pymilvus or milvus-lite is not installed.
    """

    def __init__(self, address: MilvusAddress, *, make: bool = False) -> None:
        """Connect. Only with ``make`` is a file of milvus-lite made that is not there yet."""
        check_installed(address)
        self.address = address
        if lacks_file(address) and not make:
            raise IndexFolderError(
                f"{address} is not an index: there is no {address.file}; make one with `odqa index PATH... --index "
                f"{address}`"
            )
        pymilvus = _pymilvus()
        # They print what goes wrong, with a stack trace, and raise it besides. Importing pymilvus sets its levels.
        for name in ("pymilvus", "pymilvus.milvus_client", "milvus_lite", "grpc._server"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self.library = pymilvus
        token = os.environ.get(TOKEN, "")
        if not token.isprintable() or not token.isascii():
            raise UsageError(f"{TOKEN} holds signs that no token has; set it to USER:PASSWORD, or to an API key")
        try:
            self._client = pymilvus.MilvusClient(
                address.uri, token="" if address.file else token, timeout=CONNECTING, dedicated=not address.file
            )
        except Exception as error:  # It raises what gRPC does, and exceptions of its own.
            raise self._told(error) from None

    def call(self, method: str, *args: Any, timeout: float = ANSWERING, **options: Any) -> Any:
        """What a method of pymilvus's MilvusClient returns; within ``timeout`` a Milvus that is away is asked again."""
        try:
            return getattr(self._client, method)(*args, timeout=timeout, **options)
        except Exception as error:
            raise self._told(error) from None

    def write(self, method: str, *args: Any, **options: Any) -> Any:
        """The same for what changes something and may be done twice: tried again where what stopped it may pass."""
        for wait in waits():
            try:
                return getattr(self._client, method)(*args, timeout=WRITING, **options)
            except Exception as error:
                if wait is None or not passing(error):
                    raise self._told(error) from None
                time.sleep(wait)
        raise AssertionError

    def create(self, collection: str, schema: Any, indexes: Any) -> None:
        """Make a collection, empty, with its indexes, and have it ready.

        One that is there is taken, and gets indexes where it has none: a process may have died between the two, and
        without indexes no collection can be loaded.
        """
        if not self.call("has_collection", collection):
            self.write("create_collection", collection, schema=schema)
        if not self.call("list_indexes", collection):
            # Nothing is in them yet, so they are there at once; pymilvus would wait half a second for each.
            self.write("create_index", collection, indexes, sync=False)
        self.load(collection)

    def load(self, collection: str) -> None:
        """Have a collection in the memory of those who search it, which takes a moment, or minutes."""
        self.call("load_collection", collection, timeout=LOADING)

    def query(self, collection: str, expression: str, fields: Sequence[str], *, strong: bool = False) -> list[Any]:
        """The rows of a collection for which an expression holds, at most ``MOST_FOUND`` of them.

        ``strong`` sees whatever was written before, which a search need not (docs/scale.md).
        """
        found = self.call(
            "query", collection, filter=expression, output_fields=list(fields), limit=MOST_FOUND, **_level(strong)
        )
        return list(found)

    def count(self, collection: str, expression: str = "", *, strong: bool = False) -> int:
        """How many rows there are for which an expression holds."""
        found = self.call("query", collection, filter=expression, output_fields=["count(*)"], **_level(strong))
        return int(found[0]["count(*)"])

    def target_of(self, alias: str) -> str | None:
        """The collection that an alias leads to; None where there is no such alias."""
        try:
            return str(self._client.describe_alias(alias, timeout=ANSWERING)["collection_name"])
        except self.library.MilvusException as error:
            if lacks_alias(error.message):
                return None
            raise self._told(error) from None
        except Exception as error:
            raise self._told(error) from None

    def close(self) -> None:
        """Close the connection. What milvus-lite has open stays so until the process ends, or others would wait."""
        try:
            self._client.close()
        except Exception:  # It is closed already, or gone.
            return

    def _told(self, error: Exception) -> OdqaError:
        """What a user is told of an error of pymilvus."""
        if isinstance(error, OdqaError):
            return error
        said = str(getattr(error, "message", "") or getattr(error, "details", str)() or error)
        if token := os.environ.get(TOKEN):
            said = said.replace(token, "…")  # Before it is shortened, which may leave half a token.
        said = " ".join(said.split())[:300]
        where = str(self.address)
        if self.address.file and "Open local milvus failed" in said:
            return IndexFolderError(
                f"{self.address.file} cannot be opened by milvus-lite: another process has it open, of which there can "
                f"be one, or it is nothing that milvus-lite has made; end the other one (odqa serve?), or name another "
                f"file"
            )
        if _is_gone(error):
            return IndexFolderError(
                f"{where} lacks a collection of its index ({said}): a later change of it, or somebody else, has taken "
                f"it away; open the index again, or build it with `odqa index PATH... --index {where}`"
            )
        if _code(error) == "UNAUTHENTICATED" or any(word in said.lower() for word in _REFUSED):
            return IndexFolderError(
                f"the Milvus of {where} refuses the token ({said}): set {TOKEN} to USER:PASSWORD or an API key "
                f"that may read and write there"
            )
        if _is_away(error):
            return IndexFolderError(
                f"no Milvus answers at {self.address.server or self.address.file} ({said}); check the address, that "
                f"the server runs, and whether it wants TLS (milvus+tls://). What was there before is unchanged"
            )
        return IndexFolderError(f"the Milvus of {where} says: {said}")


def _level(strong: bool) -> dict[str, Any]:
    return {"consistency_level": "Strong"} if strong else {}


def _pymilvus() -> Any:
    """pymilvus, which when it is imported reads a file ``.env`` into the environment, where a token may be in it.

    That is kept from it, unless the user has said whether there should be any reading of such files; others in this
    process may want theirs read.
    """
    ours = _NO_DOTENV not in os.environ
    if ours:
        os.environ[_NO_DOTENV] = "1"
    try:
        import pymilvus
    finally:
        if ours:
            del os.environ[_NO_DOTENV]
    return pymilvus


def lacks_file(address: MilvusAddress) -> bool:
    """Whether an address is in a file of milvus-lite that is to be made. Raises IndexFolderError where it cannot be."""
    file = address.file
    try:
        if file is None or file.exists():
            return False
        if file.parent.is_dir():
            return True
    except OSError as error:
        raise IndexFolderError(f"{file} cannot be opened: {error.strerror}; name another file") from None
    raise IndexFolderError(f"{file} cannot be made: there is no folder {file.parent}; make it")


def check_installed(address: MilvusAddress) -> None:
    """Raise OdqaError where what reaches a Milvus is not installed."""
    extras.need("milvus", "an index in a Milvus", "pymilvus", *(["milvus_lite"] if address.file else []))


def waits() -> Iterator[float | None]:
    """The seconds to wait after each try that failed; None after the last.

    They double, and half of each is drawn, so that those who failed together do not come back together (full jitter
    would let some come back at once; Brooker 2015, "Exponential Backoff And Jitter", compares these).
    """
    for attempt in range(TRIES - 1):
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)
        yield longest / 2 + random.uniform(0, longest / 2)
    yield None


def passing(error: Exception) -> bool:
    """Whether what stopped a write may be over in a moment."""
    return (
        _is_away(error)
        or _code(error) == "RESOURCE_EXHAUSTED"
        or getattr(error, "code", None) in _PASSING
        or getattr(error, "retriable", False) is True
    )


def _is_away(error: Exception) -> bool:
    return _code(error) in ("UNAVAILABLE", "DEADLINE_EXCEEDED") or (
        type(error).__name__ in ("ConnectError", "MilvusUnavailableException", "ConnectionConfigException")
        or getattr(error, "code", None) == 2  # pymilvus's own, of a server that cannot be reached.
    )


def lacks_alias(said: str) -> bool:
    """Whether Milvus says that there is no such alias, and not why it could not be asked for one.

    >>> lacks_alias("alias not found[database=default][alias=a]"), lacks_alias("alias 'a' does not exist")
    (True, True)
    >>> lacks_alias("[describe_alias] Retry timeout: 20.0s, message=channel not found")
    False
    """
    return re.search(r"\balias\b.*\bnot (found|exist)", said, re.IGNORECASE | re.DOTALL) is not None


def _is_gone(error: Exception) -> bool:
    return getattr(error, "code", None) == _GONE


def _code(error: Exception) -> str:
    """The name of gRPC's code, in an error of gRPC or in one that pymilvus has made of it; else empty."""
    cause: BaseException | None = error
    seen: set[int] = set()  # pymilvus raises errors from themselves.
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        code: Any = getattr(cause, "code", None)
        if name := getattr(code() if callable(code) else code, "name", ""):
            return str(name)
        cause = cause.__cause__
    return ""
