"""What a record calls the files and models of a run: names that say nothing of the folders that they lie in."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.training.names import inputs, shortened, told
from odqa.training.recipe import Recipe, Source, make_recipe


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files of one name, and one whose name is that which the second of them would get."""
    paths = [tmp_path / "secret" / "one" / "a.json", tmp_path / "secret" / "two" / "a.json", tmp_path / "a.json (2)"]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(path))
    return paths


def test_files_of_one_name_are_told_apart_and_ids_stay(files, monkeypatch):
    one, two, other = map(str, files)
    name = shortened([one, "owner/name", other, two, one])
    assert [name(path) for path in (one, two, other, "owner/name")] == [
        "a.json",
        "a.json (3)",
        "a.json (2)",
        "owner/name",
    ]
    monkeypatch.chdir(files[0].parents[1])
    assert name("one/a.json") == name("./one/../one/a.json") == "a.json", "one file, however it is spelled"
    assert name("one") == "one" and name(".") == "secret"
    assert name("gone/a.json") == "gone/a.json", "as far as can be seen, the id of a dataset"
    assert name("/gone/b.json") == "b.json"


def test_a_recipe_and_the_hashes_of_what_it_reads_have_one_name_for_a_file(files):
    one, two, _ = map(str, files)
    made = make_recipe({"train": (Source(one), Source(two), Source("owner/name")), "base": str(files[0].parent)})
    recipe, hashes = inputs(made, {one: "11", two: "22"})
    assert [source["path"] for source in recipe["train"]] == ["a.json", "a.json (2)", "owner/name"]
    assert hashes == {"a.json": "11", "a.json (2)": "22"}
    assert (recipe["base"], recipe["distill"], recipe["epochs"]) == ("one", "", 2)


def test_an_older_recipe_and_what_is_no_path_stay_as_they_are():
    odd = {"train": ({"path": 7}, {}), "eval": (3,), "base": None, "index": "", "of_old": "/home/me/x", "epochs": 1}
    assert told(odd, Recipe, shortened(())) == odd
