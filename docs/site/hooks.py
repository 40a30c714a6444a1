"""What MkDocs asks for while it builds the site: pages made of the code, and links out of docs/ that lead somewhere.

The pages are made here and not kept, so that they cannot be out of date; the links stay as a plain git host needs them.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from mkdocs.structure.files import File, Files
from typer.testing import CliRunner

from odqa.cli import GROUPS, app

_LINK = re.compile(r"\]\(((?:\.\./)+[^)#\s]+)")
_NAMES = {
    "Questions": ("odqa.Pipeline", "odqa.Reader", "odqa.Response", "odqa.Answer"),
    "Indexes": ("odqa.build_index", "odqa.index.build.add", "odqa.index.build.update", "odqa.index.removal.remove",
                "odqa.index.compaction.compact", "odqa.index.verification.verify", "odqa.index.retriever.Retriever"),
    "Documents and settings": ("odqa.Document", "odqa.settings.Settings", "odqa.OdqaError"),
}  # fmt: skip


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the reference."""
    for name, content in (("commands", _commands()), ("python", _names())):
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let a link that leaves docs/ lead to the repository."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def outside(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[1]))
        return link[0] if path.startswith("docs/") else f"]({config.repo_url.rstrip('/')}/blob/main/{path}"

    return _LINK.sub(outside, markdown)


def _commands() -> str:
    """The help of every command."""
    parts = ["# Commands\n", "What `--help` says, command by command. All of them are read from the program itself.\n"]
    for group, commands in GROUPS.items():
        parts.append(f"## {group}\n")
        for name in commands:
            shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "100"}).stdout
            parts.append(f"### odqa {name}\n\n```text\n{shown}```\n")
    return "\n".join(parts)


def _names() -> str:
    parts = ["# Python, name by name\n", "[From Python](../python.md) shows how they go together.\n"]
    for title, names in _NAMES.items():
        parts.append(f"## {title}\n")
        parts += [f"::: {name}\n" for name in names]
    return "\n".join(parts)
