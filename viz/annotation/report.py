"""Lines of code with their costs in the margin: for the terminal, and as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import NamedTuple

from viz.annotation.costs import Costs, LineCost
from viz.facts import formatting
from viz.facts.lines.room import beginning, folded, room, width
from viz.facts.schema import Frame
from viz.facts.text_files import lines_of
from viz.reports.page import report_page

__all__ = ["page", "text"]

_HEADS = ("makes", "forward", "backward", "update", "bytes", "|∂made|", "|∂weights|")
_LEAST = ("|∂made|", "update", "|∂weights|", "makes", "bytes")  # left out where there is no room, in this order
_CODE = 40  # signs of a line with its number, for which there is room in any case
_MOST = 20_000
_STYLE = """
table{border-collapse:collapse} td,th{padding:0 9px;white-space:pre;text-align:right;font-size:12px}
th{color:var(--quiet);font-weight:500;border-bottom:1px solid var(--frame)}
td.code,td.makes{text-align:left} td.code,td.n{font-family:ui-monospace,monospace}
td.n{color:var(--quiet);border-left:1px solid var(--frame)} tr.cost:hover{outline:1px solid #0072b2}
"""


class _SourceLine(NamedTuple):
    """A line that is shown: its number (None for a gap), its text, and what it costs."""

    number: int | None
    text: str
    cost: LineCost | None


def _source_lines(costs: Costs, file: str, whole: bool) -> Iterator[_SourceLine]:
    """The lines of a file, as far as it still is what ran; else those alone that the recording holds.

    So a file that was changed isn't shown as if it had run, and a recording from elsewhere can't bring other files of
    this machine into a page, see `lines_of`.
    """
    known = costs.lines[file]
    texts = lines_of(file)[:_MOST]
    if not all(cost.code and _stripped(texts, number) == cost.code for number, cost in known.items()):
        for number in sorted(known):
            yield _SourceLine(number, known[number].code, known[number])
        return
    near = {n + by for n in known for by in (-2, -1, 0, 1, 2)}
    gap = False
    for number, text in enumerate(texts, 1):
        if whole or number in near:
            if gap:
                yield _SourceLine(None, "⋮", None)
            gap = False
            yield _SourceLine(number, text.rstrip().expandtabs(4)[:300], known.get(number))
        else:
            gap = True


def _stripped(texts: list[str], number: int) -> str:
    return "".join(texts[number - 1 : number]).strip()[:500]


def cells(cost: LineCost) -> tuple[str, ...]:
    """What stands in the margin of a line."""
    shapes = ", ".join(cost.shapes[:2]) + (f" +{len(cost.shapes) - 2}" if len(cost.shapes) > 2 else "")
    shapes = shapes or _counted_at(cost)
    times = [formatting.seconds(each) if each else "" for each in (cost.forward, cost.backward, cost.update)]
    norms = ["" if each is None else f"{each:.2g}" for each in (cost.gradient, cost.weights)]
    return (shapes, *times, formatting.nbytes(cost.nbytes) if cost.nbytes else "", *norms)


def _counted_at(cost: LineCost) -> str:
    """Of a line without a number of its own, where what it ran counts."""
    if not cost.counted_at or cost.time:
        return ""
    here = sorted([line for file, line in cost.counted_at if file == cost.file])
    others = [formatting.place(Frame(file, line)) for file, line in cost.counted_at if file != cost.file]
    if not here:
        return f"→ {others[0]}{f' +{len(others) - 1}' if others[1:] else ''}"
    numbers = f"{here[0]}–{here[-1]}" if len(here) > 2 else ", ".join(map(str, here))
    return f"→ line{'s' if here[1:] else ''} {numbers}{f' +{len(others)}' if others else ''}"


def text(costs: Costs, whole: bool = False, paint: Callable[[str, str], str] = lambda words, code: words) -> str:
    """The lines for a terminal."""
    places = room()
    found = [folded(costs.head(), places)]
    every = [cells(cost) for lines in costs.lines.values() for cost in lines.values()]
    shown = [i for i in range(len(_HEADS)) if any(line[i] for line in every)]
    widths = {i: max([len(_HEADS[i]), *[len(line[i]) for line in every]]) for i in shown}
    left_out = _left_out(widths, places)
    shown = [i for i in shown if i not in left_out]
    hot = max(1, sum([costs.total(name) for name in ("forward", "backward", "update")])) / 10
    for file in costs.lines:
        found += ["", paint(_name(file), "1")]
        found.append(paint("  ".join([_HEADS[i].rjust(widths[i]) for i in shown]), "2"))
        for line in _source_lines(costs, file, whole):
            margin = cells(line.cost) if line.cost else [""] * len(_HEADS)
            left = "  ".join([margin[i].rjust(widths[i]) for i in shown])
            number = f"{'' if line.number is None else line.number:>5}"
            row = _in_room(f"{left} │{number}  {line.text}".rstrip(), places)
            found.append(paint(row, "31") if line.cost and line.cost.time >= hot else row)
    if left_out:
        found += ["", folded(f"(no room for: {', '.join([_HEADS[i] for i in sorted(left_out)])})", places)]
    return "\n".join([*found, *[folded(each, places) for each in _rest(costs)]])


def _left_out(widths: dict[int, int], places: int | None) -> set[int]:
    """The columns for which there is no room next to the code."""
    left = dict(widths)
    for name in _LEAST:
        if places is None or sum(left.values()) + 2 * len(left) + _CODE <= places:
            break
        left.pop(_HEADS.index(name), None)
    return widths.keys() - left.keys()


def _in_room(row: str, places: int | None) -> str:
    """A line, without its end where it is too long for the terminal."""
    return row if places is None or width(row) <= places else f"{beginning(row, places - 1)}…"


def _rest(costs: Costs) -> list[str]:
    notes = [f"note: {note}" for note in costs.notes]
    if costs.elsewhere:
        notes.insert(0, f"note: {formatting.seconds(costs.elsewhere)} more in ops without a line of yours")
    return ["", *notes] if notes else []


def _name(file: str) -> str:
    return formatting.clean(formatting.place(Frame(file, 0)).rpartition(":")[0], 100)


def page(costs: Costs) -> str:
    """The page as text: whole files, the ground of each line as warm as it takes time."""
    whole = max(1, sum([costs.total(name) for name in ("forward", "backward", "update")]))
    parts = []
    heads = "".join([f"<th>{escape(head)}</th>" for head in _HEADS])
    for file in costs.lines:
        rows = "\n".join([_row(line, whole) for line in _source_lines(costs, file, True)])
        parts.append(f"<h2>{escape(_name(file))}</h2><table><tr>{heads}<th></th><th></th></tr>\n{rows}\n</table>")
    return report_page("What each line costs", [costs.head(), *_rest(costs)], parts, _STYLE)


def _row(line: _SourceLine, whole: int) -> str:
    number = "" if line.number is None else str(line.number)
    end = f'<td class="n">{number}</td><td class="code">{escape(line.text)}</td></tr>'
    if line.cost is None:
        return "<tr>" + "<td></td>" * len(_HEADS) + end
    share = line.cost.time / whole
    ops = ", ".join([f"{name} ×{count}" if count > 1 else name for name, count in line.cost.ops.items()])
    tip = escape(f"{100 * share:.1f} % of the time: {ops}"[:1000], quote=True)
    ground = f"rgba(226,96,70,{min(0.75, share**0.7):.2f})"
    first, *others = cells(line.cost)
    told = "".join([f"<td>{escape(each)}</td>" for each in others])
    return (
        f'<tr class="cost" title="{tip}" style="background:{ground}"><td class="makes">{escape(first)}</td>{told}{end}'
    )
