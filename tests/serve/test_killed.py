"""A server that is killed while people use it, and started again: what it had acknowledged is there, and whole."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from odqa.serve.feedback import read
from odqa.serve.indexes import Models
from odqa.squad import load_examples
from tests.serve.process import serving

PEOPLE = 4
EACH = 5  # Answers that each of them judges before the server is killed, and again after it has come back.
QUESTION = "What is the capital of Germany?"
LONG = " " + "indeed " * 120  # So that a line takes a while to write.


class Person:
    """Asks, and says of each answer that it is right, until told to stop; notes what the server acknowledged."""

    def __init__(self, url: str, number: int) -> None:
        self.address = str(urlsplit(url).netloc)
        self.number = number
        self.acknowledged: dict[str, str] = {}  # The id that a judgement was given → the question it was about.
        self.failed = 0

    def use(self, enough: threading.Event, done: threading.Semaphore) -> None:
        """Use the server; whatever it does not answer is done anew."""
        connection = HTTPConnection(self.address, timeout=60)
        while not enough.is_set():
            try:
                self.judge(connection)
                done.release()
            except (OSError, HTTPException):  # It is not there; nothing was acknowledged.
                self.failed += 1
                connection.close()
                enough.wait(0.05)
        connection.close()

    def judge(self, connection: HTTPConnection) -> None:
        """Ask a question, and call its first answer right."""
        status, response = exchange(connection, "/ask", {"question": QUESTION, "k": 1, "n": 1})
        assert status == 200, response
        (answer,) = response["answers"]
        question = f"{QUESTION[:-1]}, {self.number} {len(self.acknowledged)}?{LONG}".strip()
        said = {"question": question, "verdict": "right", "document": answer["document"]["id"]}
        status, saved = exchange(
            connection, "/feedback", said | {"start": answer["start"], "end": answer["end"], "text": answer["text"]}
        )
        assert status == 201, saved
        self.acknowledged[saved["id"]] = question


def exchange(connection: HTTPConnection, path: str, value: object) -> tuple[int, dict]:
    connection.request("POST", path, json.dumps(value), {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@pytest.mark.timeout(400)  # The libraries of models are loaded twice, which takes long on a busy machine.
@pytest.mark.skipif(os.name != "posix", reason="kills a process as Unix does")
def test_a_server_that_is_killed_under_load_loses_no_feedback_and_breaks_none(
    notes: Path, models: Models, tmp_path: Path
) -> None:
    file = tmp_path / "feedback.jsonl"
    options = ("--index", f"notes={notes}", "--reader", models.reader.folder, "--feedback", file)
    enough, done = threading.Event(), threading.Semaphore(0)
    with ThreadPoolExecutor(PEOPLE) as pool:
        try:
            with serving(*options, "--port", 0) as first:
                people = [Person(first.url, number) for number in range(PEOPLE)]
                using = [pool.submit(person.use, enough, done) for person in people]
                wait(done, PEOPLE * EACH, using)
                first.process.kill()
                first.process.wait()
            with file.open("ab") as stream:  # As where the machine itself went down while a line was written.
                stream.write(b'{"id": "torn", "question": "What')
            with serving(*options, "--port", urlsplit(first.url).port) as second:
                assert second.url == first.url
                wait(done, 2 * PEOPLE * EACH, using)
                enough.set()
                for one in using:
                    one.result()
        finally:
            enough.set()
    assert all(person.failed for person in people), "the server was killed while all of them used it"
    lines = file.read_bytes().split(b"\n")
    assert lines.pop() == b"" and all(isinstance(json.loads(line), dict) for line in lines)
    kept = {record.id: record.question for record in read(file)}
    assert len(kept) == len(lines)
    acknowledged = {id: question for person in people for id, question in person.acknowledged.items()}
    assert acknowledged.items() <= kept.items()
    # What was on the disk when the server was killed, and not acknowledged: a judgement of each person at most.
    assert len(kept) - len(acknowledged) <= PEOPLE
    assert all(example.answerable for example in load_examples(file))


def wait(done: threading.Semaphore, times: int, using: Sequence[Future[None]]) -> None:
    """Wait until so many judgements more were acknowledged; raises what a person met that should not be."""
    for _ in range(times):
        while not done.acquire(timeout=5):
            for one in using:
                if one.done():
                    one.result()
