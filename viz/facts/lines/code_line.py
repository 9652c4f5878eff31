"""A line of Python that is too long for its place, shortened between tokens: brackets stay in pairs."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["shortened_code"]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>[A-Za-z]{0,3}(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?))
  | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
  | (?P<number>\d[\w.]*(?:(?<=[eE])[-+]\d+)?)
  | (?P<sign>\*\*=?|//=?|[-+*/%@&|^<>=!:]=|->|<<|>>|\.\.\.|.)
    )""",
    re.VERBOSE,
)
_OPENS, _CLOSES = "([{", ")]}"
_JOIN = frozenset("+ - * / // % @ & | ^ << >> < > <= >= == != = += -= *= /=".split())
_LEFT_OUT = "…"
_WORDS = frozenset(["and", "or", "not", "if", "else", "in", "is", "for", "lambda", "return"])
_LEAST = 5  # letters that are worth a sign that something is left out
_PLACE = 8  # letters that such a sign counts: rather one than many
_MOST_LEFT_OUT, _MOST_RUNS = 3, 60  # places in a line, and of how many they are chosen
_CALL = 10  # letters that the name of what is called counts more than others: it tells what is done


def shortened_code(code: str, longest: int) -> str:
    """A line of code in at most so many letters: operands, arguments and what stands in brackets become `…`.

    What tells least is left out: as few letters as do, behind an operator or a comma rather than before it.

    >>> shortened_code("kl = -0.5 * mean(sum(1 + log_var - exp(log_var), axis=-1))", 40)
    'kl = -0.5 * mean(sum(1 + …, axis=-1))'
    >>> shortened_code("total = first + second + third", 22)
    'total = first + …'
    >>> shortened_code("y = layer(", 22)
    'y = layer(…'
    """
    tokens = [(match.start(match.lastgroup or 0), match.end()) for match in _TOKEN.finditer(code) if match.lastgroup]
    words = [code[start:end] for start, end in tokens]
    goes_on = bool(words) and (words[-1] in _OPENS or words[-1] == ",")
    code = code.strip() + _LEFT_OUT * goes_on
    if len(code) <= longest:
        return code
    found = []
    for first, last in _left_out(words):
        calls = sum(map(_is_call, words[first:last], words[first + 1 : last]))
        found.append(_Run(tokens[first][0], tokens[last - 1][1], calls))
    runs = sorted(sorted([run for run in found if run.letters >= _LEAST], key=lambda run: -run.letters)[:_MOST_RUNS])
    return _least(code, runs, longest) or code[: longest - 1] + _LEFT_OUT


class _Run(NamedTuple):
    """What may be left out: from a letter to another, with how many names of what is called."""

    start: int
    end: int
    calls: int

    @property
    def letters(self) -> int:
        return self.end - self.start - len(_LEFT_OUT)

    @property
    def weight(self) -> int:
        return self.letters + _PLACE + _CALL * self.calls


def _is_call(word: str, following: str) -> bool:
    return following == "(" and word[0].isidentifier() and word not in _WORDS


def _least(code: str, runs: list[_Run], longest: int) -> str:
    """The code without the runs that tell least together; "" if too much would stay."""
    sets: list[list[_Run]] = [[]]
    found: list[tuple[int, int, list[_Run]]] = []
    for _ in range(_MOST_LEFT_OUT):
        sets = [[*chosen, run] for chosen in sets for run in runs if not chosen or chosen[-1].end < run.start]
        fits = [chosen for chosen in sets if len(code) - sum([run.letters for run in chosen]) <= longest]
        found += [(sum([run.weight for run in chosen]), -chosen[0].start, chosen) for chosen in fits]
    if not found:
        return ""
    for run in reversed(min(found)[2]):
        code = code[: run.start] + _LEFT_OUT + code[run.end :]
    return code


def _left_out(words: list[str]) -> list[tuple[int, int]]:
    """The runs of tokens that may be left out: operands at the end of a sum or the like, arguments, whole brackets."""
    found = set[tuple[int, int]]()
    begins: list[list[int]] = [[]]  # for each bracket that is open, where runs may begin
    operands: list[list[int]] = [[]]  # the same, of runs that end with an argument
    for at, word in enumerate(words):
        if word in _OPENS:
            begins.append([at + 1])
            operands.append([])
        elif word in _CLOSES or word == ",":
            found.update([(begin, at) for begin in (*operands.pop(), *begins[-1][-1:])])
            if word == ",":
                operands.append([])
                begins[-1].append(at + 1)
            else:
                found.update([(begin, at) for begin in begins[-1]])
                begins = begins[:-1] or [[]]
                operands = operands or [[]]
        elif _joins(words, at):
            operands[-1].append(at + 1)
    return sorted([(begin, end) for begin, end in found | _to_the_end(words, begins + operands) if begin < end])


def _to_the_end(words: list[str], begins: list[list[int]]) -> set[tuple[int, int]]:
    """The runs that end where the line does, whose brackets may be open."""
    return {(begin, len(words)) for each in begins for begin in each}


def _joins(words: list[str], at: int) -> bool:
    """Does a token stand between two operands, rather than before one, as the minus of a number does?"""
    if at == 0 or words[at - 1] in (*_OPENS, ",", "="):
        return False
    return words[at] in _WORDS or words[at] in _JOIN
