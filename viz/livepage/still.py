"""The live page as one picture without scripts: what a notebook shows while training runs, and keeps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from viz.facts.formatting import clean, nbytes
from viz.livepage.progress import BUSY
from viz.livepage.visits import FIRST
from viz.picture.charts.curves import Border, Curve, Panel, charts_on_any_ground

__all__ = ["still"]

_RUNNING_MEAN = "epoch's mean so far"  # what `fit` tells of a batch: the mean since the epoch began
_SINGLE = "single steps"  # of `train_on_batch` or a loop, beside epochs of `fit`
_ROLES = {
    "own": ("logged", "other"),  # by `page.log`, where training reports the same name
    "step": ("train", "train"),
    "batch": (_RUNNING_MEAN, "train"),
    "epoch": ("train", "epoch"),
    "validation": ("validation", "validation"),
}
_TITLES = {"step ms": "time per step (ms)", "memory": "memory of the process (MB)"}
_NAMES = {"step ms": "inside the step", "whole step ms": "from step to step"}
_BESIDE = {"whole step ms": "step ms"}  # what is drawn in the chart of another
_EXTRAS = ("learning rate", "gradient norm", "step ms", "memory")
_SETTLING = {"step ms": FIRST}  # steps at the beginning that the scale isn't for
_STEADY = 0.25  # of the memory: a scale so high that small changes look small
_MOST_CHARTS = 12
_MOST_FINDINGS = _MOST_CHARTS // 2
_WORDS = {"finished": "ended", "crashed": "crashed", "interrupted": "stopped", "gone": "died", "killed": "killed"}
_GREY, _RED, _ORANGE = "#8a949d", "#d63a30", "#d4691a"
_COLORS = {"stopped": _ORANGE, "crashed": _RED, "failed": _RED, "died": _RED}
_COLORS |= dict.fromkeys(("ended", "done", "idle", "waiting"), _GREY)
_RUNNING = "#2c9a6f"
_LINE = "margin:2px 0 4px;font:13px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif"

News = Mapping[str, Any]


def still(news: News, name: str | None = None, hint: str = "") -> tuple[str, str]:
    """The page's state as text and as HTML, in the colours of whatever is around it."""
    word, facts = _condition(news), list(_facts(news))
    title = f"{clean(name, 60)}: " if name else ""
    ways = ["page.open() opens the page"] if hint else []
    before = list(_before(news.get("status", {})))
    told = [f"before: {', '.join([words for words, _ in before])}"] if before else []
    plain = " · ".join([f"viz.live, {title}{word}", *[f"{what} {value}" for what, value in facts], *told, *ways])
    tiles = "".join(
        [
            f'<span style="margin-right:16px;white-space:nowrap"><span style="opacity:0.65">{what}</span> '
            f"<b>{escape(value)}</b></span> "
            for what, value in facts
        ]
    )
    dot = f'<span style="color:{_COLORS.get(word.split()[0], _RUNNING)}">●</span>'
    panels = list(_panels(news.get("series", {}), (news.get("borders") or {}).get("list", ())))[:_MOST_CHARTS]
    parts = [
        f'<div style="{_LINE}">{dot} <b style="margin-right:16px">{escape(title + word)}</b>{tiles}',
        f"{_earlier(before)}</div>",
        *_failure(news.get("failure") or {}),
        *_findings((news.get("findings") or {}).get("list", [])),
        charts_on_any_ground(panels) if panels else "",
        f'<div style="{_LINE};opacity:0.75">{hint}</div>' if hint else "",
    ]
    return plain, f"<div>{''.join(parts)}</div>"


def _condition(news: News) -> str:
    if news.get("end"):
        return _WORDS.get(news["end"].get("how"), "ended")
    status = news.get("status", {})
    word = str(status.get("mode") or "waiting")
    took = status.get("took")
    return word if took is None else f"{word} after {_took(took)}"


def _before(status: News) -> Iterator[tuple[str, str]]:
    """How each `fit` before this one ended, and its colour: one that fails takes nothing back from them."""
    for each in status.get("before") or ():
        words = f"{clean(str(each.get('mode')), 20)} after {_took(each.get('took') or 0.0)}"
        yield words, _COLORS.get(str(each.get("mode")), _RUNNING)


def _earlier(before: Sequence[tuple[str, str]]) -> str:
    dots = [f'<span style="color:{color}">●</span> {escape(words)}' for words, color in before]
    return f'<span style="opacity:0.65">before: {", ".join(dots)}</span>' if dots else ""


def _facts(news: News) -> Iterator[tuple[str, str]]:
    status = news.get("status", {})
    if status.get("epochs"):
        yield "epoch", f"{status['epoch']} / {status['epochs']}"
    if status.get("step") is not None:
        yield "step", f"{status['step']:,}"
    if not news.get("end") and status.get("mode") in BUSY and status.get("took") is None:
        if status.get("rate"):
            yield "speed", f"{_short(status['rate'])} steps/s"
        if status.get("samples"):
            yield "samples", f"{_short(status['samples'])}/s"
        if status.get("eta") is not None and status.get("rate"):
            yield "left", _duration(status["eta"])
    elif news.get("end") and status.get("elapsed"):
        yield "took", _took(status["elapsed"])
    if status.get("memory"):
        yield "memory", nbytes(status["memory"])
    if status.get("params"):
        yield "weights", f"{status['params']:,}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole // 60 % 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def _took(seconds: float) -> str:
    if seconds < 0.0995:
        return f"{max(1, round(1e3 * seconds))} ms"
    return f"{seconds:.2g} s" if seconds < 9.95 else _duration(seconds)


def _panels(series: Mapping[str, Any], borders: Sequence[News]) -> Iterator[Panel]:
    """A chart for each metric, the loss first; then what else was measured."""
    metrics: dict[str, list[Curve]] = {}
    extras: dict[str, list[Curve]] = {}
    epochs = [float(point[0]) for point in series.get("mark|epoch", {}).get("points", ())]
    for key, curve in series.items():
        run, _, metric = key.partition("|")
        points = [(float(p[0]), _value(p[1])) for p in curve["points"]]
        if run in _ROLES:
            if run != "own" and metric == "learning_rate" and "extra|learning rate" in series:
                continue  # a callback has written down what has a chart of its own
            name, role = _ROLES[run]
            if run == "step" and f"epoch|{metric}" in series:
                name, role = _SINGLE, "other"
            if run == "own" and not {f"step|{metric}", f"batch|{metric}", f"epoch|{metric}"} & series.keys():
                name, role = "train" if f"validation|{metric}" in series else clean(metric, 40), "train"
            restarts = epochs if name == _RUNNING_MEAN else ()
            metrics.setdefault(metric, []).append(Curve(name, points, role, restarts))
        elif run == "extra":
            scale = 2.0**-20 if metric == "memory" else 1.0
            role = "train" if metric in _BESIDE else "other"
            found = Curve(clean(_NAMES.get(metric, metric), 40), [(x, y * scale) for x, y in points], role)
            extras.setdefault(_BESIDE.get(metric, metric), []).append(found)
    order = [role for _, role in _ROLES.values()]
    breaks = [Border(float(border["step"]), clean(border["words"], 100)) for border in borders[1:]]
    steps = [x for curves in (*metrics.values(), *extras.values()) for curve in curves for x, _ in curve.points]
    span = (min(steps), max(steps)) if steps else None  # the same steps in all charts
    for metric in sorted(metrics, key=lambda name: (not name.startswith("loss") and not name.endswith("_loss"), name)):
        curves = sorted(_told_once(metrics[metric]), key=lambda c: order.index(c.role))
        yield Panel(clean(metric, 60), curves, "step", breaks, span)
    rank = {name: i for i, name in enumerate(_EXTRAS)}
    for metric in sorted(extras, key=lambda name: (rank.get(name.partition(" (")[0], len(rank)), name)):
        least = _STEADY if metric == "memory" else 0.0
        title, settling = clean(_TITLES.get(metric, metric), 60), _SETTLING.get(metric, 0)
        yield Panel(title, extras[metric], "step", breaks, span, least, settling)


def _told_once(curves: list[Curve]) -> list[Curve]:
    """Of means so far those of the epoch that runs, beside those that ended; alone until there is a line of epochs.

    At an epoch's end the mean so far is the epoch's own. The pages' `toldOnce` does the same.
    """
    batch = next((curve for curve in curves if curve.name == _RUNNING_MEAN), None)
    epoch = next((curve for curve in curves if curve.role == "epoch"), None)
    if batch is None or epoch is None:
        return curves
    if len(epoch.points) < 2 <= len(batch.points):
        return [curve for curve in curves if curve is not epoch]
    running = [(x, y) for x, y in batch.points if not epoch.points or x > epoch.points[-1][0]]
    shown = [dataclasses.replace(batch, points=running)] if running else []
    return [each for curve in curves for each in (shown if curve is batch else [curve])]


def _value(sent: Any) -> float:
    """A number, or what stands for one that JSON has no word for."""
    return float(sent) if sent is not None else math.nan


def _failure(failure: News) -> Iterator[str]:
    if failure.get("type"):
        where = "".join([f", {what} {clean(failure[what], 80)}" for what in ("op", "layer") if failure.get(what)])
        words = f"{clean(failure['type'], 80)}{where}: {clean(failure.get('message', ''), 600)}"
        yield f'<div style="{_LINE};border-left:4px solid {_RED};padding-left:8px">{escape(words)}</div>'


def _findings(found: Sequence[News]) -> Iterator[str]:
    """What the doctor says, errors and warnings."""
    bad = [finding for finding in found if finding.get("severity") in ("error", "warning")]
    for finding in bad[:_MOST_FINDINGS]:
        color = _RED if finding["severity"] == "error" else _ORANGE
        words = f"{escape(clean(finding['message'], 400))} <i>{escape(clean(finding.get('fix', ''), 300))}</i>"
        kind = f"{finding['severity']}, {clean(str(finding['kind']), 60)}"
        style = f"{_LINE};border-left:4px solid {color};padding-left:8px"
        yield f'<div style="{style}"><b>{escape(kind)}.</b> {words}</div>'
    if len(bad) > _MOST_FINDINGS:
        yield f'<div style="{_LINE}">and {len(bad) - _MOST_FINDINGS} more</div>'
