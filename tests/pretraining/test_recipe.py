"""Settings from a file and flags: presets, what a base settles, and what makes no sense."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from odqa.errors import DataError, UsageError
from odqa.pretraining.recipe import LanguageRecipe, make_recipe, overridden, read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"


def test_without_a_preset_it_is_the_small_roberta_of_the_book():
    made = make_recipe({"texts": ("a",)})
    shape = (made.layers, made.hidden, made.heads, made.positions, made.vocab_size, made.min_frequency)
    assert shape == (6, 768, 12, 514, 30522, 2)


def test_a_preset_gives_what_is_not_set_otherwise():
    made = make_recipe({"texts": ("a",), "preset": "tiny", "layers": 3})
    assert (made.preset, made.layers, made.hidden, made.heads) == ("tiny", 3, 128, 2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base": "b", "layers": 3, "vocab_size": 400}, "base b settles already what vocab_size, layers would say"),
        ({"base": "b", "preset": "tiny"}, "base b settles already what preset would say"),
        ({"tokenizer": "t", "min_frequency": 3}, "tokenizer t settles already what min_frequency would say"),
        ({"hidden": 100, "heads": 3}, "must be a multiple of them, such as 102"),
        ({"preset": "huge"}, "preset is 'huge'; it must be one of tiny, mini, small, base"),
        ({"vocab_size": 10}, "vocab_size is 10; it must be at least 300"),
        ({"held_out": 0.9}, r"held_out is 0\.9; it must be .* at most 0\.5"),
        ({"texts": ()}, "no texts: name files or folders"),
    ],
)
def test_what_makes_no_sense_is_named(settings, said):
    with pytest.raises(UsageError, match=said):
        make_recipe({"texts": ("a",)} | settings)


def test_a_file_names_its_texts_from_its_own_folder(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("text")
    (tmp_path / "r.toml").write_text('texts = ["mine.txt", "owner/name"]\npreset = "mini"\n')
    assert read_recipe(tmp_path / "r.toml") == {
        "texts": (str(tmp_path / "mine.txt"), "owner/name"),
        "preset": "mini",
    }
    (tmp_path / "r.toml").write_text("masked_share = 0.2\n")
    with pytest.raises(DataError, match=r"unknown setting 'masked_share'.*did you mean 'mask_share'"):
        read_recipe(tmp_path / "r.toml")


def test_a_flag_leaves_out_what_it_settles_otherwise():
    of_file = {"texts": ("a",), "preset": "tiny", "layers": 4, "vocab_size": 400, "epochs": 2}
    other = make_recipe(overridden(of_file, {"preset": "base"}))
    assert (other.layers, other.hidden, other.vocab_size, other.epochs) == (12, 768, 400, 2)
    adapted = make_recipe(overridden(of_file, {"base": "mine", "epochs": 1}))
    assert (adapted.base, adapted.preset, adapted.texts, adapted.epochs) == ("mine", "", ("a",), 1)
    assert make_recipe(overridden(of_file, {"hidden": 256})).layers == 4
    with pytest.raises(UsageError, match="base mine settles already what preset would say"):
        make_recipe(overridden(of_file, {"base": "mine", "preset": "tiny"}))


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_the_chain_from_scratch_makes_what_is_missing_and_asks_it(tmp_path: Path):
    """The script, with a program that only writes down what it was asked: a finished stage is not made again."""
    (tmp_path / "recipes").mkdir()
    shutil.copy(RECIPES / "from-scratch.sh", tmp_path / "recipes")
    program = tmp_path / "bin" / "odqa"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$1" "$3" >> log\n')
    program.chmod(0o755)
    (tmp_path / "runs" / "from-scratch-language").mkdir(parents=True)
    (tmp_path / "runs" / "from-scratch-language" / "config.json").write_text("{}")
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    script = tmp_path / "recipes" / "from-scratch.sh"
    subprocess.run([script], env={**os.environ, "PATH": path}, timeout=60, check=True)
    assert (tmp_path / "log").read_text().splitlines() == [
        "fill-mask Paris is the capital <mask> France.",
        "train-reader recipes/from-scratch-reader.toml",
        "eval ./runs/from-scratch-reader",
    ]


def test_the_recipe_of_the_chain_is_one_that_never_reads_what_it_is_scored_on():
    made = make_recipe(read_recipe(RECIPES / "from-scratch.toml"))
    assert (made.preset, made.layers, made.max_length) == ("tiny", 4, made.positions - 2)
    assert not any("dev-v2" in one or "xquad" in one for one in made.texts)


def test_every_setting_is_one_of_a_recipe():
    assert LanguageRecipe(texts=("a",)) == make_recipe({"texts": ("a",)})
