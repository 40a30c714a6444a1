"""A folder of hostile and unlucky documents: each costs itself, with its reason, and the others are indexed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odqa.corpus import ReadLimits, read
from odqa.index.build import add, build_index, update
from odqa.retrieval.encoder import Encoder
from tests.corpus.hostile import word_xml, write_word

GOOD = '{"text": "The moon orbits the earth."}\n'


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "good.jsonl").write_text(GOOD)
    (folder / "deep.jsonl").write_text(GOOD + '{"text": "Deep.", "x": ' + "[" * 974 + "]" * 974 + "}\n" + GOOD)
    (folder / "infinite.jsonl").write_text('{"text": "The sun has light.", "x": [NaN, 1e999]}\n')
    (folder / "deep.json").write_text('{"data":' * 100_000)
    (folder / "manifest.json").write_text('{"format": ' * 100_000)
    (folder / "sub").mkdir()
    (folder / "sub" / "manifest.json").write_text('{"format": 3, "name": "an extension"}')
    (folder / "nul.csv").write_bytes(b"text\na\0b\n")
    (folder / "line\nbreak.txt").write_text("The tower is in Paris.")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "kernel.txt").symlink_to("/proc/self/maps")
    (folder / "device.txt").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.txt")
    write_word(folder / "bomb.docx", word_xml("<w:p/>" * 5_000_000))
    return folder


def test_each_costs_itself_and_no_run(documents: Path, encoder: Encoder, tmp_path: Path):
    report = build_index([documents], tmp_path / "index", encoder=encoder, on_duplicate="replace")
    assert report.documents == 5
    told = {Path(item.source).relative_to(documents).as_posix(): item.reason for item in report.unusable}
    assert sorted(told) == [
        *("bomb.docx", "deep.json", "deep.jsonl", "device.txt", "kernel.txt", "loop.txt", "manifest.json", "nul.csv"),
        *("pipe.txt", "sub/manifest.json"),
    ]
    assert told["device.txt"] == told["pipe.txt"] == "not a regular file"
    assert "nested" in told["deep.jsonl"] and "the others are used" in told["deep.jsonl"]
    assert "nested" in told["manifest.json"] and "missing key 'data'" in told["sub/manifest.json"]


def test_limits_hold_for_adding_and_updating_and_are_no_part_of_the_index(encoder: Encoder, tmp_path: Path):
    good, large = tmp_path / "good.txt", tmp_path / "large.txt"
    good.write_text("The moon orbits the earth.")
    large.write_text("word " * 200_001)
    index, limits = tmp_path / "index", ReadLimits(megabytes=1)
    report = build_index([good, large], index, encoder=encoder, limits=limits)
    assert ["larger than 1 MB" in item.reason for item in report.unusable] == [True]
    assert "megabytes" not in (index / "manifest.json").read_text()
    good.write_text("The sun has light.")
    assert len(update([good, large], index, encoder=encoder, limits=limits).unusable) == 1
    other = tmp_path / "other.txt"
    other.write_text("The river Seine.")
    assert len(add([other, large], index, encoder=encoder, limits=limits).unusable) == 1


def test_a_file_that_takes_too_long_to_hash_is_read_again_by_every_update(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "good.txt"
    path.write_text("The moon orbits the earth.")
    clock = iter(range(0, 10**6, 400))
    with monkeypatch.context() as patched:
        patched.setattr(read.time, "monotonic", lambda: next(clock))
        assert read.digest_of(path, ReadLimits()) == ""
    assert len(read.digest_of(path, ReadLimits())) == 64
