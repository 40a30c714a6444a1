"""The recipe of an encoder, and the one of the repository."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from odqa.errors import DataError, UsageError
from odqa.retriever_training.recipe import RetrieverRecipe, make_recipe, read_recipe
from odqa.training.recipe import Recipe, Source, setting_of, settings_of

RECIPES = Path(__file__).parents[2] / "recipes"


def test_the_recipe_of_the_repository_is_one():
    settings = read_recipe(RECIPES / "retriever-docs.toml")
    try:
        made = make_recipe(settings)
    except DataError as error:  # Its data may be another version here; nothing else may be wrong.
        assert "SHA-256" in str(error)
    else:
        assert not any("dev-v2" in source.path for source in (*made.train, *made.eval))


def test_paths_are_looked_for_beside_the_recipe(tmp_path):
    for name in ("mine.json", "model", "texts"):
        (tmp_path / name).mkdir()
    text = 'base = "model"\ndistill = "owner/name"\nfrom_documents = ["texts", "gone"]\n[[eval]]\npath = "mine.json"\n'
    (tmp_path / "r.toml").write_text(text)
    assert read_recipe(tmp_path / "r.toml") == {
        "base": str(tmp_path / "model"),
        "distill": "owner/name",
        "from_documents": (str(tmp_path / "texts"), "gone"),
        "eval": (Source(str(tmp_path / "mine.json")),),
    }


def test_every_setting_has_help_and_a_default_within_its_limits_and_its_own_come_first():
    for one in fields(RetrieverRecipe):
        assert setting_of(RetrieverRecipe, one.name).help
        assert one.default is not MISSING and not setting_of(RetrieverRecipe, one.name).fault(one.default)
    names = settings_of(RetrieverRecipe)
    assert sorted(names) == sorted(one.name for one in fields(RetrieverRecipe))
    assert names.index("margin") < names.index("batch_size") < names.index("seed")


def test_what_every_recipe_has_is_checked_too():
    with pytest.raises(UsageError, match="seed is -1"):
        RetrieverRecipe(train=(Source("a"),), seed=-1)
    with pytest.raises(UsageError, match="margin is 2"):
        RetrieverRecipe(train=(Source("a"),), margin=2)


@pytest.mark.parametrize("kind", [Recipe, RetrieverRecipe])
def test_an_index_in_a_milvus_has_to_be_copied_first(kind):
    assert kind(train=(Source("a"),), index="indexes/docs").index == "indexes/docs"
    with pytest.raises(UsageError, match=r"training works on an index folder.*odqa copy milvus:a\.db/b FOLDER"):
        kind(train=(Source("a"),), index="milvus:a.db/b")
