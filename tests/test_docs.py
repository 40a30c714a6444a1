"""The commands of the pages that tell how to do something do it; with tiny models, in a folder with what they name.

A block that cannot be run here stands after a comment that says why: ``<!-- not run: needs a GPU -->``.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.squad import load_examples, write_examples
from tests.tiny.asked import Asked

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [DOCS / "index.md", DOCS / "settings.md", *sorted((DOCS / "howto").glob("*.md"))]
BLOCK = re.compile(r"(?:<!-- not run: ([^>]+) -->\n)?```console\n(.*?)```", re.DOTALL)
RECIPE = re.compile(r"```toml\n(base = .*?)```", re.DOTALL)


def commands(page: Path) -> list[str]:
    """The commands of a page that can be run, in their order."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [
        line.removeprefix("$ ")
        for reason, block in blocks
        if not reason
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


@pytest.fixture
def folder(
    asked: Asked, tiny_reader: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Holds what the pages name."""
    from fpdf import FPDF

    for name, text in {
        "docs/leave.md": "# Leave\n\nThe policy has twenty days of vacation. The manager approves the request.",
        "docs/old.md": "The light of the sun has a speed.",
        "minutes/2026-11.txt": "The manager approves remote work.",
        "reports/drafts/draft.txt": "The policy has thirty days of vacation.",
        "list.txt": "who built the tower\nwhat boils\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.write(text="The policy has twenty days of vacation.")
    pdf.output(str(tmp_path / "reports" / "handbook.pdf"))
    shutil.copytree(asked.index, tmp_path / "indexes" / "docs")
    for name in ("mine.json", "held-out.json"):
        shutil.copy(asked.dataset, tmp_path / name)
    write_examples(tmp_path / "questions.jsonl", load_examples(asked.dataset))
    recipe = RECIPE.findall((DOCS / "howto" / "reader.md").read_text(encoding="utf-8"))[0]
    (tmp_path / "mine.toml").write_text(
        f"max_length = 96\nstride = 32\n{recipe}".replace("odqa/default-reader", str(tiny_reader)), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "READER": tiny_reader,
        "ENCODER": tiny_encoder,
        "DEVICE": "cpu",
        "CACHE": tmp_path / "c",
    }.items():
        monkeypatch.setenv(f"ODQA_{name}", str(value))
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_do_what_it_says(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for typed in commands(page):
        words = shlex.split(typed)
        while "=" in words[0]:
            monkeypatch.setenv(*words.pop(0).split("=", 1))
        words, output = (words[: words.index(">")], words[-1]) if ">" in words else (words, "")
        assert words[0] == "odqa", f"{page.name}: only odqa's own commands can be run: {typed}"
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, f"{page.name}: {typed}\n{done.stderr}"
        if output:
            (folder / output).write_text(done.stdout, encoding="utf-8")


def test_the_pages_have_commands_and_say_why_others_are_not_run() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 30
    assert all(commands(page) or page.stem == "container" for page in PAGES)


def test_the_names_of_the_python_page_are_there_once_odqa_is_imported() -> None:
    rows = (line.split("|")[1] for line in (DOCS / "python.md").read_text("utf-8").splitlines() if line[:3] == "| `")
    names = sorted({name for row in rows for name in re.findall(r"`(odqa(?:\.\w+)+)", row)})
    assert len(names) > 8
    code = f"import odqa\nfrom functools import reduce\nfor name in {names}: reduce(getattr, name.split('.')[1:], odqa)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_link_of_the_docs_leads_to_a_file() -> None:
    for page in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page}: {target}"


def test_the_site_builds_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("material", reason='the site needs pip install "odqa[docs]"')
    pytest.importorskip("mkdocstrings", reason='the site needs pip install "odqa[docs]"')
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path / "site"), strict=True))
    pages = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("index.html")}
    assert {"index.html", "howto/pdfs/index.html", "reference/commands/index.html", "ranking/index.html"} <= pages
    for path in (tmp_path / "site").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|link|iframe)\b[^>]*(?:src|href)=\"?(https?://[^\" >]+)", text)
        assert [one for one in loaded if not one.startswith("https://odqa.github.io/")] == [], path
    assert "odqa ask" in (tmp_path / "site" / "reference" / "commands" / "index.html").read_text(encoding="utf-8")
