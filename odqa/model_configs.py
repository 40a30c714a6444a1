"""A model's folder goes in; it is refused where its configuration would run code or take the whole machine.

The libraries that load models do what configurations say: import a Python file of the folder, fetch a kernel, build ten
million layers. Here these files are read as data first. Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from odqa.errors import ModelError
from odqa.files import read_json

MODULES = "modules.json"  # What a sentence-transformers model is made of.
TOKENIZER = "tokenizer_config.json"
# How the libraries load a folder: none of its code, and nothing from elsewhere.
DATA_ALONE = {"trust_remote_code": False, "local_files_only": True}
NEEDED = frozenset({"config.json", TOKENIZER})
MOST_PARTS = 10_000
MOST_UNITS = 1 << 24
_FOLLOWED = re.compile(r"(tokenizer_|router_|wordembedding_|sentence_[\w-]*_)?config\.json|modules\.json")
_OWN_MODULE = re.compile(r"sentence_transformers\.(\w+\.)*(models|modules)(\.\w+)+")
_CLASS = re.compile(r"(sentence_transformers|torch\.nn)\.[\w.]+")
_CLASS_KEYS = frozenset({"activation_function", "tokenizer_class", "type"})
_PARTS = re.compile(r"(layers?|depths?|blocks?|block_sizes|stages|labels|heads?|experts|groups)$")
_UNITS = re.compile(r"(sizes?|dims?|positions?|embeddings?|width|channels)$")


def check(folder: Path) -> None:
    """Raise ModelError, naming the file, where a configuration in ``folder`` must not be followed.

    It may name no class, module or kernel from outside the libraries, load no pickle, and ask for no more than
    ``MOST_PARTS`` layers, heads and the like and ``MOST_UNITS`` positions, tokens or units. An ``auto_map``, which
    names code of the folder, is harmless where the libraries are told not to follow it and know the model themselves.
    Raises DataError where one is no JSON, UsageError where it is no regular file.
    """
    for path in sorted(folder.rglob("*.json")):
        if not _FOLLOWED.fullmatch(path.name) or not path.is_file():
            continue
        if problem := _problem(path.name, read_json(path, "give another model")):
            raise ModelError(f"{path}: {problem}")


def check_tokenizer(tokenizer: Any) -> None:
    """Raise ModelError for a tokenizer without a token but special ones.

    Such a one is what transformers makes up where a folder has no file of a tokenizer: every word is unknown to it.
    """
    special = getattr(tokenizer, "all_special_ids", None)
    if special is not None and len(tokenizer) <= len(set(special)):
        raise ModelError("no tokenizer is in the folder; save it there, too: tokenizer.save_pretrained(FOLDER)")


def reason(error: Exception) -> str:
    """In one line why a library could not load a model: what it says, or that the model is code or a pickle."""
    text = str(error).strip()
    if "trust_remote_code" in text:
        return "it needs code that comes with it, and odqa never runs code of a model"
    if "weights_only" in text.lower() or "weights only" in text.lower():
        return "its weights are a pickle that is not of numbers alone; save them as model.safetensors"
    return text.splitlines()[0] if text else type(error).__name__


def _problem(name: str, content: Any) -> str:
    """What is wrong with the configuration of that file name; empty where nothing is."""
    if name == MODULES:
        return _modules_problem(content)
    if not isinstance(content, dict):
        # No library reads settings from a list: data_config.json of all-MiniLM-L6-v2 is one, of what it was trained on.
        return "it must be an object of settings" if name in NEEDED else ""
    if name == TOKENIZER:
        return _tokenizer_problem(content)
    for keys, value in _leaves(content):
        key = keys[-1]
        if key == "weights_only" and value is not True:
            return "it asks to load pickles, which run code"
        if key.endswith("attn_implementation") and isinstance(value, str) and "/" in value:
            return f"its {key} is {value!r}, code from elsewhere"
        of_class = key in _CLASS_KEYS or "types" in keys
        if of_class and isinstance(value, str) and "." in value and not _CLASS.fullmatch(value):
            return f"its {key} is {value!r}, which is no class of sentence-transformers or torch.nn"
        if problem := _size_problem(key, value):
            return problem
    return ""


def _modules_problem(content: Any) -> str:
    if not isinstance(content, list) or not content or not all(isinstance(one, dict) for one in content):
        return "it must be a list of modules"
    for one in content:
        kind, path = one.get("type"), one.get("path")
        if not isinstance(kind, str) or not _OWN_MODULE.fullmatch(kind):
            return f"its type {kind!r} is no module of sentence-transformers, and odqa never runs code of a model"
        if not isinstance(path, str) or Path(path).is_absolute() or ".." in Path(path).parts:
            return f"its path {path!r} is none inside the model's folder"
    return ""


def _tokenizer_problem(content: dict[str, Any]) -> str:
    inputs = content.get("model_input_names", ["input_ids"])
    if not isinstance(inputs, list) or "input_ids" not in inputs or not all(isinstance(one, str) for one in inputs):
        return f"its model_input_names are {str(inputs)[:80]}, not names with input_ids among them"
    limit = content.get("model_max_length")
    whole = type(limit) is int and limit >= 1
    # What stands for "no limit" is a float of 1e30 in some folders, and infinity in others.
    endless = isinstance(limit, float) and limit >= MOST_UNITS
    return "" if limit is None or whole or endless else f"its model_max_length is {limit!r}, not a number of tokens"


def _size_problem(key: str, value: Any) -> str:
    if isinstance(value, int | float):
        for pattern, most in ((_PARTS, MOST_PARTS), (_UNITS, MOST_UNITS)):
            if pattern.search(key) and not -most <= value <= most:
                return f"its {key} is {value:.3g}, more than any model has"
    return ""


def _leaves(content: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that is neither an object nor a list, with the keys that lead to it or to its list."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), content)]
    while waiting:
        keys, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*keys, key), inside) for key, inside in value.items()]
        elif isinstance(value, list):
            waiting += [(keys, inside) for inside in value]
        elif keys:
            yield keys, value
