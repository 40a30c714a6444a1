"""The page in a real browser, clicked and typed through. Debian's chromium is needed, and playwright to drive it."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in: apt-get install chromium"),
    pytest.mark.timeout(400),
]
pytest.importorskip("fastapi", reason="the server's libraries are not installed: pip install 'odqa[serve]'")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")

from odqa.serve.feedback import Feedback, read  # noqa: E402
from odqa.squad import load_examples  # noqa: E402
from odqa.types import Hit  # noqa: E402
from tests.serve.stub import DOCUMENTS, PASSAGES, SCRIPT, Stub, served  # noqa: E402

expect = playwright.expect
# The rules of WCAG, where somebody has installed them: make axe.
AXE = Path(os.environ.get("AXE_CORE") or Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js")
INDEXES = re.compile("/indexes")  # The request for them.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])


@pytest.fixture(scope="module")
def server() -> Iterator[Stub]:
    with served(Stub()) as one:
        yield one


@pytest.fixture
def stub(server: Stub, tmp_path: Path) -> Stub:
    """The server as if it had just begun."""
    vars(server).update(vars(Stub(server.address, tmp_path / "feedback.jsonl")))
    return server


class Opened:
    """A page, and what went wrong in it."""

    def __init__(self, browser: Any, stub: Stub, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(30_000)
        self.wrong: list[str] = []
        self.stub = stub
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("console", self._said)
        self.page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.stub.address, "data:")):
            self.wrong.append(f"request: {request.url}")


@pytest.fixture
def opened(browser, stub) -> Iterator[Opened]:
    one = Opened(browser, stub, viewport={"width": 1000, "height": 800})
    yield one
    assert one.wrong == []
    one.context.close()


@pytest.fixture
def page(opened, stub) -> Any:
    opened.page.goto(stub.address)
    expect(opened.page.locator("#examples")).to_be_visible()
    return opened.page


def ask(page: Any, question: str) -> None:
    page.fill("#question", question)
    with page.expect_response("**/ask"):  # What was answered before may still be shown when the key is let go.
        page.keyboard.press("Enter")
    expect(page.locator("#results")).to_be_visible()
    expect(page).to_have_title(f"{question} – odqa")


def first(page: Any) -> Any:
    return page.locator(".answer").first


def said(stub: Stub) -> list[Feedback]:
    assert stub.file is not None
    return list(read(stub.file))


def select(page: Any, text: str) -> None:
    """Select a text of the unfolded passage as a mouse does."""
    page.evaluate(
        """text => {
            const walker = document.createTreeWalker(document.querySelector(".unfolded"), NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const node = walker.currentNode, at = node.data.indexOf(text);
                if (at < 0) continue;
                getSelection().setBaseAndExtent(node, at, node, at + text.length);
                node.parentElement.dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
                return;
            }
            throw new Error("not in the passage: " + text);
        }""",
        text,
    )


def test_an_answer_with_its_confidence_its_sentence_and_its_passage(page) -> None:
    ask(page, "Who built it?")
    expect(page.locator(".answer h3")).to_have_text(["Ada", "Gustave Eiffel"])
    expect(first(page).locator(".sure")).to_contain_text("Likely right")
    expect(first(page).locator(".sure")).to_contain_text("82 %")
    width = first(page).locator(".bar i").evaluate("one => one.offsetWidth / one.parentElement.offsetWidth")
    assert width == pytest.approx(0.82, abs=0.02)
    # The second "It was built by", behind characters of which JavaScript counts two.
    expect(first(page).locator("blockquote")).to_have_text("It was built by Ada.")
    expect(first(page).locator("blockquote mark")).to_have_text("Ada")
    expect(first(page).locator(".where")).to_have_text("The tower · A part · https://example.org/tower.html")
    first(page).get_by_role("button", name="Show the passage").click()
    passage = first(page).locator(".unfolded .text")
    expect(passage.nth(1)).to_contain_text("goes at noon. It was built by Ada. Tickets")
    expect(passage.nth(0)).to_contain_text("The tower 🗼 stands in Paris.")
    shown = "".join(passage.all_inner_texts())
    assert shown.count("330 metres high") == 3, "what two passages share is shown once"
    first(page).get_by_role("button", name="Hide the passage").click()
    expect(first(page).locator(".unfolded")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("2 answers. The first, likely right: Ada")


def test_an_example_is_asked_with_a_click(page) -> None:
    page.locator("#examples button").first.click()
    expect(first(page).locator("h3")).to_have_text("Ada")
    expect(page.locator("#question")).to_have_value("Who built it?")


def test_a_row_of_a_table_stands_under_the_heads_of_its_columns(page) -> None:
    ask(page, "What is the price?")
    quoted = first(page).locator("blockquote")
    expect(quoted.locator("th")).to_have_text(["Zone", "Price"])
    expect(quoted.locator("td")).to_have_text(["Inner", "24 kroner"])
    expect(quoted.locator("td mark")).to_have_text("24 kroner")
    first(page).get_by_role("button", name="Show the passage").click()
    expect(first(page).locator(".unfolded td")).to_have_text(["Inner", "24 kroner", "Outer", "36 kroner"])
    expect(first(page).locator(".unfolded th")).to_have_text(["Zone", "Price"])


def test_no_answer_is_told_calmly_with_the_nearest_passages(page) -> None:
    ask(page, "Who sails the ferry?")
    expect(page.get_by_role("heading", name="No answer found")).to_be_visible()
    expect(page.locator(".none")).to_contain_text("93 %")
    expect(page.locator(".answer h3")).to_have_text([one.title for one in DOCUMENTS[:3]])
    expect(page.locator("#problem")).to_be_hidden()
    page.locator(".answer").nth(1).get_by_role("button", name="Show the passage").click()
    expect(page.locator(".unfolded:visible")).to_contain_text("Outer")


def test_the_passages_that_came_nearest_to_an_answer_come_first(page) -> None:
    page.get_by_text("Filters and options").click()
    page.select_option("#sure", "0.9")
    ask(page, "Who built it?")
    expect(page.locator("ol > .answer:visible h3")).to_have_text(["The tower", "The tower", "Prices"])
    expect(first(page).locator("blockquote")).to_contain_text("It was built by Ada.")  # In the second passage.
    expect(page.locator(".answer:visible mark")).to_have_count(0)


def test_what_is_not_sure_enough_can_be_looked_at(page) -> None:
    page.get_by_text("Filters and options").click()
    page.select_option("#sure", "0.9")
    ask(page, "Who built it?")
    expect(page.locator(".none")).to_contain_text("none of them has a confidence of at least 90 %")
    page.get_by_text("What would have been the answer").click()
    expect(page.locator(".why .answer h3").first).to_have_text("Ada")


def test_what_is_far_less_likely_is_folded_away(page) -> None:
    ask(page, "How high is it?")
    expect(page.locator(".answer h3:visible")).to_have_text(["330 metres"])
    page.get_by_text("1 answer more").click()
    expect(page.locator(".answer h3:visible")).to_have_text(["330 metres", "1889"])
    page.get_by_text("Filters and options").click()
    page.select_option("#sure", "0")
    ask(page, "How high is it?")
    expect(page.locator(".answer h3:visible")).to_have_text(["330 metres", "1889"])


def test_an_index_that_is_not_served_is_said(page, stub) -> None:
    page.goto(f"{stub.address}#q=Who+built+it%3F&index=other")
    expect(page.get_by_role("alert")).to_contain_text("other")
    assert stub.asked == []
    waiting = threading.Event()
    stub.waits.append(waiting)
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.locator("#working")).to_be_visible()
    page.evaluate("location.hash = '#q=Who+built+it%3F&index=gone'")
    expect(page.get_by_role("alert")).to_contain_text("gone")
    page.wait_for_timeout(100)  # The question that was given up ends now, and takes nothing with it.
    expect(page.get_by_role("alert")).to_be_visible()
    waiting.set()
    ask(page, "Who built it?")
    expect(first(page).locator("h3")).to_have_text("Ada")


def test_a_filter_is_chosen_among_the_fields_and_removed_again(page, stub) -> None:
    page.get_by_text("Filters and options").click()
    assert page.locator("#filter-field option").all_inner_texts() == ["lang", "year", "title", "source"]
    page.select_option("#filter-field", "year")
    assert page.locator("#filter-values option").evaluate_all("all => all.map(one => one.value)") == ["2021", "2024"]
    page.select_option("#filter-operator", ">=")
    page.fill("#filter-value", "2022")
    page.keyboard.press("Enter")
    page.select_option("#filter-field", "title")
    page.select_option("#filter-operator", "=")
    page.fill("#filter-value", "=odd")
    page.get_by_role("button", name="Add filter").click()
    ask(page, "What is the price?")
    assert stub.asked[-1]["filters"] == ["year>=2022", 'title="=odd"']
    with page.expect_response("**/ask"):
        page.get_by_role("button", name='Remove the filter title="=odd"').click()
    expect(page.locator("#filters button")).to_have_text(["year>=2022"])
    expect(first(page)).to_be_visible()
    assert stub.asked[-1]["filters"] == ["year>=2022"]


def test_a_filter_that_nothing_matches_is_said(page) -> None:
    page.get_by_text("Filters and options").click()
    page.fill("#filter-value", "klingon")
    page.get_by_role("button", name="Add filter").click()
    ask(page, "Who built it?")
    expect(page.locator(".none")).to_contain_text("No document matches the filters.")
    expect(page.locator(".answer")).to_have_count(0)


def test_the_address_says_all_and_leads_to_the_same_again(page, opened, stub) -> None:
    page.get_by_text("Filters and options").click()
    page.fill("#k", "7")
    page.select_option("#mode", "bm25")
    page.fill("#filter-value", "en & <b>")
    page.get_by_role("button", name="Add filter").click()
    ask(page, "Who built it?")
    address, before = page.url, stub.asked[-1]
    other = opened.context.new_page()
    other.goto(address)
    expect(other.locator(".answer h3").first).to_have_text("Ada")
    assert stub.asked[-1] == before
    assert (before["k"], before["mode"], before["filters"]) == (7, "bm25", ["lang=en & <b>"])
    expect(other.locator("#k")).to_have_value("7")


def test_back_and_forward_show_the_answers_without_asking_again(page, stub) -> None:
    ask(page, "Who built it?")
    ask(page, "What is the price?")
    expect(first(page).locator("h3")).to_have_text("24 kroner")  # What is left before its answer came is asked again.
    page.go_back()
    expect(first(page).locator("h3")).to_have_text("Ada")
    expect(page.locator("#question")).to_have_value("Who built it?")
    page.go_forward()
    expect(first(page).locator("h3")).to_have_text("24 kroner")
    assert len(stub.asked) == 2
    page.locator("#results").focus()  # In the question a / is a character of it.
    page.keyboard.press("/")
    with page.expect_response("**/ask"):
        page.keyboard.press("Enter")
    expect(first(page).locator("h3")).to_have_text("24 kroner")
    assert stub.asked[1:] == [stub.asked[1]] * 2, "a question that is put again is asked again"


def test_the_history_is_in_this_browser_alone_and_can_be_forgotten(page) -> None:
    ask(page, "Who built it?")
    ask(page, "What is the price?")
    page.reload()
    page.get_by_text("Asked before").click()
    expect(page.locator("#history a")).to_have_text(["What is the price?", "Who built it?"])
    page.locator("#history a").last.click()
    expect(first(page).locator("h3")).to_have_text("Ada")
    page.get_by_role("button", name="Forget all").click()
    expect(page.locator("#history")).to_be_hidden()
    assert page.evaluate("JSON.parse(localStorage.getItem('odqa-history'))") == []


@pytest.mark.parametrize("stored", ["nonsense", "7", '[null, 3, {"hash": "javascript:alert(1)", "question": "x"}]'])
def test_a_history_that_something_else_wrote_does_no_harm(page, stored) -> None:
    page.evaluate("stored => localStorage.setItem('odqa-history', stored)", stored)
    page.reload()
    expect(page.locator("#examples")).to_be_visible()
    expect(page.locator("#history")).to_be_hidden()


def test_the_document_opens_at_the_place_and_back_leads_to_the_link(page) -> None:
    ask(page, "Where is paragraph 150?")
    link = first(page).get_by_role("link", name="Open the document there")
    link.click()
    document = page.locator("#document")
    expect(document.locator("h2")).to_have_text("Long")
    expect(document.locator("mark")).to_have_text("Paragraph 150")
    expect(document.locator("mark")).to_be_in_viewport()
    expect(document).to_be_focused()
    expect(document).not_to_contain_text("Paragraph 120 ")
    expect(document).not_to_contain_text("Paragraph 180 ")
    document.get_by_role("button", name="Show what is before").click()
    expect(document).to_contain_text("Paragraph 120 ")
    expect(document.locator("p", has_text="Paragraph 130 ")).to_be_in_viewport()  # What was in sight stays there.
    document.get_by_role("button", name="Show more").click()
    expect(document).to_contain_text("Paragraph 199 ")
    expect(document.get_by_role("button", name="Show more")).to_be_hidden()
    text = document.locator(".text").inner_text()
    shown = re.findall(r"Paragraph (\d+)", text)
    assert [int(one) for one in dict.fromkeys(shown)] == list(range(int(shown[0]), 200)), "no gap, nothing twice"
    page.get_by_role("link", name="Back to the answers").click()
    expect(first(page).locator("h3")).to_have_text("Paragraph 150")
    expect(link).to_be_focused()


def test_a_nearest_passage_opens_the_document_where_it_stands_and_what_fails_there_is_told(page) -> None:
    near = Hit(PASSAGES["long"][100], 0.5, 1).to_dict()
    page.route("**/search", lambda route: route.fulfill(json={"hits": [near]}))
    ask(page, "Unknown")
    first(page).get_by_role("link", name="Open the document there").click()
    document = page.locator("#document")
    expect(document.locator("p", has_text="Paragraph 100 ")).to_be_in_viewport()
    expect(document.locator("mark")).to_have_count(0)
    failing = {"detail": "the index is being changed"}
    page.route("**/documents?*", lambda route: route.fulfill(status=500, json=failing))
    more = document.get_by_role("button", name="Show more")
    more.press("Enter")
    expect(more.locator("+ [role=status]")).to_have_text("The server failed (500). The index is being changed.")
    expect(more.locator("+ [role=status]")).to_be_in_viewport()
    expect(more).to_be_focused()
    page.unroute("**/documents?*")
    more.press("Enter")
    expect(document).to_contain_text("Paragraph 150 ")
    expect(more.locator("+ [role=status]")).to_have_text("")


def test_where_a_document_has_changed_the_answer_is_marked_or_nothing(page) -> None:
    before = {"text": "New words 🚢 "}

    def changed(route: Any) -> None:
        value = route.fetch().json()
        for one in (value, value.get("passage", {})):
            if "text" in one:
                one["text"] = before["text"] + one["text"] if before["text"] else "Nothing of it."
        route.fulfill(json=value)

    page.route(re.compile("/(passages|documents)[?]"), changed)
    ask(page, "Who built it?")
    expect(page.locator(".answer blockquote mark")).to_have_text(["Ada", "Gustave Eiffel"])
    first(page).get_by_role("button", name="Show the passage").click()
    expect(first(page).locator(".unfolded mark")).to_have_text("Ada")
    first(page).get_by_role("link", name="Open the document there").click()
    expect(page.locator("#document .text")).to_contain_text("New words")
    expect(page.locator("#document mark")).to_have_text("Ada")
    before["text"] = ""
    page.reload()
    expect(page.locator("#document .text")).to_have_text("Nothing of it.")
    expect(page.locator("#document mark")).to_have_count(0)
    expect(page.locator("#status")).to_have_text("The tower, opened.")


def test_what_is_asked_before_the_indexes_are_known_is_asked_once_they_are(opened, stub) -> None:
    page = opened.page
    page.route(INDEXES, lambda route: None)  # Waits until it is let go.
    page.goto(stub.address)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#working")).to_be_hidden()
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.locator("#working-text")).to_contain_text("Connecting")
    page.unroute(INDEXES)
    page.fill("#question", "What is the price?")
    page.keyboard.press("Enter")
    expect(first(page).locator("h3")).to_have_text("24 kroner")
    assert {one["index"] for one in stub.asked} == {"tiny"}


def test_the_next_question_that_is_typed_while_one_waits_for_the_indexes_stays(opened, stub) -> None:
    page, waiting = opened.page, []
    page.route(INDEXES, lambda route: waiting.append(route))
    page.goto(stub.address + "#q=Who+built+it%3F")
    expect(page.locator("#working-text")).to_contain_text("Connecting")
    page.fill("#question", "What is the price?")
    waiting.pop().continue_()
    expect(first(page).locator("h3")).to_have_text("Ada")
    expect(page.locator("#question")).to_have_value("What is the price?")
    page.keyboard.press("Enter")
    expect(first(page).locator("h3")).to_have_text("24 kroner")
    assert [one["question"] for one in stub.asked] == ["Who built it?", "What is the price?"]


def test_what_is_typed_before_the_indexes_are_known_stays(opened, stub) -> None:
    waiting: list[Any] = []
    opened.page.route(INDEXES, lambda route: waiting.append(route))
    with opened.page.expect_request(INDEXES):
        opened.page.goto(stub.address)
    opened.page.locator("#question").press_sequentially("What is")
    waiting.pop().continue_()
    expect(opened.page.locator("#examples")).to_be_visible()
    opened.page.keyboard.type(" the price?")
    opened.page.keyboard.press("Enter")
    expect(first(opened.page).locator("h3")).to_have_text("24 kroner")
    expect(opened.page.locator("#question")).to_have_value("What is the price?")


def test_an_option_that_cannot_be_is_shown_where_it_is(page, stub) -> None:
    page.get_by_text("Filters and options").click()
    page.fill("#k", "200")
    page.get_by_text("Filters and options").click()
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.locator("#k")).to_be_visible()
    expect(page.locator("#k")).to_be_focused()
    assert stub.asked == []


def test_why_and_how_long_is_told_on_demand(page) -> None:
    ask(page, "Who built it?")
    expect(first(page).locator(".why table")).to_be_hidden()
    first(page).get_by_text("Why this answer").click()
    expect(first(page).locator(".why td")).to_have_text(
        ["tower", "7.25", "1.50", "5.75", "rank 1", "0.70, rank 1", "0.00"]
    )
    expect(first(page).locator(".why p")).to_contain_text("evidence")
    page.get_by_text("Took ").click()
    expect(page.locator(".timing")).to_contain_text(
        "encoding the question 0.010 s · searching 0.002 s · reading 0.30 s"
    )
    expect(page.locator(".timing")).to_contain_text("20 %; none is given above 50 %")


def test_it_shows_that_it_works_and_can_be_stopped(page, stub) -> None:
    waiting = threading.Event()
    stub.waits.append(waiting)
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.locator("#working")).to_be_visible()
    expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#working-text")).to_have_text(re.compile(r"reading 20 passages… [1-9] s"))
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#working")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("Stopped.")
    waiting.set()
    ask(page, "What is the price?")
    expect(first(page).locator("h3")).to_have_text("24 kroner")


def test_the_last_question_counts_however_late_the_first_is_answered(page, stub) -> None:
    waiting = threading.Event()
    stub.waits.append(waiting)
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.locator("#working")).to_be_visible()
    ask(page, "What is the price?")
    expect(first(page).locator("h3")).to_have_text("24 kroner")
    waiting.set()
    page.wait_for_timeout(300)
    expect(first(page).locator("h3")).to_have_text("24 kroner")


def problem(status: int, title: str, detail: str, **headers: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    return status, headers, {"title": title, "detail": detail, "status": status}


def test_a_busy_server_is_asked_again_by_itself(page, stub) -> None:
    stub.failures += [problem(503, "Busy", "too many questions", **{"Retry-After": "1"})] * 2
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_contain_text("Trying again in")
    expect(first(page).locator("h3")).to_have_text("Ada")
    expect(page.locator("#problem")).to_be_hidden()


def test_an_error_says_what_the_server_said_and_lets_try_again(page, stub) -> None:
    stub.failures.append(problem(422, "Unprocessable Entity", f"the field {SCRIPT} is unknown; give lang or year"))
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This cannot be asked like that")
    expect(page.get_by_role("alert")).to_contain_text(f"The field {SCRIPT} is unknown; give lang or year.")
    page.get_by_role("button", name="Try again").click()
    expect(first(page).locator("h3")).to_have_text("Ada")


def test_an_error_without_words_still_says_what_to_do(page, stub) -> None:
    stub.failures.append((500, {}, {}))
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The server failed (500)")
    expect(page.get_by_role("alert")).to_contain_text("Try again")


def test_a_server_that_is_gone_is_told(page, opened) -> None:
    opened.context.set_offline(True)
    page.fill("#question", "Who built it?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    expect(page.get_by_role("alert")).to_contain_text("odqa serve")
    opened.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(first(page).locator("h3")).to_have_text("Ada")


def test_a_key_is_asked_for_and_kept_in_this_tab_alone(opened, stub) -> None:
    stub.key = "open sesame"
    page = opened.page
    page.goto(f"{stub.address}#q=Who+built+it%3F")
    expect(page.get_by_role("heading", name="asks for a key")).to_be_visible()
    expect(page.get_by_label("Key")).to_be_focused()
    for wrong in ("wrong", "sesame…"):  # Of the latter a browser makes no header.
        page.get_by_label("Key").fill(wrong)
        page.keyboard.press("Enter")
        expect(page.locator("#key-help")).to_contain_text("not the right one")
        expect(page.get_by_label("Key")).to_be_focused()
        expect(page.get_by_label("Key")).to_have_value("")
    page.fill("#question", "What is the price?")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Key")).to_be_focused()
    page.keyboard.type("open sesame")
    page.keyboard.press("Enter")
    expect(first(page).locator("h3")).to_have_text("24 kroner")
    assert [one["index"] for one in stub.asked] == ["tiny"]
    page.reload()
    expect(first(page).locator("h3")).to_have_text("24 kroner")
    assert "sesame" not in page.evaluate("JSON.stringify(localStorage) + location.href + document.cookie")


def test_right_and_wrong_are_kept(page, stub) -> None:
    ask(page, "Who built it?")
    first(page).get_by_role("button", name="Right").click()
    expect(first(page).locator(".said")).to_have_text("Noted, thank you.")
    page.locator(".answer").nth(1).get_by_role("button", name="Wrong").click()
    expect(page.locator(".answer").nth(1).locator(".said")).to_have_text("Noted, thank you.")
    page.get_by_role("button", name="None of these is right").click()
    expect(page.locator(".said")).to_have_count(3)
    assert [(one.verdict, one.answer, one.labelled) for one in said(stub)] == [
        ("right", "Ada", True),
        ("wrong", "Gustave Eiffel", False),
        ("missing", "", False),
    ]
    assert stub.file is not None
    (example,) = load_examples(stub.file)
    assert example.question == "Who built it?"
    assert example.context == PASSAGES["tower"][1].text
    assert example.references[0].text == "Ada"


def test_the_right_answer_is_marked_in_the_passage(page, stub) -> None:
    ask(page, "Who built it?")
    first(page).get_by_role("button", name="Show the passage").click()
    save = first(page).get_by_role("button", name="Save as the right answer")
    expect(save).to_be_disabled()
    select(page, " 12 kroner")
    expect(first(page).locator(".marking input")).to_have_value("12 kroner")
    save.click()
    expect(first(page).locator(".said")).to_have_text("Noted, thank you.")
    (record,) = said(stub)
    assert (record.verdict, record.answer, record.labelled) == ("missing", "12 kroner", True)
    assert record.context == PASSAGES["tower"][1].text


def test_the_right_answer_may_be_before_the_passage_and_be_typed(page, stub) -> None:
    ask(page, "Who built it?")
    first(page).get_by_role("button", name="Show the passage").click()
    field = first(page).get_by_label("The right answer")
    field.fill("nobody at all")
    expect(first(page).locator(".marking")).to_contain_text("does not stand in the passage")
    expect(first(page).get_by_role("button", name="Save as")).to_be_disabled()
    field.fill("stands in Paris")
    first(page).get_by_role("button", name="Save as").click()
    expect(first(page).locator(".said")).to_have_text("Noted, thank you.")
    (record,) = said(stub)
    assert record.answer == "stands in Paris" and record.passage == "tower#0"


def test_that_there_is_no_answer_can_be_right(page, stub) -> None:
    ask(page, "Who sails the ferry?")
    page.get_by_role("button", name="Right, there is none").click()
    expect(page.locator(".said")).to_have_text("Noted, thank you.")
    assert stub.file is not None
    (example,) = load_examples(stub.file)
    assert not example.answerable and example.context == PASSAGES["tower"][0].text


def test_feedback_that_cannot_be_kept_is_told(page, opened) -> None:
    ask(page, "Who built it?")
    opened.context.set_offline(True)
    first(page).get_by_role("button", name="Right").click()
    expect(first(page).locator(".said")).to_contain_text("Not saved")
    opened.context.set_offline(False)
    first(page).get_by_role("button", name="Right").click()
    expect(first(page).locator(".said")).to_have_text("Noted, thank you.")


def test_a_server_that_takes_no_feedback_is_not_offered_any(opened, stub) -> None:
    stub.file = None
    opened.page.goto(f"{stub.address}#q=Who+built+it%3F")
    expect(first(opened.page).locator("h3")).to_have_text("Ada")
    first(opened.page).get_by_role("button", name="Show the passage").click()
    assert opened.page.get_by_role("button", name=re.compile("^(Right|Wrong|None of|Save)")).count() == 0


def test_what_a_hostile_document_says_is_shown_and_never_run(page) -> None:
    ask(page, "Who is it?")
    expect(page.locator(".answer h3")).to_have_text(["Mallory", SCRIPT])
    expect(page.locator(".answer blockquote mark")).to_have_text(["Mallory", SCRIPT])
    first(page).get_by_role("button", name="Show the passage").click()
    first(page).get_by_text("Why this answer").click()
    for part in (".where", "blockquote", ".unfolded", ".why"):
        expect(first(page).locator(part).first).to_contain_text(SCRIPT if part != "blockquote" else "Mallory")
    assert first(page).get_by_role("link", name="Open the source").count() == 0  # It is javascript:…
    first(page).get_by_role("link", name="Open the document there").click()
    expect(page.locator("#document")).to_contain_text(f"Mallory. {SCRIPT} It answers nothing.")
    expect(page.locator("#document dd").nth(1)).to_have_text(SCRIPT)
    assert page.evaluate("document.scripts.length") == 1
    assert page.locator("img").count() == 0
    page.goto(f"{page.url.partition('#')[0]}#q={SCRIPT}&filter={SCRIPT}&k={SCRIPT}&mode={SCRIPT}")
    expect(page.locator("#filters button")).to_have_text([SCRIPT])
    expect(page.get_by_role("heading", name="No answer found")).to_be_visible()


def test_on_a_narrow_screen_nothing_is_cut_off(browser, stub) -> None:
    one = Opened(browser, stub, viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page = one.page

    def with_long_names(route: Any) -> None:
        value = route.fetch().json()
        value["indexes"] *= 2
        for index in value["indexes"]:
            index["name"] = index["fields"][0]["name"] = "How satisfied are you, from 1 to 10, with our service?"
        route.fulfill(json=value)

    page.route(INDEXES, with_long_names)
    page.goto(stub.address)
    page.get_by_text("Filters and options").click()
    for question in ("Who built it?", "What is the price?", "Who is it?", "Unknown"):
        ask(page, question)
        first(page).get_by_role("button", name="Show the passage").tap()
        for summary in page.locator("#results summary").all():
            summary.tap()
        wide = page.evaluate(
            """() => [...document.querySelectorAll("main *")].filter(one =>
                one.checkVisibility() && !one.closest(".scroll") && !one.closest(".unseen")
                && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
            ).map(one => one.outerHTML.slice(0, 90))"""
        )
        assert wide == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, summary, select")].filter(one => one.checkVisibility()
            && Math.min(one.offsetHeight, one.offsetWidth) < 24).map(one => one.outerHTML.slice(0, 90))"""
    )
    assert small == [], "smaller than a finger (WCAG 2.5.8)"
    assert one.wrong == []
    one.context.close()


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id")


def test_the_keyboard_alone_reaches_everything(page, stub) -> None:
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("Who built it?")
    page.keyboard.press("Enter")
    expect(first(page).locator("h3")).to_have_text("Ada")
    order: list[str] = []
    while "Took" not in (order or [""])[-1] and len(order) < 60:
        page.keyboard.press("Tab")
        order.append(focused(page))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"no focus is seen on {order[-1]}"
    wanted = ["Ask", "Filters and options", "Show the passage", "Open the document there", "Right", "Wrong"]
    assert [name for name in order if name in wanted][:6] == wanted
    assert "Why this answer" in order and "None of these is right" in order

    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    while focused(page) != "Show the passage":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(first(page).locator(".unfolded")).to_be_visible()
    expect(page.get_by_role("button", name="Hide the passage")).to_be_focused()
    while focused(page) != "Open the document there":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#document")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(first(page).get_by_role("link", name="Open the document there")).to_be_focused()
    page.keyboard.press("Tab")
    while focused(page) != "Right":
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(first(page).locator(".said")).to_have_text("Noted, thank you.")
    assert said(stub)[0].answer == "Ada"


def scenes(page: Any, stub: Stub) -> Iterator[str]:
    """The page in each of its states."""
    yield "beginning"
    page.get_by_text("Filters and options").click()
    page.fill("#filter-value", "en")
    page.keyboard.press("Enter")
    yield "options"
    for question in ("Who built it?", "What is the price?", "Unknown"):
        ask(page, question)
        first(page).get_by_role("button", name="Show the passage").click()
        for summary in page.locator("#results summary, #history[open] summary").all():
            summary.click()
        yield question
    ask(page, "Who built it?")
    first(page).get_by_role("button", name="Right").click()
    expect(first(page).locator(".said")).to_be_visible()
    first(page).get_by_role("link", name="Open the document there").click()
    expect(page.locator("#document mark")).to_be_visible()
    yield "document"
    stub.failures.append(problem(422, "Wrong", "give another"))
    page.fill("#question", "Anything")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_be_visible()
    yield "problem"
    stub.key = "x"
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#key")).to_be_visible()
    yield "key"


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: make axe")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser, stub, scheme) -> None:
    one = Opened(browser, stub, color_scheme=scheme, viewport={"width": 1000, "height": 800})
    one.page.goto(stub.address)
    expect(one.page.locator("#examples")).to_be_visible()
    one.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = {}
    for scene in scenes(one.page, stub):
        run = one.page.evaluate("tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", WCAG)
        found[scene] = [
            (rule["id"], [(node["html"][:100], node["failureSummary"][:200]) for node in rule["nodes"][:3]])
            for rule in run["violations"]
        ]
    assert {scene: rules for scene, rules in found.items() if rules} == {}
    one.context.close()


def test_everything_that_can_be_used_has_a_name_and_a_heading_is_above_it(page, stub) -> None:
    """What axe would find too, for where it is not installed."""
    for scene in scenes(page, stub):
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("a, button, input, select, [role=region]")].filter(
                one => one.checkVisibility()
                && !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).map(one => one.outerHTML)"""
        )
        assert nameless == [], scene
        levels = page.evaluate(
            """() => [...document.querySelectorAll("h1, h2, h3")].filter(one => one.checkVisibility())
                .map(one => Number(one.tagName[1]))"""
        )
        assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels))
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
        assert len(ids) == len(set(ids)), scene


CONTRAST = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgb = colour => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map(one => one / 255).map(
        one => one <= .03928 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4
    ).reduce((sum, one, at) => sum + one * [.2126, .7152, .0722][at], 0);
    const ground = one => {
        for (; one; one = one.parentElement) {
            const colour = rgb(getComputedStyle(one).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return rgb("white");
    };
    return [...document.querySelectorAll("body *")].filter(one => one.checkVisibility() && !one.disabled
        && !one.closest(".unseen") && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    ).map(one => {
        const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
        return [(a + .05) / (b + .05), one.outerHTML.slice(0, 80)];
    }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(browser, stub, scheme) -> None:
    one = Opened(browser, stub, color_scheme=scheme, viewport={"width": 1000, "height": 800})
    one.page.goto(stub.address)
    expect(one.page.locator("#examples")).to_be_visible()
    for scene in scenes(one.page, stub):
        assert one.page.evaluate(CONTRAST) == [], scene
    one.context.close()


TEXTS = ["plain text", "a 🗼 b 🚢🚢 c", "🗼", "", "é̂ x", "| a | 🗼 |"]
BLOCKS = {
    "One\nline.\n\nTwo.": [("paragraph", "One\nline."), ("paragraph", "Two.")],
    "# Head\nText.\r\n\r\n- a\n- b": [("heading", "Head"), ("paragraph", "Text."), ("item", "a"), ("item", "b")],
    "| A | B |\n|---|---|\n| 1 | 2 |": [("row", "| A | B |"), ("row", "| 1 | 2 |")],
    "\n\n \n": [],
}
PLACES = [
    ("https://a.org/x", "two words", None, "https://a.org/x#:~:text=two%20words"),
    ("https://a.org/x#part", "a-b, c & d", None, "https://a.org/x#:~:text=a%2Db%2C%20c%20%26%20d"),
    ("https://a.org/x.pdf", "two", 7, "https://a.org/x.pdf#page=7"),
    ("https://a.org/x", "1 2 3 4 5 6 7 8 9", None, "https://a.org/x#:~:text=1%202%203%204,6%207%208%209"),
    ("javascript:alert(1)", "two", None, None),
    ("docs/a.md", "two", None, None),
    ("https://", "two", None, None),
    ("file:///etc/passwd", "two", None, None),
]


def test_offsets_are_those_of_python(page) -> None:
    for text in TEXTS:
        found = page.evaluate(
            """async text => {
                const { Stretch } = await import("./text.js");
                const one = new Stretch(text, 100), points = [...text].length;
                const units = Array.from({ length: points + 1 }, (_, at) => one.unit(100 + at));
                return { length: one.length, units, back: units.map(unit => one.offset(unit)) };
            }""",
            text,
        )
        encoded = [len(text[:at].encode("utf-16-le")) // 2 for at in range(len(text) + 1)]
        assert found == {"length": len(text), "units": encoded, "back": list(range(100, 101 + len(text)))}


def test_blocks_of_a_text_of_which_nothing_else_is_known(page) -> None:
    for text, blocks in BLOCKS.items():
        found = page.evaluate(
            """async text => {
                const { Stretch } = await import("./text.js");
                return new Stretch(text, 0).blocks.map(one => [one.kind, text.slice(one.start, one.end)]);
            }""",
            text,
        )
        assert [tuple(one) for one in found] == blocks


def test_a_quotation_is_a_sentence_or_a_line_of_code_and_may_cross_blocks(page) -> None:
    text = "Run this. It is\nshort.\n\nfirst --line\nsecond --line\nthird\n\nThe end."
    blocks = [[0, 22, "paragraph"], [24, 56, "code"], [58, 66, "paragraph"]]

    def quoted(marked: str) -> str:
        return page.evaluate(
            """async ([text, blocks, low, high]) => {
                const { Stretch, quotation } = await import("./text.js");
                const known = blocks.map(([start, end, kind]) => ({ start, end, kind, labels: [] }));
                const made = quotation(new Stretch(text, 0, known), [low, high]);
                return `${made.tagName} ${made.textContent} ${made.querySelector("mark").textContent.length}`;
            }""",
            [text, blocks, text.index(marked), text.index(marked) + len(marked)],
        )

    assert quoted("short") == "P It is\nshort. 5"
    assert quoted("second") == "PRE second --line 6"
    assert quoted("--line\nsecond") == "PRE first --line\nsecond --line 13"
    assert quoted("short.\n\nfirst").startswith("P It is\nshort.\n\nfirst --line")


def test_tables_that_follow_one_another_stay_apart(page) -> None:
    rows = ["City | Height", "Paris | 330", "Lyon", "Museum | Painting", "Louvre | Lisa", "Orsay | Fifer"]
    labels = [[], ["City", "Height"], ["City"], [], ["Museum", "Painting"], ["Museum", "Painting"]]
    bare = "| A | B |\n|---|---|\n| 1 | 2 |\n\n| C | D |\n|---|---|\n| 3 | 4 |"
    shown, quoted, other, guessed = page.evaluate(
        """async ([rows, labels, bare]) => {
            const { Stretch, flow, quotation } = await import("./text.js");
            const text = rows.join("\\n"), at = row => text.indexOf(rows[row]);
            const of = all => new Stretch(text, 0, all.map(
                row => ({ start: at(row), end: at(row) + rows[row].length, kind: "row", labels: labels[row] })));
            const tables = nodes => [...nodes.querySelectorAll("table")].map(
                one => [...one.rows].map(row => [...row.cells].map(cell => cell.textContent).join(" | ")));
            return [
                flow(of([0, 1, 2, 3, 4, 5])),
                quotation(of([0, 1, 2, 3, 4, 5]), [at(2), at(4) + 1]),
                flow(of([1, 4])),
                flow(new Stretch(bare, 0)),
            ].map(tables);
        }""",
        [rows, labels, bare],
    )
    assert shown == [rows[:3], rows[3:]]
    assert quoted == [["City", "Lyon"], rows[3:5]]
    assert other == [rows[:2], rows[3:5]]
    assert guessed == [["A | B", "1 | 2"], ["C | D", "3 | 4"]]


def test_what_is_written_from_right_to_left_is_shown_so(page) -> None:
    page.fill("#question", "מי בנה את המגדל?")
    assert page.locator("#question").evaluate("one => getComputedStyle(one).direction") == "rtl"
    found = page.evaluate(
        """async () => {
            const { Stretch, element, flow } = await import("./text.js");
            const text = "מגדל\\nעיר | גובה", kinds = ["item", "row"];
            const blocks = [[0, 4], [5, text.length]].map(
                ([start, end], at) => ({ start, end, kind: kinds[at], labels: at ? ["שם", "מספר"] : [] }));
            const holder = element("div", { class: "text" });
            holder.append(flow(new Stretch(text, 0, blocks)));
            document.querySelector("main").append(holder);
            const [item, ...cells] = [".item", "th", "td"].map(name => getComputedStyle(holder.querySelector(name)));
            return [item.paddingLeft, ...cells.map(one => one.direction + one.textAlign)];
        }"""
    )
    assert found == ["0px", "rtlstart", "rtlstart"]


def test_what_passages_share_is_one_block(page) -> None:
    found = page.evaluate(
        """async () => {
            const { united } = await import("./text.js");
            const block = (start, end, kind = "paragraph") => ({ start, end, kind, labels: [] });
            return united([
                { start: 10, blocks: [block(0, 5), block(6, 20, "item")] },
                { start: 25, blocks: [block(0, 30, "item"), block(31, 40)] },
            ]).map(one => [one.start, one.end, one.kind]);
        }"""
    )
    assert found == [[0, 5, "paragraph"], [6, 45, "item"], [46, 55, "paragraph"]]


def test_the_address_of_a_place_on_the_web(page) -> None:
    for *given, address in PLACES:
        found = page.evaluate(f"import('./answers.js').then(({{ web }}) => web(...{json.dumps(given)}))")
        assert found == address
