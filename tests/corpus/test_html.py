from __future__ import annotations

import pytest

from odqa.corpus.html.load import _check_comments, extract
from odqa.corpus.read import read_file
from odqa.types import BlockKind

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
| 115
Top |  | x

def f():
    return  1

Hidden one.

Hidden two.

Hidden three.

End.

Written by Ann."""


def test_a_page_is_its_text_without_its_navigation():
    page = extract(PAGE)
    assert page.title == "Tower & River"
    assert page.text == TEXT
    assert [(page.text[s.start : s.start + 9], s.headings) for s in page.sections] == [
        ("The Tower", ("The Tower",)),
        ("The river", ("The Tower", "The river")),
    ]


def body(markup: str) -> str:
    return extract(f"<body>{markup}</body>").text


def blocks(markup: str) -> list[tuple[str, str]]:
    """(kind, text) of each block."""
    page = extract(f"<body>{markup}</body>")
    return [(str(block.kind), page.text[block.start : block.end]) for block in page.blocks]


def rows(markup: str) -> list[tuple[str, tuple[str, ...]]]:
    """(text, labels) of each row of the tables."""
    page = extract(f"<body>{markup}</body>")
    return [(page.text[b.start : b.end], b.labels) for b in page.blocks if b.kind is BlockKind.ROW]


@pytest.mark.parametrize(
    "noise",
    [
        "<div role=contentinfo>Noise</div>",
        "<div class='sphinxsidebar'><h3>Menu</h3><a href=x>Noise</a></div>",
        "<div class='md-sidebar'><a href=x>Noise</a></div>",
        "<ul class='topNav'><li><a href=x>Noise</a><li>Here</ul>",
        "<div id='toc'><a href=x>Noise</a></div>",
        "<section id='table_of_contents'><h2>Contents</h2><a href=x>Noise</a> <a href=y>Noise</a></section>",
        "<div class=breadcrumbs><a href=x>Docs</a> / The page that one is on</div>",
        "<div class=navheader><a href=x><img alt=Previous></a> The chapter</div>",
        "<ul><li><a class=nav-x href=x>Noise</a></ul>",
        "<table><tr><td><a href=x><img alt=Noise></a><td> </table>",
        "<div class=share>To <a href=x>Noise</a> <a href=y>Noise</a></div>",
        "<div id=cookie-banner>We use cookies. <button>Accept</button></div>",
        "<div role=dialog style='display:none'><p>Noise</p></div>",
        "<div class=modal hidden><p>Noise</p></div>",
        "<div style='display:none'><a href=x>Noise</a></div>",
        "<aside><a href=x>Noise</a></aside>",
        "<footer><p>Noise</p></footer>",
        "<form>Find <input type=text name=search value=Noise></form>",
        "<del>Noise</del>",
        "<span aria-hidden=true>★</span>",
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
        "<header><h1>Text</h1></header>",
        "<main><aside>Text</aside></main>",
        "<p>See <a class=nav-link href=x>Text</a>, which says it.</p>",
        "<div class=cookie-recipes><p>Text</p></div>",
    ],
)
def test_what_only_sounds_like_navigation_stays(content):
    assert "Text" in body(content)


NAMES = (
    "menu menu-item menu_description toc toc-entry sidebar sidebar-note pagination pagination-info nav nav-text "
    "skip skip-details navigation navigation-rules breadcrumb share-prices footer-note header-note cookie permalink "
    "linenos modal tocbot topNav navbar social-security tags"
)


@pytest.mark.parametrize("place", ["<main>{}</main>", "<article>{}</article>", "{}"])
def test_names_of_classes_alone_drop_nothing(place):
    facts = [f"What {name} says is kept." for name in NAMES.split()]
    named = "".join(f"<div class='{n}'><p>{f}</p></div>" for n, f in zip(NAMES.split(), facts, strict=True))
    assert body(place.format(f"{named}<p>{'Other text. ' * 200}</p>")).split("\n\n")[:-1] == facts


def test_what_a_menu_of_dishes_costs_stays():
    dishes = "<div class=menu><h3><a href=lamb>Lamb</a></h3><p>17.50 pounds</p></div>" * 3
    assert body(f"<main>{dishes}</main>").count("17.50 pounds") == 3


@pytest.mark.parametrize(
    "panel",
    [
        "<div class=panel style='display: none'><p>In 27 months.</p></div>",
        "<div hidden>In 27 months.</div>",
        "<div class=collapse aria-hidden=true><p>In 27 months.</p></div>",
        "<p><span aria-hidden=true>In 27 months.</span></p>",
        "<details><summary>More</summary>In 27 months.</details>",
    ],
)
def test_a_panel_that_is_closed_is_read(panel):
    assert "In 27 months." in body(f"<h3>When?</h3>{panel}")


def test_what_opens_a_panel_is_its_title():
    assert blocks("<h3><button>When?</button></h3><div hidden>Now.</div>") == [
        ("heading", "When?"),
        ("paragraph", "Now."),
    ]
    opener = "<button aria-expanded=false>When?</button><div hidden>Now.</div><button>Buy</button>"
    assert blocks(opener) == [("term", "When?"), ("paragraph", "Now.")]
    tabs = "<div role=tablist><button role=tab id=a>Linux</button><button role=tab id=b>Mac</button></div>"
    panels = "<div role=tabpanel aria-labelledby=a>apt</div><div role=tabpanel aria-labelledby=b hidden>brew</div>"
    assert [text for _, text in blocks(tabs + panels)] == ["Linux", "apt", "Mac", "brew"]


def test_what_is_said_once_for_eyes_and_once_for_ears_is_read_once():
    assert body("<p>It costs <b aria-hidden=true>$9</b><b class=sr-only>$9</b>.</p>") == "It costs $9."


def test_the_body_is_read_where_the_main_element_does_not_hold_the_text():
    long = "A sentence of the page. " * 20
    assert long.strip() in body(f"<main>Loading</main><p>{long}</p>")
    assert body("<article>One.</article><article>Two.</article>") == "One.\n\nTwo."
    assert body(f"<article>{long}</article><p>Related</p>") == long.strip()
    assert long.strip() in body(f"<article>{'A teaser. ' * 20}</article><p>{long * 5}</p>")
    assert body(f"<div role=main>{long}</div><div>Advertisement</div>") == long.strip()


def test_a_table_that_lays_out_the_page_is_no_row_of_cells():
    assert body("<table><tr><td>Left<td><h2>Right</h2><p>Text</table>") == "Left\n\nRight\n\nText"
    assert body("<table><tr><td><ul><li>a<li>b</ul></table>") == "a\nb"


def test_a_heading_inside_of_another_is_a_part_of_it():
    page = extract("<body>x<h1>A <div><h2>B</h2></div></h1>y")
    assert [(section.start, section.headings) for section in page.sections] == [(page.text.index("A"), ("A B",))]


def test_blocks_are_what_people_see():
    markup = """<h1>Title <a href="#t">#</a></h1><p>One <i>word</i>.<br>Two.<ul><li>a<p>b</p><ul><li>c</ul></ul>
    <dl><dt><code>-n</code><dd>None.</dl><pre>x

      y</pre><figure><img alt=x><figcaption>Seen</figcaption></figure><figure><img alt="A tower"></figure>
    <aside>By the way</aside><section class=footnotes><ol><li>Foot <a href="#r">↩</a></ol></section>
    <div role=heading aria-level=3>Third</div><p><b>--dry-run</b></p><p>Nothing is done.</p>
    <p>Net: 5 EUR<br>VAT: 1 EUR</p>"""
    assert blocks(markup) == [
        ("heading", "Title"),
        ("paragraph", "One word.\nTwo."),
        *[("item", "a"), ("item", "b"), ("item", "c")],
        *[("term", "-n"), ("paragraph", "None.")],
        ("code", "x\n\n      y"),
        *[("caption", "Seen"), ("caption", "A tower")],
        *[("note", "By the way"), ("note", "Foot")],
        ("heading", "Third"),
        *[("term", "--dry-run"), ("paragraph", "Nothing is done.")],
        *[("paragraph", "Net: 5 EUR"), ("paragraph", "VAT: 1 EUR")],
    ]
    assert extract(markup).sections[-1].headings == ("Title", "Third")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        *((line, "term") for line in ("-a", "-a, --all", "--color[=WHEN]", "-k KEY, --key=KEY", "-x a b c d")),
        *((line, "term") for line in ("--sort=name,size", "-o<out>", "--x [a|b|c]", "-? foo", "--a|--b|--c|--d|--e")),
        *((line, "paragraph") for line in ("-x a b c d e", "-x a.", "--=== x", f"--begin {'=' * 72} see below.")),
        (f"-p {','.join(map(str, range(400)))} and more.", "paragraph"),  # Took hours, as did the one before.
    ],
)
def test_a_line_that_is_nothing_but_an_option_is_a_term(line, kind):
    markup = line.replace("<", "&lt;")
    assert blocks(f"<p>{markup}</p><p>It is told.</p>")[0] == (kind, line)


TIMETABLE = """<table><caption>Summer</caption>
<thead><tr><th></th><th>Monday</th><th>Sunday</th></tr></thead>
<tbody><tr><th rowspan=2>Island</th><td>06:15</td><td>09:00</td></tr><tr><td>18:40</td><td></td></tr>
<tr><th>Castle</th><td colspan=2>07:30</td></tr><tr><td>Bay</td><td><ul><li>8<li>12</ul></td><td>none<br>here</td></tr>
<tr><td colspan=3>No service at night</td></tr></tbody></table>"""


def test_cells_stand_under_the_heads_of_their_columns():
    labels = ("", "Monday", "Sunday")
    assert rows(TIMETABLE) == [
        ("| Monday | Sunday", ()),
        ("Island | 06:15 | 09:00", labels),
        ("Island | 18:40 |", labels),
        ("Castle | 07:30 | 07:30", labels),
        ("Bay | 8 12 | none here", labels),
        ("No service at night", ()),
    ]
    assert blocks(TIMETABLE)[0] == ("caption", "Summer")


HEADS = {
    "two rows": (
        "<tr><th rowspan=2>Stop<th colspan=2>Summer<th>Winter<tr><th>Mon<th>Sun<th>Mon<tr><td>Bay<td>1<td>2<td>3",
        ("Stop", "Summer Mon", "Summer Sun", "Winter Mon"),
    ),
    "over the whole row": ("<tr><th colspan=2>Summer<tr><th>Mon<th>Sun<tr><td>1<td>2", ("Summer Mon", "Summer Sun")),
    "groups": (
        "<tr><th>Mon<th>Sun<tr><th colspan=2>Day<tr><td>0<td>1<tr><th colspan=2>Night<tr><td>1<td>2",
        ("Night Mon", "Night Sun"),
    ),
    "scope": ("<tr><td><th scope=col>A<tr><th scope=row>r<td>1", ("", "A")),
    "bold": ("<tr><td><b>Name</b><td><p><strong>Age</strong><tr><td>Ann<td>7", ("Name", "Age")),
    "again": ("<tr><th>A<th>B<tr><td>1<td>2<tr><th>C<th>D<tr><td>3<td>4", ("C", "D")),
    "pairs": ("<tr><th colspan=2>Tower<tr><th>Height<td>330 m", ()),
    "none": ("<tr><td>a<td>b<tr><td>c<td>d", ()),
    "a bar inside": ("<tr><th>A<th>B<tr><td>x | y<td>z", ()),
    "a bar at the front": ("<tr><th>A<th>B<tr><td>| x<td>z", ()),
    "one column": ("<tr><th>Name<tr><td>Ann", ("Name",)),
    "a column that only keeps others apart": ("<tr><th>A<th><th>B<tr><td>1<td> <td>2", ("A", "B")),
}


@pytest.mark.parametrize("case", HEADS)
def test_the_labels_of_the_last_row(case):
    markup, labels = HEADS[case]
    assert rows(f"<table>{markup}</table>")[-1][1] == labels


def test_a_table_inside_of_a_cell_is_a_part_of_it():
    inner = "<table><tr><td>x<td>y</table>"
    assert rows(f"<table><tr><th>A<th>B<tr><td>1<td>a{inner}b</table>")[-1] == ("1 | a x y b", ("A", "B"))
    assert rows(f"<table><tr><td>Left<td>{inner}</table>") == [("x | y", ())]


def test_a_box_with_a_title_and_code_is_no_row():
    box = "<table><tr><td rowspan=2><img alt='[Tip]'><th>Tip<tr><td><p>Try:</p><pre>a\n b</pre></table>"
    assert blocks(box) == [("paragraph", "Tip"), ("paragraph", "Try:"), ("code", "a\n b")]


def test_a_picture_in_a_cell_is_what_it_stands_for():
    assert rows("<table><tr><td>Wifi<td><img alt=yes><tr><td>Bar<td><img alt=x> none</table>") == [
        ("Wifi | yes", ()),
        ("Bar | none", ()),
    ]


def test_spans_take_no_more_than_a_few_times_the_table():
    assert rows("<table><tr><td colspan=1000000000>a<td rowspan=1000000000>b<tr><td>c<td>d</table>") == [
        ("a | a | b", ()),
        ("c | d | b", ()),
    ]
    wide = f"<table><tr>{'<td rowspan=60000>a' * 1000}</tr>{'<tr><td colspan=1000>a</td><td></tr>' * 1000}</table>"
    assert len(body(wide)) < len(wide)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("in 1998<sup><a href='#fn1'>1</a></sup> and", "in 1998 and"),
        ("in 1998<a href='#fn1'><sup>1</sup></a> and", "in 1998 and"),
        ("in 1998<sup class=reference><a href='x.html#n'>[12]</a></sup> and", "in 1998 and"),
        ("in 1998<a role=doc-noteref href='#n'>1</a> and", "in 1998 and"),
        ("in 1998<a class='footnote-reference brackets' href='#id1'>[1]</a>.", "in 1998."),
        ("in 1998<sup>1</sup> and", "in 1998 [1] and"),
        ("1,250<sup>2</sup>, a day<sup>3</sup>, the end.<sup>4</sup>", "1,250 [2], a day [3], the end. [4]"),
        ("weighs 1200<sup>a</sup> tonnes", "weighs 1200 [a] tonnes"),
        ("12.50<sup>*</sup>", "12.50*"),
        ("<sup>1</sup> Estimated", "[1] Estimated"),
        ("2 &times; 10<sup>4</sup> cars", "2 × 10^4 cars"),
        ("10<sup>-3</sup> and 2<sup>10</sup>", "10^-3 and 2^10"),
        ("40 m<sup>2</sup>, 3 km<sup>2</sup>, 9 m s<sup>-1</sup>", "40 m², 3 km², 9 m s⁻¹"),
        ("x<sup>2</sup>, E = mc<sup>2</sup>, (a + b)<sup>2</sup>", "x², E = mc², (a + b)^2"),
        ("the 5<sup>th</sup>, le 1<sup>er</sup>, XIX<sup>e</sup>", "the 5th, le 1er, XIXe"),
        ("M<sup>me</sup>, D<sup>r</sup>, Acme<sup>TM</sup>", "Mme, Dr, Acme™"),
        ("H<sub>2</sub>O, log<sub>10</sub>, 1010<sub>2</sub>", "H2O, log10, 1010_2"),
        ("Ca<sup>2+</sup>, <sup>14</sup>C", "Ca2+, 14C"),
        ("5<sup>1</sup>/<sub>2</sub> m, <sup>3</sup>&frasl;<sub>4</sub>", "5 1/2 m, 3⁄4"),
        ("$19<sup>99</sup>, 9<sup>30</sup> Uhr, 20<sup>o</sup>C", "$19.99, 9:30 Uhr, 20°C"),
        ("9 m<sup>3</sup>/s and 40 km<sup>2</sup>/a", "9 m³/s and 40 km²/a"),
        ("in 1998<span style='vertical-align: super'>1</span>", "in 1998 [1]"),
        ("10<span class=superscript>4</span>, 1010<span class=subscript>2</span>", "10^4, 1010_2"),
        ("<math><msup><mn>10</mn> <mn>4</mn></msup></math> m", "10^4 m"),
        ("a <math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>", "a 1/2"),
    ],
)
def test_superscripts_and_subscripts_make_no_other_numbers(markup, text):
    assert body(f"<p>{markup}</p>") == text


def test_what_stands_for_words_is_read():
    assert body("<p>The <abbr title='World Health Organization'>WHO</abbr>.</p>") == (
        "The WHO (World Health Organization)."
    )
    assert body("<p>He said <q>yes</q>.</p>") == 'He said "yes".'
    assert body("<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp>字<rt>ji</rt></ruby></p>") == "漢字 (kanji)"
    assert body("<p>one<wbr>word for <del>£20</del> <ins>£15</ins></p>") == "oneword for £15"
    fields = (
        "<label>To</label> <input value=Lyon readonly><label>Class</label><select><option>1<option selected>2</select>"
    )
    assert body(f"<p>Request</p><form>{fields}<button>Send</button></form>") == "Request\n\nTo Lyon\nClass 2"


def test_a_form_around_the_whole_page_is_no_form_to_leave_out():
    links = "".join(f"<a href='/{at}'>The timetable of pier {at}</a>" for at in range(9))
    markup = f"<form><nav><a href='/'>Home</a></nav><h1>Piers</h1><p>Boats sail.</p>{links}</form>"
    assert "Boats sail." in body(markup) and "Home" not in body(markup)


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
    assert extract(markup).title == title


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
