"""Questions in; Responses and hits from a running server out, as if the index were here. Loads no model."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from odqa.closing import Closing
from odqa.errors import OdqaError, UsageError
from odqa.index.filters import Filters, parsed
from odqa.serve import wire
from odqa.serve.found import Found
from odqa.types import Mode, Passage, Response

MOST_BYTES = 256_000_000  # Of a response.
_AGAIN = (ConnectionResetError, BrokenPipeError, HTTPException)  # What an idle connection that was closed raises.
_PROXIED = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)

Value = TypeVar("Value")


class Client(Closing):
    """A connection to a server of ``odqa serve``, for one thread. Use it as a context manager, or close it.

    What it raises: UsageError for a request that makes no sense, here or to the server; OdqaError where the server
    cannot be reached, wants a key, is too busy, fails, or is none of ours.
    """

    def __init__(self, url: str, *, api_key: str | None = None, timeout: float = 90.0) -> None:
        """``timeout`` is in seconds, and should be more than that of the server. Connects when first used."""
        parts = _parts(url)
        self.url = url.rstrip("/")
        self._path = parts.path.rstrip("/")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(str(parts.hostname), parts.port, timeout=timeout)
        self._headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if api_key:
            if not (api_key.isascii() and api_key.isprintable()):
                raise UsageError("the API key has to be of printable ASCII characters; check ODQA_API_KEY or api_key=")
            self._headers["Authorization"] = f"Bearer {api_key}"

    def ask(
        self,
        question: str,
        *,
        k: int = 20,
        n: int = 5,
        mode: Mode | str = Mode.HYBRID,
        filters: Filters = (),
        min_confidence: float | None = None,
        exhaustive: bool = False,
        index: str | None = None,
    ) -> Response:
        """What ``Pipeline.ask`` gives; ``index`` is the name of one that the server has, None the default one."""
        asked = {"question": question, "k": k, "n": n, "min_confidence": min_confidence, "exhaustive": exhaustive}
        value = self._post("/ask", asked | _common(mode, filters, index))
        return self._read(wire.response_from, value)

    def ask_many(
        self,
        questions: Iterable[str],
        *,
        k: int = 20,
        n: int = 5,
        mode: Mode | str = Mode.HYBRID,
        filters: Filters = (),
        min_confidence: float | None = None,
        exhaustive: bool = False,
        index: str | None = None,
    ) -> list[Response]:
        """A Response for each question, in order, in one request; the server limits how many there may be."""
        asked = {
            "questions": list(questions),
            "k": k,
            "n": n,
            "min_confidence": min_confidence,
            "exhaustive": exhaustive,
        }
        value = self._post("/ask/batch", asked | _common(mode, filters, index))
        return self._read(lambda whole: list(map(wire.response_from, whole["responses"])), value)

    def search(
        self,
        question: str,
        *,
        k: int = 10,
        mode: Mode | str = Mode.HYBRID,
        filters: Filters = (),
        index: str | None = None,
    ) -> Found:
        """The ``k`` best passages for a question, without reading them."""
        value = self._post("/search", {"question": question, "k": k} | _common(mode, filters, index))
        return self._read(_found, value)

    def check_filters(self, filters: Filters, *, index: str | None = None) -> None:
        """Raise UsageError where the server does not take these filters: for a field that no document has."""
        # /indexes tells the fields of some documents; what searches knows those of all of them.
        self._post("/search", {"question": "?", "k": 1} | _common(Mode.BM25, filters, index))

    def passage(self, id: str, *, index: str | None = None) -> Passage:
        """The passage with this id. Raises UsageError where there is none."""
        query = {"id": id, "around": 0} | ({} if index is None else {"index": index})
        value = self._request("GET", f"/passages?{urlencode(query)}")
        return self._read(lambda whole: wire.passage_from(whole["passage"]), value)

    def indexes(self) -> Mapping[str, Any]:
        """What ``GET /indexes`` says: the indexes, what they can be filtered by, and questions to begin with."""
        return self._read(dict, self._request("GET", "/indexes"))

    def close(self) -> None:
        """Close the connection; it is opened again when it is used."""
        self._connection.close()

    def _post(self, path: str, value: Mapping[str, Any]) -> Any:
        return self._request("POST", path, json.dumps(value).encode("ascii"))

    def _request(self, method: str, path: str, body: bytes | None = None) -> Any:
        fresh = self._connection.sock is None
        try:
            response, content = self._exchange(method, path, body)
        except _AGAIN as error:
            if fresh:
                raise self._broken(error) from None
            self._connection.close()
            return self._request(method, path, body)
        except TimeoutError:
            self._connection.close()
            raise OdqaError(f"{self.url} did not answer in {self._connection.timeout:g} seconds; ask again") from None
        except OSError as error:
            self._connection.close()
            raise self._unreachable(error) from None
        value = self._parsed(response.status, content)
        if response.status >= 400:
            raise self._refused(response, value)
        return value

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[HTTPResponse, bytes]:
        self._connection.request(method, self._path + path, body, self._headers)
        response = self._connection.getresponse()
        content = response.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            self._connection.close()
            raise OdqaError(f"the answer of {self.url} has more than {MOST_BYTES:,} bytes; ask for less")
        if response.length:  # What was promised and did not come: the server died, or what stands before it.
            raise IncompleteRead(content, response.length)
        return response, content

    def _parsed(self, status: int, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise (self._proxied(status) if status in _PROXIED else self._foreign()) from None

    def _read(self, read: Callable[[Any], Value], value: Any) -> Value:
        try:
            return read(value)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise self._foreign() from None

    def _refused(self, response: HTTPResponse, value: Any) -> OdqaError:
        detail = value.get("detail") if isinstance(value, dict) else None
        if not isinstance(detail, str):
            return self._foreign()
        if response.status == 401:
            return OdqaError(
                f"{self.url} wants an API key, the one that it was started with: set ODQA_API_KEY for a command, or "
                "give Client(…, api_key=…) in Python"
            )
        if response.status in (400, 404, 413, 422):
            return UsageError(_fault(value.get("errors")) or detail)
        again = response.headers.get("Retry-After", "")
        return OdqaError(f"{self.url}: {detail}" + (f" (in {again} s)" if again.isdecimal() else ""))

    def _unreachable(self, error: OSError) -> OdqaError:
        if isinstance(error, ConnectionRefusedError):
            return OdqaError(f"no server answers at {self.url}: start one with odqa serve, or name another --url")
        if isinstance(error, ssl.SSLCertVerificationError):
            return OdqaError(
                f"the certificate of {self.url} is not trusted ({error.verify_message}): set SSL_CERT_FILE to a file "
                "with that of its authority, or call the server by the name in its certificate"
            )
        if isinstance(error, socket.gaierror):
            return OdqaError(f"no machine is known by the name in {self.url}: check --url")
        return OdqaError(f"{self.url} cannot be reached ({error.strerror or error}): check --url and the network")

    def _broken(self, error: Exception) -> OdqaError:
        self._connection.close()
        return OdqaError(f"{self.url} ended the connection ({type(error).__name__}): check that odqa serves there")

    def _proxied(self, status: int) -> OdqaError:
        return OdqaError(
            f"a proxy answers at {self.url}, and got no answer of the server behind it ({status} "
            f"{HTTPStatus(status).phrase}): check that odqa serve runs there, or ask again later"
        )

    def _foreign(self) -> OdqaError:
        return OdqaError(
            f"what answers at {self.url} is no server of odqa, or one of another version: check --url, and what "
            "odqa --version says on both sides"
        )


def _parts(url: str) -> Any:
    """The parts of a URL. Raises UsageError for what is none of a server."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.query
        (parts.hostname or "").encode("idna")
    except ValueError:  # Also a name that no machine can have.
        right = False
    if not right or not url.isascii() or any(sign.isspace() for sign in url) or parts.username:
        raise UsageError(f"{url!r} is not the URL of a server; it looks like http://127.0.0.1:8265")
    return parts


def _fault(faults: Any) -> str:
    """The first thing that is wrong with a request, in words for who did not write it as JSON; empty for none."""
    match faults:
        case [{"pointer": str(pointer), "detail": str(detail)}, *_]:
            return f"the server does not take this {pointer.removeprefix('#/')}: {detail.removeprefix('Input ')}"
    return ""


def _common(mode: Mode | str, filters: Filters, index: str | None) -> dict[str, Any]:
    texts: Sequence[str] = [str(one) for one in parsed(filters)]
    return {"mode": str(mode), "filters": texts, "index": index, "explain": True, "evidence": True}


def _found(value: Mapping[str, Any]) -> Found:
    hits = tuple(map(wire.hit_from, value["evidence"]))
    return Found(hits, str(value.get("reason", "")), str(value.get("language", "")))
