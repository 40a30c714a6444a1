"""A model's folder goes in, a copy of what is neither its weights nor its tokenizer comes out. Loads no model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from odqa import model_configs
from odqa.answering.fit_file import FILE as FIT
from odqa.errors import ModelError, OdqaError, UsageError
from odqa.files import read_json

CARD = "README.md"
_WEIGHTS = (".safetensors", ".bin", ".h5", ".msgpack", ".ot", ".pt", ".pth", ".ckpt", ".onnx", ".index.json")
_WRITTEN_ANEW = frozenset(
    {
        *(
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
        ),
        *("added_tokens.json", "vocab.txt", "vocab.json", "merges.txt"),
    }
)
_LEFT_OUT = ("onnx", "openvino")  # The same weights for other runtimes, with all their tokens.


def check_output(output: Path, model: Path) -> None:
    """Raise UsageError where ``output`` holds something, or is inside of the model's own folder."""
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} is there already; give a new folder as --output")
    if model in (output.resolve(), *output.resolve().parents):
        raise UsageError(f"{output} is inside of the model's own folder; give another --output")


def transformer_folder(folder: Path) -> Path:
    """Where the transformer is: in sentence-transformers' folders that is what their first module names.

    Raises ModelError where there is none.
    """
    inner = folder
    if (modules := folder / model_configs.MODULES).is_file():
        inner = folder / read_json(modules, "give another model")[0]["path"]
    if not (inner / "config.json").is_file():
        raise ModelError(f"{inner} has no config.json, so it is no model of transformers; give one that is")
    return inner


def prompts(folder: Path) -> list[str]:
    """What an encoder puts before questions and passages."""
    path = folder / "config_sentence_transformers.json"
    content = read_json(path, "give another model") if path.is_file() else {}
    found = content.get("prompts") if isinstance(content, dict) else None
    return [one for one in found.values() if isinstance(one, str) and one] if isinstance(found, dict) else []


def copy_others(folder: Path, inner: Path, fresh: Path) -> None:
    """Copy all files but those of the transformer in ``inner`` that are written anew, hidden ones, and a reader's fit.

    What was fitted belongs to the reader with all its tokens, and no other one can be used with it.
    """
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") or part in _LEFT_OUT for part in inside.parts):
            continue
        if inside == Path(FIT):
            continue
        of_tokens = path.name in _WRITTEN_ANEW or path.name.endswith((*_WEIGHTS, ".model", ".tiktoken"))
        if path.parent == inner and of_tokens:
            continue
        (fresh / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, fresh / inside)
    (fresh / inner.relative_to(folder)).mkdir(parents=True, exist_ok=True)


def size(folder: Path) -> int:
    """Bytes of a transformer's weights and tokenizer; of weights in two formats those of safetensors."""
    weights = list(folder.glob("*.safetensors")) or list(folder.glob("*.bin"))
    return sum(path.stat().st_size for path in (*weights, folder / "tokenizer.json") if path.is_file())


def add_to_card(folder: Path, text: str) -> None:
    """Append a text to the model card, which may not be there yet."""
    card = folder / CARD
    before = card.read_text(encoding="utf-8", errors="replace").rstrip() + "\n\n" if card.is_file() else ""
    card.write_text(before + text, encoding="utf-8")


@contextmanager
def beside(output: Path) -> Iterator[Path]:
    """A folder beside ``output`` for what is not whole yet, gone at the end.

    Raises OdqaError where it cannot be written to, as on a full disk.
    """
    from safetensors import SafetensorError

    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as folder:
            yield Path(folder)
    except (OSError, SafetensorError) as error:
        detail = str(getattr(error, "strerror", None) or error)
        raise OdqaError(
            f"{output}: the model cannot be written ({detail}); make room, or give another --output"
        ) from None
