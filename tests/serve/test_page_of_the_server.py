"""The page and the server that it is served by, together, over an index of tiny models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in: apt-get install chromium"),
    pytest.mark.timeout(400),
]
application = pytest.importorskip("odqa.serve.app", reason="the server is not there")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")

from odqa.serve.feedback import read  # noqa: E402
from odqa.squad import load_examples  # noqa: E402
from tests.serve.stub import running  # noqa: E402

expect = playwright.expect
QUESTION = "What is the capital of Germany?"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feedback.jsonl"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])


@pytest.fixture
def page(browser: Any, notes: Path, models: Any, file: Path) -> Iterator[Any]:
    from odqa.serve.indexes import Indexes
    from odqa.serve.service import Settings

    app = application.create_app(Indexes({"notes": notes}, models), Settings(wait=0.0, feedback=file))
    with running(app) as address, browser.new_context() as context:
        one = context.new_page()
        wrong: list[str] = []
        one.on("pageerror", lambda error: wrong.append(str(error)))
        one.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        one.goto(address)
        expect(one.locator("#about")).to_contain_text("4 documents")
        yield one
        assert wrong == []


def ask(page: Any, question: str = QUESTION) -> None:
    page.fill("#question", question)
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_be_visible()


def test_questions_filters_and_documents(page) -> None:
    assert page.locator("#examples button").count() > 0
    page.get_by_text("Filters and options").click()
    page.select_option("#filter-field", "lang")
    assert "de" in page.locator("#filter-values option").evaluate_all("all => all.map(one => one.value)")
    page.fill("#filter-value", "de")
    page.get_by_role("button", name="Add filter").click()
    page.select_option("#sure", "0")
    ask(page)
    answer = page.locator(".answer").first
    expect(answer.locator(".where")).to_contain_text("rows.jsonl")
    assert answer.locator("blockquote mark").inner_text() == answer.locator("h3").inner_text()
    answer.get_by_role("button", name="Show the passage").click()
    expect(answer.locator(".unfolded")).to_contain_text("The capital of Germany is Berlin")
    answer.get_by_text("Why this answer").click()
    expect(answer.locator(".why td").first).to_have_text("spree")
    page.get_by_text("Took ").click()
    expect(page.locator(".timing")).to_contain_text("reading")
    marked = answer.locator("blockquote mark").inner_text()
    answer.get_by_role("link", name="Open the document there").click()
    expect(page.locator("#document mark")).to_have_text(marked)
    expect(page.locator("#document dl")).to_contain_text("2021")


def test_no_answer_and_the_nearest_passages(page) -> None:
    page.get_by_text("Filters and options").click()
    page.select_option("#sure", "0.9")
    ask(page)
    expect(page.get_by_role("heading", name="No answer found")).to_be_visible()
    expect(page.locator("ol > .answer").first).to_be_visible()
    page.locator(".answer").first.get_by_role("button", name="Show the passage").click()
    page.locator(".answer").first.get_by_role("link", name="Open the document there").click()
    expect(page.locator("#document h2")).to_be_visible()


def test_what_is_said_becomes_a_dataset(page, file: Path) -> None:
    page.get_by_text("Filters and options").click()
    page.select_option("#sure", "0")
    ask(page)
    answer = page.locator(".answer").first
    text = answer.locator("h3").inner_text()
    answer.get_by_role("button", name="Right").click()
    expect(answer.locator(".said")).to_have_text("Noted, thank you.")
    answer.get_by_role("button", name="Show the passage").click()
    answer.get_by_label("The right answer").fill(answer.locator(".unfolded .text p").first.inner_text()[:9])
    answer.get_by_role("button", name="Save as the right answer").click()
    expect(answer.locator(".marking .said")).to_have_text("Noted, thank you.")
    page.get_by_role("button", name="None of these is right").click()
    expect(page.locator(".said")).to_have_count(3)
    assert [record.verdict for record in read(file)] == ["right", "missing", "missing"]
    examples = load_examples(file)
    assert [example.question for example in examples] == [QUESTION, QUESTION]
    assert " ".join(examples[0].references[0].text.split()) == " ".join(text.split())
    for example in examples:
        (reference,) = example.references
        assert example.context[reference.start :].startswith(reference.text)
