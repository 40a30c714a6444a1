from __future__ import annotations

import pytest

from odqa.corpus.html import _check_comments, extract
from odqa.corpus.read import read_file

PAGE = """\
<!DOCTYPE html>
<html><head><title>Tower &amp; River</title><style>p {color: red}</style></head>
<body class="has-sidebar">
<a class="skip-link" href="#main">Skip to content</a>
<nav><ul><li><a href="/">Home</a></ul></nav>
<header><h1>Banner</h1></header>
<div class="breadcrumbs">Docs / Towers</div>
<div role="search">Find</div>
<main>
  <header><h1 id="t">The Tower<a class="headerlink" href="#t">¶</a></h1></header>
  <p>It is <b>330</b>&nbsp;metres
     high.<br>Built in 18<i>89</i>.</p>
  <div class="toc"><a href="#r">The river</a></div>
  <h2><a class="toc-backref" href="#c">The river</a> <a href="#r">#</a></h2>
  <ul><li>One<li>Two<ul><li>Three</ul></ul>
  <table><caption>Floors</caption>
    <tr><th>Name<th>Metres</tr>
    <tr><td>First<td><p>57</p><p>(58)</p></tr>
    <tr><td><td>115</tr>
    <tr><td>Top<td><td>x</tr>
  </table>
  <pre>
def f():
    return  1
</pre>
  <p hidden>Hidden one.<p style="display: none">Hidden two.<p aria-hidden="true">Hidden three.
  <form>Name? <input></form><script>run()</script><!-- comment --><template>T</template>
  End.
  <footer>Written by Ann.</footer>
</main>
<aside>Advertisement</aside>
<footer>Imprint</footer>
</body></html>
"""

TEXT = """\
The Tower

It is 330 metres high.
Built in 1889.

The river

One
Two
Three

Floors
Name | Metres
First | 57 (58)
115
Top |  | x

def f():
    return  1

End.

Written by Ann."""


def test_a_page_is_its_text_without_its_navigation():
    title, text, sections = extract(PAGE)
    assert title == "Tower & River"
    assert text == TEXT
    assert [(text[s.start : s.start + 9], s.headings) for s in sections] == [
        ("The Tower", ("The Tower",)),
        ("The river", ("The Tower", "The river")),
    ]


def body(markup: str) -> str:
    return extract(f"<body>{markup}</body>")[1]


@pytest.mark.parametrize(
    "noise",
    [
        "<div role=contentinfo>Noise</div>",
        "<div class='sphinxsidebar'>Noise</div>",
        "<div class='md-sidebar'>Noise</div>",
        "<ul class='topNav'><li>Noise</ul>",
        "<div id='toc'>Noise</div>",
        "<section id='table_of_contents'><h2>Table of contents</h2>Noise</section>",
        "<div class='header'><a href='b.html'>Next: Noise</a>,</div>",
        "<svg><text>Noise</text></svg>",
        "<td class=linenos><pre>1</pre></td>",
        "<span style='visibility:hidden'>Noise</span>",
    ],
)
def test_what_is_no_content_is_left_out(noise):
    content = "The content of this page is much longer than all that stands around it."
    assert body(f"<p>{content}</p>{noise}") == content


@pytest.mark.parametrize(
    "content",
    [
        "<div class='page-with-sidebar no-toc'>Text</div>",
        "<section><header><h2>Text</h2></header></section>",
        "<div class=sidebar>Text</div>",  # All there is: whatever it is called, it is the content.
        "<form action=x>Text</form>",
        "<h2 class='menu'>Text</h2>",
        "<div hidden=until-found>Text</div>",
        "<details><summary>Text</summary></details>",
        "<div class='section' id='menu'><h2>Text menu</h2></div>",
    ],
)
def test_what_only_sounds_like_navigation_stays(content):
    assert "Text" in body(content)


def test_the_body_is_read_where_the_main_element_does_not_hold_the_text():
    long = "A sentence of the page. " * 20
    assert long.strip() in body(f"<main>Loading</main><p>{long}</p>")
    assert body("<article>One.</article><article>Two.</article>") == "One.\n\nTwo."
    assert body(f"<article>{long}</article><p>Related</p>") == long.strip()
    assert body(f"<div role=main>{long}</div><div>Advertisement</div>") == long.strip()


def test_a_table_that_lays_out_the_page_is_no_row_of_cells():
    assert body("<table><tr><td>Left<td><h2>Right</h2><p>Text</table>") == "Left\n\nRight\n\nText"
    assert body("<table><tr><td><ul><li>a<li>b</ul></table>") == "a\nb"


def test_a_heading_inside_of_another_is_a_part_of_it():
    _, text, sections = extract("<body>x<h1>A <div><h2>B</h2></div></h1>y")
    assert [(section.start, section.headings) for section in sections] == [(text.index("A"), ("A B",))]


def test_invisible_characters_go_and_entities_are_decoded():
    assert body("<p>inter&shy;national&#8203; &lt;b&gt; caf&eacute; &#x1F600;") == "international <b> café 😀"


def test_words_are_not_glued_and_not_torn():
    assert body("<p>a<b>b</b>c <i> d</i>\n e</p>f<div>g</div>h") == "abc d e\n\nf\ng\nh"
    assert body("one<br><br>two<br>three") == "one\n\ntwo\nthree"
    assert body("<pre>a\n\n\n  b <i>c</i>\n</pre>d") == "a\n\n\n  b c\n\nd"


@pytest.mark.parametrize(
    ("markup", "title"),
    [("<h2>A</h2><h1>B <i>c</i></h1>", "B c"), ("<title> x\n y </title><h1>B</h1>", "x y"), ("<p>z", "")],
)
def test_the_title(markup, title):
    assert extract(markup)[0] == title


def test_a_page_nested_deeper_than_the_call_stack_and_one_of_millions_of_characters():
    assert body("<div>" * 3000 + "deep" + "</div>" * 3000) == "deep"
    assert len(body("<p>" + "word " * 2_100_000)) == 10_499_999  # libxml2's own limit is 10,000,000


@pytest.mark.parametrize(
    "head",
    [
        b'<meta charset="windows-1251">',
        b"<meta http-equiv=Content-Type content='text/html; charset=windows-1251'>",
        b'<?xml version="1.0" encoding="windows-1251"?>',
    ],
)
def test_the_declared_encoding_is_used(tmp_path, head):
    path = tmp_path / "page.htm"
    path.write_bytes(head + "<p>Так.</p>".encode("cp1251"))
    (document,) = read_file(path)
    assert document.text == "Так."
    assert document.title == "page"


@pytest.mark.parametrize("inside", ["<p>{}</p>", "<svg><text>{}</text></svg>", "<math><mi>{}</mi></math>"])
def test_an_entity_of_the_page_s_own_reads_no_file_and_the_text_after_it_stays(tmp_path, inside):
    (tmp_path / "secret.txt").write_text("Secret.")
    declared = f'<!DOCTYPE html [<!ENTITY out SYSTEM "file://{tmp_path}/secret.txt"><!ENTITY in "&in;&in;">]>'
    path = tmp_path / "a.html"
    path.write_text(f"{declared}<body>Before.{inside.format('a &out; &in; b')}<p>After.</p>")
    (document,) = read_file(path)
    assert "Secret" not in document.text
    assert "Before." in document.text and document.text.endswith("After.")


def test_a_comment_that_libxml2_cannot_hold_is_told(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<p>Text.</p>" + "<!--" * 2_600_000)
    (told,) = read_file(path)
    assert "comment" in told.reason
    _check_comments("<!-- <!-- --><? > </ >" * 600_000 + "<p>" * 4_000_000)  # Each is small: nothing is raised.
