"""A graph computes in several threads, in a forked process, and from what an earlier process compiled."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from odqa.errors import ModelError
from odqa.reader.model import Reader
from tests.forks import run

QUESTIONS = ["Where is the Louvre?", "Who built the tower?", "Which river?"] * 5
CONTEXTS = [
    "The Louvre is a museum in Paris.",
    "The tower was built by the engineer. " * 9,
    "The Seine is the river.",
] * 5


@pytest.fixture(scope="module")
def reader(tiny_reader: Path) -> Reader:
    return Reader.load(tiny_reader, dtype="float32", backend="openvino")


def test_threads_may_share_a_network(reader: Reader) -> None:
    wanted = reader.read(QUESTIONS, CONTEXTS, batch_size=2)
    found = {}

    def read(number: int) -> None:
        found[number] = reader.read(QUESTIONS, CONTEXTS, batch_size=2)

    threads = [threading.Thread(target=read, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(3)] == [wanted] * 3


def test_an_iterator_that_is_left_early_leaves_the_network_usable(reader: Reader) -> None:
    wanted = reader.read(QUESTIONS, CONTEXTS)
    logits = reader.logits(QUESTIONS, CONTEXTS, batch_size=1)
    next(logits)
    logits.close()
    assert reader.read(QUESTIONS, CONTEXTS) == wanted


def test_what_was_compiled_is_found_by_the_next_process(reader: Reader, tiny_reader: Path) -> None:
    again = Reader.load(tiny_reader, dtype="float32", backend="openvino")
    assert list(again.network._kept.glob("*.blob")), "kept"
    assert again.read(QUESTIONS, CONTEXTS) == reader.read(QUESTIONS, CONTEXTS)


def test_numbers_that_are_no_tokens_are_told(reader: Reader) -> None:
    class Wrong:
        backend, device, precision, streams, batch_tokens = "openvino", "cpu", "float32", 1, 64

        def run(self, batches):
            yield from reader.network.run({"nothing": inputs["input_ids"]} for inputs in batches)

    wrong = Reader(Wrong(), reader.tokenizer, name="wrong")
    with pytest.raises(ModelError, match="the reader wrong fails on its input"):
        wrong.read(QUESTIONS[:1], CONTEXTS[:1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_computes_what_its_parent_does(tiny_reader: Path, tmp_path: Path) -> None:
    program = """
import os
import numpy as np
from pathlib import Path
from odqa.reader.model import Reader
reader = Reader.load(sys.argv[1], dtype="float32", backend="openvino")
pairs = ["Where is the Louvre?"] * 7, ["The Louvre is a museum in Paris. " * 9] * 7

def save(name, reader=reader):
    reading = reader.read(*pairs, batch_size=2)[3]
    np.save(Path(sys.argv[2]) / name, np.array([span.score for span in reading.spans]))

save("parent")
assert reader.network.streams == 2
forked(lambda: save("child"))
child = os.fork()
if not child:  # Leaves as programs do: libraries wait for their threads then.
    save("another")
    save("loaded", Reader.load(sys.argv[1], dtype="float32", backend="openvino"))
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
save("afterwards")
"""
    run(program, tiny_reader, tmp_path)
    parent = np.load(tmp_path / "parent.npy")
    for name in ("child", "another", "loaded", "afterwards"):
        assert np.load(tmp_path / f"{name}.npy") == pytest.approx(parent, abs=1e-4), name
