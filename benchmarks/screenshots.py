"""What does the page look like? Pictures of it, light, dark and on a phone, for the documentation.

    odqa index README.md docs --index indexes/docs
    odqa serve --index indexes/docs --feedback runs/feedback.jsonl &
    python benchmarks/screenshots.py --url http://127.0.0.1:8265 --out docs/images

Chromium is needed (apt-get install chromium), and playwright to drive it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, sync_playwright

QUESTION = "How many passages does the reader read by default?"
LARGEST = 120_000  # Bytes of a picture.
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 900, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 900, "height": 700}},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 780},
        "device_scale_factor": 1.5,
        "is_mobile": True,
        "has_touch": True,
    },
}


def picture(browser: Browser, url: str, question: str, path: Path, view: dict[str, Any], unfold: bool) -> None:
    """Ask a question, and write what is then seen; with ``unfold``, the first answer in its passage."""
    context = browser.new_context(**view)
    page = context.new_page()
    page.goto(f"{url}#{urlencode({'q': question})}")
    page.wait_for_selector("#results:not([hidden])", timeout=120_000)
    if unfold:
        page.get_by_role("button", name="Show the passage").first.click()
        page.locator(".unfolded mark").first.evaluate("one => one.scrollIntoView({ block: 'center' })")
    page.screenshot(path=path)
    context.close()


def main() -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8265")
    parser.add_argument("--question", default=QUESTION)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, view in VIEWS.items():
            path = given.out / f"page-{name}.png"
            picture(browser, given.url.rstrip("/") + "/", given.question, path, view, unfold=name == "dark")
            size = path.stat().st_size
            print(f"{path}  {size:,} bytes" + ("  too large" if size > LARGEST else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
