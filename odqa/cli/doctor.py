"""``odqa doctor``: nothing in; what this installation has, what is broken in it and how to repair that, out."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import import_module, metadata
from typing import TYPE_CHECKING

import typer

from odqa import __version__, threads
from odqa.addresses import Address, MilvusAddress
from odqa.cli.common import command, describe
from odqa.cli.defaults import chosen
from odqa.cli.options import JsonOption, SameIndexOption
from odqa.cli.output import count, megabytes, print_json, print_lines
from odqa.cli.progress import status
from odqa.cli.tables import print_table
from odqa.errors import OdqaError
from odqa.files import exists, unwritable
from odqa.models import DEFAULT_ENCODER, DEFAULT_READER
from odqa.types import DEFAULT_INDEX, Backend

if TYPE_CHECKING:
    from odqa.settings import Settings

# What has to be there, and the name under which it is imported: that it is installed does not mean that it can be.
_LIBRARIES = {
    "torch": "torch",
    "transformers": "transformers",
    "sentence-transformers": "sentence_transformers",
}
_FAISS = ("faiss-cpu", "faiss-gpu", "faiss-gpu-cu12", "faiss")
_OF_DEVELOPERS = ("dev",)
_REINSTALL = 'pip install --force-reinstall "odqa[cpu]"'


class Verdict(StrEnum):
    """How something is."""

    OK = "ok"
    MISSING = "missing"  # And can be done without.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, what it is, and what to do where it is not well."""

    what: str
    verdict: Verdict
    found: str
    remedy: str = ""


@command
def doctor(index: SameIndexOption = None, json_output: JsonOption = False) -> None:
    """Look over this installation: versions, devices, models, the index, and what is missing and how to get it.

    Nothing is downloaded or changed. The exit code is 1 where something that is needed is broken.

    Examples:

    odqa doctor

    odqa doctor --index indexes/handbook --json

    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # Before the hub's library is imported: to look for a model is not to fetch it.
    with status("Looking…"):
        findings = list(_findings(index))
    broken = [one for one in findings if one.verdict is Verdict.BROKEN]
    if json_output:
        print_json({"healthy": not broken, "findings": [asdict(one) for one in findings]})
    else:
        print_table(
            [[one.verdict, one.what, "; ".join(filter(None, (one.found, one.remedy)))] for one in findings], left=3
        )
        print_lines(["", f"{count(len(broken), 'thing')} to repair" if broken else "All that is needed is there."])
    if broken:
        raise typer.Exit(1)


def _findings(index: Address | None) -> Iterator[Finding]:
    yield Finding("odqa", Verdict.OK, f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    settings: Settings | None = None
    try:
        found = chosen()
        settings = found.values if found else None
        given = ", ".join(found.given()) if found else ""
        yield Finding("settings", Verdict.OK, f"{given} (`odqa config` shows them)" if given else "all as they come")
    except (OdqaError, OSError) as error:
        yield Finding("settings", Verdict.BROKEN, describe(error), "put it right there")
    yield from (_library(name, module) for name, module in _LIBRARIES.items())
    yield _faiss()
    yield from _devices(settings)
    yield _tried("encoder", lambda: _model(settings.encoder if settings else DEFAULT_ENCODER))
    yield _tried("reader", lambda: _model(settings.reader if settings else DEFAULT_READER))
    yield _cache()
    yield _index(index, settings)
    yield from _extras()


def _tried(what: str, look: Callable[[], str], remedy: str = "") -> Finding:
    """What is found, or that it is broken: whatever fails is a finding here."""
    try:
        return Finding(what, Verdict.OK, look())
    except Exception as error:
        return Finding(what, Verdict.BROKEN, describe(error), remedy)


def _library(name: str, module: str) -> Finding:
    def look() -> str:
        import_module(module)
        return metadata.version(name)

    return _tried(name, look, _REINSTALL)


def _faiss() -> Finding:
    def look() -> str:
        import_module("odqa.retrieval.faiss_library")
        import_module("faiss")
        installed = [f"{name} {metadata.version(name)}" for name in _FAISS if _is_installed(name)]
        return ", ".join(installed) or "installed"

    return _tried("faiss", look, 'pip install "odqa[cpu]", or "odqa[gpu]" on Linux with CUDA')


def _devices(settings: Settings | None) -> Iterator[Finding]:
    """What computes, and where, as commands that are given nothing else would choose it."""
    named, wanted = (settings.device, settings.backend) if settings else ("auto", Backend.AUTO)
    remedy = _REINSTALL if (named, wanted) == ("auto", Backend.AUTO) else "`odqa config` shows who set that"

    def backend() -> str:
        from odqa.runtime.backend import choose
        from odqa.runtime.openvino_library import load

        choice = choose(named, wanted)
        if choice.backend is Backend.TORCH:
            return "torch"
        return f"OpenVINO {load().__version__.partition('-')[0]} on the CPU, {choice.precision}"

    def device() -> str:
        import torch

        from odqa.device import has_bfloat16, pick_device

        picked = pick_device(named)
        name = f" ({torch.cuda.get_device_name(picked)})" if picked.type == "cuda" else ""
        precision = "bfloat16" if has_bfloat16(picked.type) else "float32, as it multiplies no bfloat16"
        return f"{picked.type}{name}, {precision}"

    yield _tried("answers by", backend, remedy)
    yield _tried("training on", device, remedy)
    if settings and settings.threads:
        threads.limit(settings.threads)
    yield Finding("threads", Verdict.OK, f"{threads.count()} of {count(os.cpu_count() or 1, 'core')}")


def _model(name: str) -> str:
    from odqa.models import resolve

    model = resolve(name)
    return f"{model.name} in {model.folder}" if model.name != str(model.folder) else model.name


def _cache() -> Finding:
    from odqa.models import cache_folder

    remedy = (
        "set XDG_CACHE_HOME to a folder that can be written; without it, checksums are computed and models prepared "
        "each time, and `odqa eval --index` and `odqa tune` need --cache"
    )
    try:
        folder = cache_folder("").absolute()
    except OdqaError as error:
        return Finding("cache", Verdict.MISSING, str(error), remedy)
    if nearest := unwritable(folder):
        return Finding("cache", Verdict.MISSING, f"{nearest} cannot be written", remedy)
    return Finding("cache", Verdict.OK, str(folder))


def _index(named: Address | None, settings: Settings | None) -> Finding:
    """The index, as far as its manifest and the sizes of its files tell; the default one need not be there."""
    from odqa.index.stores import store_at
    from odqa.models import resolve

    folder = named or (settings.index if settings else DEFAULT_INDEX)

    def look() -> str:
        store = store_at(folder)
        manifest = store.manifest()
        store.check_fields(())
        resolve(manifest.encoder)
        counts = f"{count(manifest.documents, 'document')}, {count(manifest.passages, 'passage')}"
        return f"{folder}: {counts}, {megabytes(manifest.bytes)}"

    there = isinstance(folder, MilvusAddress) or exists(folder)
    if named is None and folder == DEFAULT_INDEX and not there:
        return Finding("index", Verdict.MISSING, f"none at {folder} yet", "make one: odqa index PATH...")
    return _tried("index", look, f"odqa verify {folder}" if there else "")


def _extras() -> Iterator[Finding]:
    """The extras of this package, and which of their packages are not installed."""
    try:
        own = metadata.metadata("odqa")
        required = metadata.requires("odqa") or []
    except metadata.PackageNotFoundError:
        yield Finding("extras", Verdict.MISSING, "odqa runs from its source alone", "pip install -e .")
        return
    for extra in own.get_all("Provides-Extra") or []:
        if extra in _OF_DEVELOPERS or extra in ("cpu", "gpu"):  # One of the two is FAISS, seen to above.
            continue
        mine = [line for line in required if re.search(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""", line)]
        names = [match[0] for line in mine if (match := re.match(r"[\w.-]+", line))]
        missing = [name for name in names if not _is_installed(name)]
        if missing:
            yield Finding(f"odqa[{extra}]", Verdict.MISSING, f"no {', '.join(missing)}", f'pip install "odqa[{extra}]"')
        else:
            yield Finding(f"odqa[{extra}]", Verdict.OK, ", ".join(names))


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
