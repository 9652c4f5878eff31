"""The change of one line, or the new line, that a finding asks for, where there is no doubt about it."""

from __future__ import annotations

import ast
import difflib
import linecache
import os
import re
from collections.abc import Iterable, Mapping

from viz.doctor.finding import Finding
from viz.source_trees import parsed_source

__all__ = ["base_of", "changed_line", "patch", "without_patch"]

_OTHER_LOSSES = re.compile(
    r"mse|mae|mean_\w+_error|Mean\w+Error|hinge|categorical_crossentropy|CategoricalCrossentropy"
)

_SOFTMAX = r"(?<=[\"'])softmax(?=[\"'])"


def patch(findings: Iterable[Finding]) -> str:
    """A unified diff of the lines whose cure is certain, empty where there is none. Nothing is written.

    Its paths begin in the current folder, or where a script lies outside of that, in `base_of` the findings: no path
    may lead upwards, or `git apply` refuses it.

    Args:
        findings: in any order; what follows from another one is left out.
    """
    changes, _ = _changes(findings)
    base = _base(changes)
    parts: list[str] = []
    for file, lines in changes.items():
        before = [line if line.endswith("\n") else f"{line}\n" for line in linecache.getlines(file)]
        after = "".join(f"{lines[i]}\n" if i in lines else line for i, line in enumerate(before, 1))
        name = os.path.relpath(file, base).replace(os.sep, "/")
        parts += difflib.unified_diff(before, after.splitlines(keepends=True), f"a/{name}", f"b/{name}")
    return "".join(parts)


def base_of(findings: Iterable[Finding]) -> str:
    """The folder in which the paths of their patch begin: the current one, if all its files lie in there."""
    return _base(_changes(findings)[0])


def _base(files: Iterable[str]) -> str:
    folders = [os.path.dirname(os.path.abspath(file)) for file in files]
    if not folders:
        return os.getcwd()
    common, here = os.path.commonpath(folders), os.getcwd()
    return here if common == here or common.startswith(os.path.join(here, "")) else common


def without_patch(findings: Iterable[Finding]) -> list[Finding]:
    """The errors and warnings that `patch` leaves to people, but for those that follow from others.

    Args:
        findings: in any order.
    """
    return _changes(findings)[1]


def _changes(findings: Iterable[Finding]) -> tuple[dict[str, dict[int, str]], list[Finding]]:
    """What lines become, by files; several findings may change one line. And the findings that change none."""
    changes: dict[str, dict[int, str]] = {}
    left = []
    for finding in findings:
        if finding.because is not None:
            continue
        new = changed_line(finding, changes.get(finding.file or ""))
        if new is not None:
            changes.setdefault(finding.file or "", {})[finding.line or 0] = new
        elif finding.severity != "info":
            left.append(finding)
    return changes, left


def changed_line(finding: Finding, changed: Mapping[int, str] | None = None) -> str | None:
    """The line of a finding as it should be, where other findings have changed some already; None for no certainty."""
    if not finding.file or not finding.line:
        return None
    line = (changed or {}).get(finding.line, linecache.getline(finding.file, finding.line).rstrip("\n"))
    new = _changed(finding, line)
    return new if new != line else None


def _source(finding: Finding) -> str:
    return "".join(linecache.getlines(finding.file or ""))


def _changed(finding: Finding, line: str) -> str | None:
    rule = finding.rule
    if rule == "loss_mismatch.from_logits":
        return _once(line, r"from_logits\s*=\s*True", "from_logits=False")
    if rule.startswith("loss_mismatch.logits") and "low" in finding.evidence:  # a relu's outputs are no logits
        return _once(line, r"(\w*Crossentropy)\(\)", r"\1(from_logits=True)")
    if rule == "loss_mismatch.numbers" or (rule == "loss_mismatch.binary" and finding.evidence.get("class_numbers")):
        return _crossentropy(line, "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
    if rule in ("loss_mismatch.one_hot", "loss_mismatch.binary"):
        return _crossentropy(line, "categorical_crossentropy", "CategoricalCrossentropy")
    if rule == "loss_mismatch.several":
        return _once(line, _SOFTMAX, "sigmoid")
    if rule == "loss_mismatch.one_unit":
        return _once(line, _SOFTMAX, "sigmoid") if _all_binary(_source(finding)) else None
    if rule == "softmax_axis":
        return _once(line, r"axis\s*=\s*\d+", "axis=-1") if "softmax" in line.lower() else None
    if rule == "hidden_softmax":
        return _once(line, _SOFTMAX, "relu") if finding.severity != "info" else None
    if rule in ("stopped_early.mode", "callback_mismatch.mode"):
        other = "max" if re.search(r"mode\s*=\s*[\"']min", line) else "min"
        return _once(line, r"(mode\s*=\s*[\"'])(?:min|max)", rf"\1{other}")
    if rule == "loss_sign":
        return _positive(line)
    if rule == "sorted_rows":  # a stateful layer needs the order
        return None if "stateful" in _source(finding) else _once(line, r"shuffle\s*=\s*False", "shuffle=True")
    return None


def _once(line: str, pattern: str, new: str) -> str | None:
    """With the one place that matches replaced; None where there are none, or several."""
    return re.sub(pattern, new, line) if len(re.findall(pattern, line)) == 1 else None


def _crossentropy(line: str, function: str, name: str) -> str | None:
    """With the line's one crossentropy, by its function's or its class' name, replaced by another."""
    found = re.findall(r"\b\w*(?:crossentropy|Crossentropy)\b", line)
    if len(found) != 1:
        return None
    return re.sub(rf"\b{found[0]}\b", name if found[0][0].isupper() else function, line)


def _all_binary(source: str) -> bool:
    """Does it speak of binary crossentropy, and of no other loss?"""
    binary = re.findall(r"binary_crossentropy|BinaryCrossentropy", source)
    return bool(binary) and not _OTHER_LOSSES.search(source)


def _positive(line: str) -> str | None:
    """`return -value` without the sign, where the sign is that of the whole."""
    try:
        tree = parsed_source(f"def f():\n {line.strip()}")
    except SyntaxError:
        return None
    returned = getattr(tree.body[0], "body", [None])[0]
    value = returned.value if isinstance(returned, ast.Return) else None
    if not isinstance(value, ast.UnaryOp) or not isinstance(value.op, ast.USub):
        return None
    return _once(line, r"return\s+-\s*(?=.)", "return ")
