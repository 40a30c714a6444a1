"""A hub of models on this machine: the requests by which huggingface_hub makes a repository, fills it and reads it.

Its client is told by its environment to use it, and so runs in a process of its own: ``LocalHub.environment``. Files go
over git's LFS protocol, since those of Xet would need a store of its kind.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

LARGE = (".safetensors", ".bin")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LocalHub(ThreadingHTTPServer):
    """``repositories`` are those that were made, each with its files; ``asked`` is what was asked, in order.

    With ``refuses`` it makes no repository, and says why.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.stored: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.refuses = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def environment(self, home: Path) -> dict[str, str]:
        """What a process needs that shall use this hub, with an empty cache in ``home``."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        return own | {
            "HF_ENDPOINT": self.address,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_TOKEN": "hf_local",
        }


class _Handler(BaseHTTPRequestHandler):
    server: LocalHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body, path = self._body(), self._path()
        if path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._json({"errors": _faults(json.loads(body)["content"]), "warnings": []})
        elif match := re.fullmatch(r"/api/models/(\S+)/preupload/main", path):
            files = [one["path"] for one in json.loads(body)["files"]]
            modes = [{"path": one, "uploadMode": "lfs" if one.endswith(LARGE) else "regular"} for one in files]
            self._json({"files": [one | {"shouldIgnore": False, "oid": None} for one in modes]})
        elif re.fullmatch(r"/(\S+)\.git/info/lfs/objects/batch", path):
            objects = [
                one | {"actions": {"upload": {"href": f"{self.server.address}/store/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            self._json({"transfer": "basic", "objects": objects})
        elif match := re.fullmatch(r"/api/models/(\S+)/commit/main", path):
            self._commit(match[1], [json.loads(line) for line in body.splitlines()])
        else:
            self._json({"error": "unknown"}, 404)

    def do_PUT(self) -> None:
        body, digest = self._body(), self._path().removeprefix("/store/")
        assert hashlib.sha256(body).hexdigest() == digest
        self.server.stored[digest] = body
        self._json({})

    def do_GET(self) -> None:
        path = self._path()
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/\w+)?", path):
            files = self.server.repositories.get(match[1])
            if files is None:
                self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            else:
                siblings = [{"rfilename": name} for name in files]
                self._json({"id": match[1], "sha": COMMIT, "siblings": siblings, "private": False, "tags": []})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/\w+", path):
            files = self.server.repositories[match[1]]
            self._json(
                [{"type": "file", "path": one, "size": len(files[one]), "oid": _oid(files[one])} for one in files]
            )
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/\w+/(.+)", path):
            content = self.server.repositories.get(match[1], {}).get(match[2])
            if content is None:
                self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
            else:
                self._send(content, 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{_oid(content)}"'})
        else:
            self._json({"error": "unknown"}, 404)

    do_HEAD = do_GET

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        if self.server.refuses:
            self._json({"error": self.server.refuses}, 403)
            return
        self.server.repositories.setdefault(name, {})
        self._json({"url": f"{self.server.address}/{name}", "name": name, "id": name})

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        files = self.server.repositories[name]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.stored[value["oid"]]
        url = f"{self.server.address}/{name}/commit/{COMMIT}"
        self._json({"success": True, "commitUrl": url, "commitOid": COMMIT, "hookOutput": ""})

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        return path

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _json(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(value).encode(), status, {"Content-Type": "application/json"} | (headers or {}))

    def _send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _faults(card: str) -> list[dict[str, str]]:
    """What the hub would say of a card whose first lines are no metadata."""
    match = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)
    try:
        found = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError as error:
        return [{"message": str(error)}]
    return [] if isinstance(found, dict) else [{"message": "no metadata"}]


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@contextmanager
def running() -> Iterator[LocalHub]:
    """A hub that answers until the end of the block."""
    with LocalHub() as hub:
        thread = threading.Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
