"""Findings as tools for code review read them: SARIF 2.1.0, and the lines that GitHub makes annotations of."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from viz.doctor.finding import Finding
from viz.facts.json_data import finite, json_text

__all__ = ["github_lines", "sarif"]

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Sequence[Finding], version: str, succeeded: bool = True) -> str:
    """A SARIF log with one run, by this version of the program, of a script that succeeded or not."""
    advice = {finding.rule: finding.fix for finding in reversed(findings)}
    rules = list(dict.fromkeys([finding.rule for finding in findings]))
    run = {
        "tool": {
            "driver": {"name": "viz doctor", "version": version, "rules": [_rule(rule, advice[rule]) for rule in rules]}
        },
        "invocations": [{"executionSuccessful": succeeded}],
        "originalUriBaseIds": {"SRCROOT": {"uri": f"{pathlib.Path.cwd().as_uri()}/"}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules.index(finding.rule)) for finding in findings],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(log)


def _rule(rule: str, advice: str) -> dict[str, Any]:
    kind = rule.partition(".")[0]
    return {
        "id": rule,
        "shortDescription": {"text": kind.replace("_", " ")},
        "help": {"text": f"{advice} See docs/doctor/{kind}.md in eagerflow's sources."},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    because = f" (a consequence of {finding.because})" if finding.because else ""
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}{because}. {finding.fix}"},
        "properties": {"evidence": finite(finding.evidence), "layer": finding.layer},
    }
    if finding.file and finding.line:
        region = {"startLine": finding.line, "startColumn": finding.column}
        place = {"artifactLocation": _artifact(finding.file), "region": region}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _artifact(file: str) -> dict[str, str]:
    """Where a file is: from the folder in which the doctor was called, for a file below it."""
    near = os.path.relpath(file)
    if near.startswith(os.pardir):
        return {"uri": pathlib.Path(file).absolute().as_uri()}
    return {"uri": pathlib.PurePath(near).as_posix(), "uriBaseId": "SRCROOT"}


def github_lines(findings: Sequence[Finding]) -> str:
    """Workflow commands, one line for each finding, which GitHub shows beside the code."""
    return "\n".join([_github(finding) for finding in findings])


def _github(finding: Finding) -> str:
    names = {"error": "error", "warning": "warning", "info": "notice"}
    about = {"title": finding.rule}
    if finding.file and finding.line:
        near = os.path.relpath(finding.file).replace(os.sep, "/")
        about = {"file": near, "line": str(finding.line), "col": str(finding.column), **about}
    told = ",".join([f"{name}={_escaped(value, ':,')}" for name, value in about.items()])
    return f"::{names[finding.severity]} {told}::{_escaped(f'{finding.message}. {finding.fix}')}"


def _escaped(words: str, also: str = "") -> str:
    for sign in ("%", "\r", "\n", *also):
        words = words.replace(sign, f"%{ord(sign):02X}")
    return words
