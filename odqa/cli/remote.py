"""``--url`` in; a client of the server there out, with the key of the environment. Loads no model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from odqa.errors import UsageError

if TYPE_CHECKING:
    from odqa.serve.client import Client

KEY = "ODQA_API_KEY"

UrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Ask a server of odqa serve, http://127.0.0.1:8265, and load nothing here; --index then names one of its "
        f"indexes. {KEY} is its key, if it wants one.",
    ),
]


def client_of(url: str, others: Sequence[tuple[str, bool]]) -> Client:
    """A client for a server. ``others`` are as in :func:`check_own`.

    Raises UsageError where one is given, and for what is no URL.
    """
    from odqa.serve.client import Client

    check_own(others)
    return Client(url, api_key=os.environ.get(KEY))


def check_own(others: Sequence[tuple[str, bool]]) -> None:
    """Raise UsageError where one of the options that are a server's own is given beside ``--url``: (name, given)."""
    other = next((name for name, given in others if given), None)
    if other:
        raise UsageError(f"--url asks a server, which was started with its own {other}: leave out one of the two")
