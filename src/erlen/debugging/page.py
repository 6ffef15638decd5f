"""The report as a page: one file without a request to anywhere, readable on a phone, in light and dark."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import groupby

from markupsafe import Markup, escape

from erlen.debugging import text
from erlen.debugging.failure import Failure, Frame
from erlen.debugging.report import Report, Table
from erlen.debugging.source import Line

__all__ = ["POLICY", "SKELETON", "render"]

_STYLE = """
:root{color-scheme:light dark;--paper:#f6f5f2;--card:#fff;--ink:#1f2328;--soft:#5b626b;--edge:#dcd9d2;--bad:#b3261e;
--bad-tint:#fdecea;--mark:#ffd8d2;--line:#fff1ee;--tip:#0b5c4b;--tip-tint:#e5f4ef;--link:#0b5c4b}
@media(prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1c2024;--ink:#e6e8ea;--soft:#a2a9b1;--edge:#32383e;
--bad:#ff9a8f;--bad-tint:#3a1f1d;--mark:#6e2b25;--line:#2e2220;--tip:#7fd8c0;--tip-tint:#15302a;--link:#7fd8c0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
header,main,footer{max-width:64rem;margin:0 auto;padding:1rem}
header{padding-top:2rem}
h1{margin:0;font-size:1.15rem;color:var(--bad);overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2rem 0 .6rem}
h3{font-size:.95rem;margin:1.2rem 0 .3rem}
.message{margin:.4rem 0;font-size:1.35rem;line-height:1.35;font-weight:600;white-space:pre-wrap;overflow-wrap:anywhere;
max-height:24rem;overflow:auto}
.member .message,.linked .message{font-size:1.05rem}
.note{margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
.where,.request{margin:.2rem 0;color:var(--soft);overflow-wrap:anywhere}
code,pre,textarea,.file{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86rem}
.todo{background:var(--tip-tint);border-left:4px solid var(--tip);border-radius:6px;padding:.8rem 1rem;margin:1rem 0}
.todo h2{margin:0 0 .3rem;color:var(--tip);font-size:1rem}
.todo p{margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
.linked{border-top:1px solid var(--edge);margin-top:2rem;padding-top:1rem}
.member{border-left:3px solid var(--edge);padding-left:1rem;margin-top:1.5rem}
.deeper{margin-left:1rem}
.link{color:var(--soft);margin:0 0 .4rem}
.linked>h2,.member>h2{margin:0;color:var(--bad);font-size:1rem;overflow-wrap:anywhere}
details{background:var(--card);border:1px solid var(--edge);border-radius:8px;margin:.6rem 0;overflow:hidden}
summary{cursor:pointer;padding:.5rem .8rem;overflow-wrap:anywhere}
summary:focus-visible,button:focus-visible,textarea:focus-visible{outline:2px solid var(--link);outline-offset:-2px}
summary b{font-weight:600}
.file{color:var(--soft)}
.run{border-style:dashed;background:none}
.run>summary{color:var(--soft)}
.run details{margin:.4rem}
pre{margin:0;padding:.4rem 0;overflow-x:auto;border-top:1px solid var(--edge);tab-size:4}
pre>span{display:block;min-width:max-content;padding-right:1rem}
pre i{display:inline-block;width:4.2em;padding-right:1em;text-align:right;color:var(--soft);font-style:normal;
user-select:none}
pre .current{background:var(--line);box-shadow:inset 3px 0 var(--bad)}
mark{background:var(--mark);color:inherit;border-radius:2px}
.repeated{margin:0;padding:.4rem .8rem;border-top:1px solid var(--edge);color:var(--soft)}
table{border-collapse:collapse;width:100%;background:var(--card);border:1px solid var(--edge);border-radius:8px;
table-layout:fixed}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem;border-top:1px solid var(--edge);overflow-wrap:anywhere}
th{width:30%;font-weight:500;color:var(--soft)}
td{white-space:pre-wrap}
@media(max-width:40rem){header,main,footer{padding:.8rem}tr,th,td{display:block;width:auto}th{padding-bottom:0}
td{border:0;padding-top:0}pre i{width:3.4em}.message{font-size:1.2rem}}
.none{color:var(--soft);margin:.2rem 0}
textarea{display:block;width:calc(100% - 1.6rem);margin:0 .8rem .8rem;height:18rem;background:var(--paper);
color:inherit;border:1px solid var(--edge);border-radius:6px;padding:.6rem;white-space:pre;overflow:auto}
button{font:inherit;margin:0 .8rem .6rem;padding:.3rem .9rem;border-radius:6px;border:1px solid var(--link);
background:none;color:var(--link);cursor:pointer}
label{display:block;padding:0 .8rem .3rem;color:var(--soft)}
footer{color:var(--soft);font-size:.88rem;padding-bottom:3rem}
"""
_SCRIPT = """
const button=document.getElementById("copy"),area=document.getElementById("text");
button.hidden=false;
button.addEventListener("click",async()=>{
area.select();
try{await navigator.clipboard.writeText(area.value)}catch(_){document.execCommand("copy")}
button.textContent="Copied"});
"""


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(source.encode()).digest()).decode()}'"


#: The Content-Security-Policy: nothing but the page's own style and script, known by their hashes.
POLICY = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

_PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{kind}</h1>
<p class="message">{message}</p>
{notes}{where}
<p class="request">{request}</p>
</header>
<main>
{todo}<h2>Traceback</h2>
<p class="none">The most recent call comes first.</p>
{failures}
<h2>Copy as text</h2>
<details><summary>The whole report, without secrets</summary>
<label for="text">For a message, an issue, a search</label>
<button id="copy" type="button" hidden>Copy</button>
<textarea id="text" readonly>
{text}</textarea></details>
<h2>Request</h2>
{tables}
<h3>Versions</h3>
{versions}
</main>
<footer>You see this page because debug mode is on. In production the answer is a plain 500 page. Values of cookies, of
the session and of fields that look secret are never shown, and neither are local variables.</footer>
<script>{script}</script>
</body>
</html>
""")
_FRAME = Markup(
    '<details class="frame"{open}><summary><b>{function}</b> <span class="file">{file}:{line}</span></summary>'
    "{source}{repeated}</details>\n"
)
_LINK = Markup(
    '<section class="{classes}">\n<p class="link">{link}</p>\n<h2>{kind}</h2>\n<p class="message">{message}</p>'
)
#: All that is on every page, for the last look: secrets that are found here too are words of the page itself.
SKELETON = (
    str(_PAGE) + _STYLE + _SCRIPT + str(_FRAME) + str(_LINK) + '<span class="current"><mark><table><th scope="row">'
)


def render(report: Report) -> str:
    """Write *report* as HTML."""

    def show(value: str) -> Markup:
        return escape(report.show(value))

    first = report.failures[0]
    title = f"{first.kind}: {first.message}"
    found = _PAGE.format(
        title=show(title if len(title) < 120 else f"{title[:119]}…"),
        style=Markup(_STYLE),
        script=Markup(_SCRIPT),
        kind=show(first.kind),
        message=show(first.message or "(without a text)"),
        notes=_joined(_notes(first, show)),
        where=_where(first, show),
        request=show(report.request_line),
        todo=_todo("What to do", report.hints, show),
        failures=_joined(_failures(report, show)),
        text=escape(text.render(report)),
        tables=_joined(_table(table, show) for table in report.tables),
        versions=_rows(report.versions, show),
    )
    return report.redact.last_look(str(found), SKELETON)


Show = Callable[[str], Markup]


def _joined(parts: Iterator[Markup]) -> Markup:
    return Markup("").join(parts)


def _notes(failure: Failure, show: Show) -> Iterator[Markup]:
    for note in failure.notes:
        yield Markup('<p class="note">{}</p>\n').format(show(note))


def _where(failure: Failure, show: Show) -> Markup:
    place = failure.place
    if place is None:
        return Markup()
    function = show(f"{place.function} " if place.function else "")
    return Markup('<p class="where">in {}<code>{}:{}</code></p>').format(function, show(place.file), place.line)


def _todo(heading: str, hints: tuple[str, ...], show: Show) -> Markup:
    if not hints:
        return Markup()
    lines = _joined(Markup("<p>{}</p>\n").format(show(hint)) for hint in hints)
    return Markup('<section class="todo"><h2>{}</h2>\n{}</section>\n').format(heading, lines)


def _failures(report: Report, show: Show) -> Iterator[Markup]:
    for failure in report.failures:
        if failure.link:
            yield _LINK.format(
                classes=("linked", "member", "member deeper")[min(failure.depth, 2)],
                link=text.LINKS[failure.link],
                kind=show(failure.kind),
                message=show(failure.message),
            )
            yield from _notes(failure, show)
            if failure.hints and failure.hints != report.hints:
                yield _todo("What to do", failure.hints, show)
        yield from _frames(failure, show)
        if failure.link:
            yield Markup("</section>\n")


def _frames(failure: Failure, show: Show) -> Iterator[Markup]:
    if not failure.frames:
        yield Markup('<p class="none">It has no traceback.</p>\n')
    none_yours = not any(frame.yours for frame in failure.frames)
    for number, (yours, group) in enumerate(groupby(reversed(failure.frames), key=lambda frame: frame.yours)):
        frames = list(group)
        if yours:
            yield _joined(_frame(frame, show, True) for frame in frames)
            continue
        owners = sorted({frame.owner for frame in frames})
        names = ", ".join(owners[:-1]) + (" and " if len(owners) > 1 else "") + owners[-1]
        count = "1 frame" if len(frames) == 1 else f"{len(frames)} frames"
        yield Markup('<details class="run"{}><summary>{} of {}</summary>\n{}</details>\n').format(
            _open(none_yours and number == 0),
            count,
            show(names),
            _joined(_frame(frame, show, position == 0) for position, frame in enumerate(frames)),
        )
    if failure.left_out:
        yield Markup('<p class="none">{} frames in the middle are left out.</p>\n').format(failure.left_out)


def _open(yes: bool) -> Markup:
    return Markup(" open" if yes else "")


def _frame(frame: Frame, show: Show, is_open: bool) -> Markup:
    source = Markup('<p class="repeated">There is no source to show.</p>')
    if frame.lines:
        source = Markup("<pre>{}</pre>").format(_joined(_line(line, show) for line in frame.lines))
    repeated = Markup()
    if frame.repeated:
        repeated = Markup('<p class="repeated">{}</p>').format(text.repetition(frame))
    return _FRAME.format(
        open=_open(is_open),
        function=show(frame.function or "(this file)"),
        file=show(frame.file),
        line=frame.line,
        source=source,
        repeated=repeated,
    )


def _line(line: Line, show: Show) -> Markup:
    content = _joined(
        Markup("<mark>{}</mark>").format(show(part)) if marked else show(part) for part, marked in line.pieces
    )
    kind = Markup(' class="current"') if line.current else Markup()
    return Markup("<span{}><i>{}</i>{}\n</span>").format(kind, line.number, content)


def _table(table: Table, show: Show) -> Markup:
    if not table.rows and table.remark == "none":
        return Markup()
    rows = _rows(table.rows, show) if table.rows else Markup()
    remark = Markup('<p class="none">{}</p>\n').format(show(table.remark)) if table.remark else Markup()
    return Markup("<h3>{}</h3>\n{}{}").format(table.heading, rows, remark)


def _rows(rows: tuple[tuple[str, str], ...], show: Show) -> Markup:
    row = Markup('<tr><th scope="row">{}</th><td>{}</td></tr>\n')
    return Markup("<table>{}</table>\n").format(_joined(row.format(show(name), show(value)) for name, value in rows))
