"""How the page of a report looks: light and dark, from 400 pixels up, on paper. Knows no content."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f6f7f9; --ink: #1b1f24; --soft: #59636e; --rule: #d9dee4;
  --a: #2563a8; --b: #93bce6; --c: #b8671a; --under: #2563a81f; --mark: #ffe08a; --mark-ink: #1b1f24; --bad: #a4342a;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --raised: #1d2127; --ink: #e4e7eb; --soft: #9aa5b1; --rule: #333a43;
    --a: #6aa9ee; --b: #36597f; --c: #e0974c; --under: #6aa9ee26; --mark: #6b5613; --mark-ink: #fff3cf; --bad: #f09389;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 70rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  overflow-wrap: break-word;
}
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 0 0 .4rem; font-size: 1.3rem; }
h3 { margin: 0 0 .5rem; font-size: .95rem; }
p { margin: 0 0 1rem; }
a { color: var(--a); }
.over { margin: 0 0 .2rem; color: var(--soft); font-size: .85rem; }
.lead { max-width: 46rem; color: var(--soft); }
header { margin-bottom: 1.75rem; }
section { padding: 2.25rem 0 .75rem; border-top: 1px solid var(--rule); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; padding: .75rem 0; border-top: 1px solid var(--rule); }
nav a { font-size: .9rem; text-decoration: none; }
nav a:hover { text-decoration: underline; }

dl.setting { display: flex; flex-wrap: wrap; gap: .6rem 1.75rem; margin: 1.1rem 0 0; font-size: .9rem; }
dl.setting div { min-width: 0; }
dl.setting dt { color: var(--soft); font-size: .8rem; }
dl.setting dd { margin: 0; overflow-wrap: anywhere; }

.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 10.5rem), 1fr)); gap: .75rem;
  margin: 0 0 1.75rem; padding: 0; list-style: none;
}
.tiles li { padding: .85rem 1rem .8rem; border: 1px solid var(--rule); border-radius: .5rem; }
.tiles li, details { background: var(--raised); }
.tiles b { display: block; font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles small { color: var(--soft); font-size: .9rem; font-weight: 400; white-space: nowrap; }
.tiles span { color: var(--soft); font-size: .85rem; line-height: 1.3; display: block; }

.pair {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
  gap: 1rem 2.5rem; margin: 0 0 1.25rem; align-items: start;
}
.pair > * { min-width: 0; }
.tables { columns: 27rem 2; column-gap: 2.5rem; }
.tables > * { break-inside: avoid; padding-top: 1px; }
figure { margin: 0 0 1.25rem; max-width: 32rem; break-inside: avoid; }
figcaption { color: var(--soft); font-size: .85rem; line-height: 1.45; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: 0 0 .4rem; font-size: .85rem; color: var(--soft); }
.key { display: inline-block; width: .75rem; height: .75rem; margin-right: .35rem; border-radius: 2px; }
.key.a { background: var(--a); } .key.b { background: var(--b); } .key.c { background: var(--c); }

svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; }
svg text.name, svg text.value {
  fill: var(--ink); paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round;
}
svg text.value { font-variant-numeric: tabular-nums; }
svg .a { fill: var(--a); } svg .b { fill: var(--b); } svg .c { fill: var(--c); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .ideal { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 4; }
svg .gap { stroke: var(--c); stroke-width: 2; }
svg .whisker { stroke: var(--ink); stroke-width: 1.2; }
svg .point { stroke: var(--ground); stroke-width: 1; }
svg .line { fill: none; stroke: var(--a); stroke-width: 2; stroke-linejoin: round; }
svg .under { fill: var(--under); }

.scroll {
  overflow-x: auto; margin: 0 0 1.5rem;  /* A shade at the right edge, until the end is scrolled to. */
  background:
    linear-gradient(to left, var(--ground) 50%, transparent) right / 2.5rem 100% no-repeat local,
    linear-gradient(to left, var(--rule), transparent) right / .8rem 100% no-repeat scroll;
}
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { padding: .38rem .7rem; text-align: left; border-bottom: 1px solid var(--rule); white-space: nowrap; }
.tables table { font-size: .85rem; }
.tables th, .tables td { padding-inline: .4rem; }
th:first-child, .tables th:first-child { padding-left: 0; }
td:last-child, thead th:last-child { padding-right: .2rem; }
thead th { color: var(--soft); font-size: .8rem; font-weight: 500; vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody th.sub { padding-left: 1.2rem; color: var(--soft); }
.n { text-align: right; font-variant-numeric: tabular-nums; }
tbody tr:hover { background: var(--raised); }
tr.own { background: var(--raised); font-weight: 600; }
tr.own th { font-weight: 600; }

details { border: 1px solid var(--rule); border-radius: .5rem; margin: 0 0 .5rem; }
details[open] { background: var(--ground); }
summary { padding: .6rem .9rem; cursor: pointer; display: flex; gap: .2rem .9rem; align-items: baseline; }
summary::-webkit-details-marker { display: none; }
summary::before { content: "\\25B8"; color: var(--soft); }
details[open] > summary::before { content: "\\25BE"; }
summary .question { flex: 1; min-width: 0; overflow-wrap: anywhere; }
summary .short { color: var(--soft); }
summary .kind { flex: none; width: 11.5rem; color: var(--bad); font-size: .85rem; }
summary .sure { flex: none; font-variant-numeric: tabular-nums; color: var(--soft); font-size: .85rem; }
dl.kinds { margin: 0; font-size: .9rem; }
dl.kinds dt { font-weight: 600; }
dl.kinds dd { margin: 0 0 .7rem; color: var(--soft); }

.case { padding: .2rem .9rem .9rem; }
.case dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.1rem; margin: 0 0 .9rem; }
.case dl div { display: contents; }
.case dt { color: var(--soft); }
.case dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.case blockquote {
  margin: 0; padding: .1rem 0 .1rem 1rem; border-left: 3px solid var(--rule);
  white-space: pre-line; overflow-wrap: anywhere;
}
mark { background: var(--mark); color: var(--mark-ink); padding: .05em .15em; border-radius: .2em; }
footer { margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
footer { color: var(--soft); font-size: .85rem; }

@media (max-width: 40rem) {
  body { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.5rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: .5rem; }
  .tiles li { padding: .65rem .75rem; }
  .tiles b { font-size: 1.4rem; }
  .tiles small { font-size: .8rem; }
  svg text { font-size: 13px; }
  th, td { padding: .38rem .4rem; }
  thead th, .pair tbody th { white-space: normal; }
  summary { flex-wrap: wrap; }
  summary .kind { width: auto; flex: 1; }
  summary .sure { margin-left: auto; }
  summary .question { order: 1; flex-basis: 100%; }
  .case dl { grid-template-columns: 1fr; gap: 0; }
  .case dd { margin-bottom: .35rem; }
}
@media print {
  html { font-size: 12px; }
  body { max-width: none; padding: 0; }
  section { padding-top: 1.25rem; }
  .tables { columns: 2; }
  nav { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
  details, tr, .tiles li { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  .case { padding-bottom: .4rem; }
  .case dl, .case dl div, .case dt, .case dd { display: inline; }
  .case dt::after { content: ": "; }
  .case dl div::after { content: " · "; }
  .case blockquote { margin-top: .3rem; }
  svg text.name, svg text.value { stroke: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
