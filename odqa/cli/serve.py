"""``odqa serve``: indexes and an address in; a server that answers over HTTP until it is stopped out."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odqa import extras
from odqa.cli import complete
from odqa.cli.common import command, tell_fallback
from odqa.cli.defaults import given_or_set, index_or_default, setting
from odqa.cli.options import AUTO, AnswerableOption, DeviceOption, ReaderOption
from odqa.cli.output import note
from odqa.cli.progress import status
from odqa.errors import UsageError
from odqa.models import DEFAULT_READER
from odqa.types import DEFAULT_INDEX, Mode

if TYPE_CHECKING:
    from odqa.serve.service import Settings

NEEDED = ("fastapi", "uvicorn", "prometheus_client")


@command
def serve(
    index: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]INDEX",
            autocompletion=complete.indexes,
            help="Index to serve, a folder or one in a Milvus, and what it is called; repeatable, the first is the "
            f"default. {DEFAULT_INDEX} if not given.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a key.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8265,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="ODQA_API_KEY", help="What every request has to bring; better set as ODQA_API_KEY."),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Origin whose pages may ask, as https://wiki.example.com; repeatable."),
    ] = None,
    feedback: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take what people say of answers, and write it to this .jsonl file."),
    ] = None,
    queue: Annotated[int, typer.Option(min=1, help="Questions that may wait; more are told to come again.")] = 64,
    batch: Annotated[int, typer.Option(min=1, help="Questions that are read together at most.")] = 16,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="S", help="Seconds that a request may take.")] = 60.0,
    reader: ReaderOption = DEFAULT_READER,
    ranking: Annotated[
        str | None,
        typer.Option(help="Rank answers by this ranking; the best one that was fitted for each index if not given."),
    ] = None,
    answerable: AnswerableOption = None,
    device: DeviceOption = AUTO,
) -> None:
    """Answer questions over HTTP, from a page in the browser and for programs, until Ctrl-C.

    An index whose folder changes is opened anew, without a request failing. On SIGTERM or Ctrl-C what was begun is
    finished, and the exit code is 0; a second Ctrl-C ends it at once.

    Examples:

    odqa serve --index indexes/handbook

    odqa serve --index handbook=indexes/handbook --index wiki=/srv/wiki --port 8300

    ODQA_API_KEY=… odqa serve --index indexes/handbook --host 0.0.0.0 --feedback feedback.jsonl

    odqa ask "How many vacation days do I have?" --url http://127.0.0.1:8265

    """
    extras.need("serve", "serving", *NEEDED)
    from odqa.serve.app import around, create_app
    from odqa.serve.indexes import Indexes, Models, named_folders
    from odqa.serve.limits import is_loopback
    from odqa.serve.run import listening, url_of
    from odqa.serve.run import serve as run

    local = is_loopback(host)
    feedback = feedback or setting("feedback", None)
    settings = _settings(local, host, api_key, cors or [], feedback, queue, batch, timeout)
    folders = named_folders(index or [], index_or_default(None))
    answerable = given_or_set(answerable, "answerable")
    models = Models(reader, device=device, ranking=ranking, answerable=answerable)
    bound = listening(host, port)
    logging.basicConfig(format="odqa: %(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("odqa.serve").setLevel(logging.INFO)
    with bound:
        with status("Loading the models…"):
            opened = Indexes(folders, models)
        with opened as indexes:
            with status("Warming up…"):
                indexes.warm()
            for name in indexes.names:
                with indexes.use(name) as version:
                    tell_fallback(version.pipeline(Mode.HYBRID).retriever.fallback)
            indexes.watch()
            told = f"serving {', '.join(indexes.names)} at {url_of(bound)}; Ctrl-C stops it"
            app = create_app(indexes, settings, local=local)
            run(app, bound, timeout, lambda: note(told), around(app))


def _settings(
    local: bool,
    host: str,
    key: str | None,
    cors: Sequence[str],
    feedback: Path | None,
    queue: int,
    batch: int,
    timeout: float,
) -> Settings:
    """The settings, all of them checked before anything is loaded. Raises UsageError."""
    from odqa.serve.feedback import prepare
    from odqa.serve.limits import origins
    from odqa.serve.service import Settings

    if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key != ""):
        raise UsageError("the API key has to be of printable ASCII characters, without spaces around it")
    if key is None and not local:
        raise UsageError(
            f"--host {host} lets other machines ask: set ODQA_API_KEY to a secret that they send, or leave out --host"
        )
    if not math.isfinite(timeout):
        raise UsageError(f"--timeout is {timeout}: give a number of seconds, such as 60")
    if feedback is not None:
        prepare(feedback)
    return Settings(key, queue, batch, timeout, cors=tuple(origins(cors)), feedback=feedback)
