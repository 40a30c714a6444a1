"""A model's folder is data: none of its code is run, no pickle is loaded, nobody is asked, and nothing is fetched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odqa.errors import ModelError, OdqaError, UsageError
from odqa.model_configs import check
from odqa.models import DEFAULT_ENCODER, DEFAULT_READER, resolve
from odqa.reader.model import Reader
from odqa.retrieval.encoder import Encoder
from odqa.training.base import load as load_base
from odqa.training.distill import load_teacher
from tests import bombs, hostile, tiny

OWN_CODE = {
    "auto_map": {
        "AutoConfig": "evil.Config",
        "AutoModel": "evil.Model",
        "AutoModelForQuestionAnswering": "evil.Model",
        "AutoTokenizer": ["evil.Tokenizer", "evil.Tokenizer"],
    }
}
LOADERS: dict[str, Callable[[Path], object]] = {
    "reader": lambda folder: Reader.load(folder, device="cpu"),
    "base": lambda folder: load_base(resolve(folder), 64),
    "teacher": lambda folder: load_teacher(str(folder), "base", tiny.make_tokenizer(), 64, ()),
    "encoder": lambda folder: Encoder.load(folder, device="cpu"),
}


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, tiny_reader: Path, tiny_encoder: Path) -> Path:
    """A copy of a tiny model, with a Python file that makes the file ``ran`` where it is imported."""
    made = shutil.copytree(tiny_encoder if request.param == "encoder" else tiny_reader, tmp_path / "model")
    (made / "evil.py").write_text(
        f"open({str(made / 'ran')!r}, 'w')\n"
        "from transformers import BertConfig, BertForQuestionAnswering as Model, BertTokenizer as Tokenizer\n"
        "class Config(BertConfig):\n    model_type = 'evil'\n"
    )
    return Path(made)


def change(path: Path, **values: Any) -> None:
    content = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content | values))


def refused(name: str, folder: Path) -> str:
    """Why the folder is refused; nothing of it has run."""
    with pytest.raises(ModelError) as error:
        LOADERS[name](folder)
    assert not (folder / "ran").exists()
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object) -> str:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr("builtins.input", ask)


each = pytest.mark.parametrize(("folder", "name"), [(name, name) for name in LOADERS], indirect=["folder"])


@each
@pytest.mark.usefixtures("nobody_is_asked")
def test_code_of_its_own_is_neither_run_nor_asked_about(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder / "config.json", **OWN_CODE, model_type="evil")
    change(folder / "tokenizer_config.json", **OWN_CODE)
    assert "odqa never runs code of a model" in refused(name, folder)
    assert capsys.readouterr().out == ""


@each
@pytest.mark.usefixtures("nobody_is_asked")
def test_a_model_that_the_libraries_know_is_loaded_without_its_code(folder: Path, name: str) -> None:
    change(folder / "config.json", **OWN_CODE)
    change(folder / "tokenizer_config.json", **OWN_CODE)
    LOADERS[name](folder)
    assert not (folder / "ran").exists()


@each
def test_a_tokenizer_that_was_not_saved_is_missed(folder: Path, name: str) -> None:
    """transformers makes one up, to which every word is unknown."""
    for path in folder.rglob("*"):
        if path.name.startswith(("tokenizer", "special_tokens", "vocab")):
            path.unlink()
    assert "no tokenizer is in the folder; save it there, too" in refused(name, folder)


@each
@pytest.mark.parametrize("way", ["zip", "plain", "index"])
def test_weights_that_are_a_pickle_do_not_run(folder: Path, name: str, way: str, tmp_path: Path) -> None:
    bombs.check(tmp_path)
    (folder / "model.safetensors").unlink()
    if way == "plain":
        (folder / "pytorch_model.bin").write_bytes(bombs.plain(folder / "ran"))
    else:
        bombs.write_torch(folder / ("pytorch_model.bin" if way == "zip" else "part.bin"), folder / "ran")
    if way == "index":
        parts = {"metadata": {"total_size": 1}, "weight_map": {"weight": "part.bin", "bomb": "part.bin"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(parts))
    assert "model.safetensors" in refused(name, folder)


@each
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"attn_implementation": "owner/kernel"}, "code from elsewhere"),
        ({"_attn_implementation": "owner/kernel"}, "code from elsewhere"),
        ({"num_hidden_layers": 10**7}, "num_hidden_layers is 1e+07"),
        ({"max_position_embeddings": 10**8}, "max_position_embeddings is 1e+08"),
        ({"vocab_size": 1e400}, "vocab_size is inf"),
        ({"hidden_size": float("nan")}, "hidden_size is nan"),
        ({"num_labels": 10**9}, "num_labels is 1e+09"),
        ({"text_config": {"sub": [{"num_layers": 10**7}]}}, "num_layers is 1e+07"),
        ({"model_kwargs": {"weights_only": False}}, "pickles"),
    ],
)
def test_a_configuration_that_must_not_be_followed_is_refused(
    folder: Path, name: str, values: dict[str, Any], said: str
) -> None:
    change(folder / "config.json", **values)
    assert said in refused(name, folder)


@each
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a": ' * 5_000 + "1" + "}" * 5_000, '{"a": ' + "9" * 5_000 + "}", "3"]
)
def test_a_configuration_that_is_none_is_refused(folder: Path, name: str, file: str, text: str) -> None:
    (folder / file).write_text(text)
    refused(name, folder)


@pytest.mark.parametrize("folder", ["encoder"], indirect=True)
@pytest.mark.parametrize(
    "kind",
    [
        *("evil.Module", "os.system", "os", "", None, 5, "builtins.eval", "torch.nn.Linear"),
        *("sentence_transformers.util.http_get", "sentence_transformers.SentenceTransformer", "sentence_transformers."),
        *("sentence_transformers_evil.models.Pooling", "sentence_transformers.models.Pooling()"),
    ],
)
def test_a_module_that_is_not_one_of_sentence_transformers_is_refused(folder: Path, kind: object) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = kind
    (folder / "modules.json").write_text(json.dumps(modules))
    assert "modules.json: its type" in refused("encoder", folder)


@pytest.mark.parametrize("folder", ["encoder"], indirect=True)
@pytest.mark.parametrize("path", ["../other", "/etc", "a/../../b", 5, None])
def test_a_module_lies_inside_the_model_s_folder(folder: Path, path: object) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["path"] = path
    (folder / "modules.json").write_text(json.dumps(modules))
    assert "modules.json: its path" in refused("encoder", folder)


@pytest.mark.parametrize("folder", ["encoder"], indirect=True)
@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("3_Dense/config.json", {"activation_function": "os.abort"}),
        ("3_Dense/config.json", {"activation_function": "torch.hub.list"}),
        ("wordembedding_config.json", {"tokenizer_class": "evil.Tokenizer"}),
        ("router_config.json", {"types": {"query": "evil.Module"}}),
        ("sentence_bert_config.json", {"model_args": {"weights_only": False}}),
        ("sentence_bert_config.json", {"model_args": {"attn_implementation": "owner/kernel"}}),
    ],
)
def test_a_module_s_configuration_names_no_code_of_others(folder: Path, file: str, values: dict[str, Any]) -> None:
    change(folder / file, **values)
    assert Path(file).name in refused("encoder", folder)


@pytest.mark.parametrize("folder", ["encoder"], indirect=True)
@pytest.mark.usefixtures("nobody_is_asked")
def test_a_configuration_cannot_say_that_its_code_is_trusted(folder: Path) -> None:
    change(folder / "config.json", **OWN_CODE, model_type="evil")
    trust = {"trust_remote_code": True}
    change(folder / "sentence_bert_config.json", model_args=trust, config_args=trust, tokenizer_args=trust)
    assert "odqa never runs code of a model" in refused("encoder", folder)


@pytest.mark.parametrize("folder", ["encoder"], indirect=True)
def test_a_module_s_weights_that_are_a_pickle_do_not_run(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    size = {"in_features": tiny.DIMENSION, "out_features": tiny.DIMENSION}
    change(folder / "3_Dense" / "config.json", **size, activation_function="torch.nn.modules.activation.Tanh")
    bombs.write_torch(folder / "3_Dense" / "pytorch_model.bin", folder / "ran")
    assert "pickle" in refused("encoder", folder)


@pytest.mark.parametrize("limit", [0, -1, 1.5, "x", True, float("nan"), []])
def test_a_tokenizer_s_limit_is_a_number_of_tokens(tmp_path: Path, limit: object) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": limit}))
    with pytest.raises(ModelError, match="model_max_length"):
        check(tmp_path)


@pytest.mark.parametrize("limit", [1, 512, 10**30, 1e30, float("inf"), None])
def test_a_tokenizer_may_have_no_limit(tmp_path: Path, limit: object) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": limit}))
    check(tmp_path)


@pytest.mark.parametrize("name", [DEFAULT_READER, DEFAULT_ENCODER])
def test_the_shipped_models_are_not_refused(name: str) -> None:
    check(resolve(name).folder)


SENTENCE = "Paris is the capital of France."


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_reader(tmp_path_factory.mktemp("scratch"))


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_reader_with_any_changed_setting_reads_or_is_refused(scratch: Path, data: st.DataObject) -> None:
    file = scratch / data.draw(st.sampled_from(["config.json", "tokenizer_config.json"]))
    before = file.read_text()
    changed = data.draw(hostile.mutations(json.loads(before)))
    backend = data.draw(st.sampled_from(["torch", "torch", "torch", "auto"]))  # A graph of each takes a second.
    file.write_text(changed)
    try:
        reader = Reader.load(scratch, device="cpu", dtype="float32", backend=backend)
        readings = reader.read(["Which river?"], [SENTENCE])
        assert all(0 <= span.start < span.end <= len(SENTENCE) for span in readings[0].spans)
    except (ModelError, UsageError):
        pass
    finally:
        file.write_text(before)


def test_weights_that_are_not_numbers_are_told(tmp_path: Path, tiny_reader: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    made = shutil.copytree(tiny_reader, tmp_path / "reader")
    broken = {
        name: torch.full_like(value, float("nan")) for name, value in load_file(made / "model.safetensors").items()
    }
    save_file(broken, made / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="not finite"):
        Reader.load(made, device="cpu").read(["Which river?"], [SENTENCE])


def test_a_tokenizer_of_another_model_is_told(tmp_path: Path, tiny_reader: Path) -> None:
    """Its tokens have numbers that the model has no embedding for."""
    made = shutil.copytree(tiny_reader, tmp_path / "reader")
    tokenizer = tiny.make_tokenizer()
    tokenizer.add_tokens([f"paris{number}" for number in range(50)])
    tokenizer.save_pretrained(made)
    with pytest.raises(OdqaError, match="do not fit together"):
        Reader.load(made, device="cpu").read(["Which river?"], ["paris49 is in France"])
