"""Messages in the words of the command line: what Python raises as `top(n=0): ...` a command says as `-n 0: ...`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

__all__ = ["as_commands", "as_word", "in_words_of_options", "on_same_script"]

_VALUE = r"\.\.\.|'[^']*'|\"[^\"]*\"|\([^()]*\)|[\w.+-]*\w"
_SETTING = re.compile(rf"\b(\w+)=({_VALUE})")
_TRACE = re.compile(rf"viz\.trace\(((?:\w+=(?:{_VALUE})(?:, )?)*)\)")
_CALL = re.compile(r"(?:[\w.]*\.)?(\w+)\(((?:[^()]|\([^()]*\))*)\)(:? )")
_OURS = re.compile(r"viz\.\w+: ")  # what a message begins with that names no argument
_DEFAULTS = ("True", "None")
_ALIKE = {"check": "fail-if"}  # functions whose argument an option of another name gives


def as_word(name: object) -> str:
    """A file's name as a command that is copied takes it: in quotes where it has blanks.

    >>> as_word("train.efz"), as_word("my train.efz")
    ('train.efz', '"my train.efz"')
    """
    text = str(name)
    return f'"{text}"' if re.search(r"[\s&;()']", text) else text


def on_same_script(command: str, options: argparse.Namespace) -> str:
    """Another command for the script that this one ran, with its arguments, as one that can be copied.

    Args:
        command: its name, with options of its own if it needs any.
        options: what this command was given.

    >>> on_same_script("nonfinite", argparse.Namespace(script="my train.py", module=False, arguments=["--lr", "0.1"]))
    'viz nonfinite "my train.py" --lr 0.1'
    """
    words = [as_word(word) for word in (options.script, *options.arguments)]
    return " ".join(["viz", command, *["-m"] * bool(options.module), *words])


def as_commands(text: str) -> str:
    """What is said of recording, in commands.

    >>> as_commands('record it with viz.trace(stats="basic")')
    'record it with viz run --stats basic'
    """
    text = text.replace("viz.find_nonfinite(viz.load(path))", "viz nonfinite FILE.efz")
    text = re.sub(r"viz\.trace\(on_nonfinite=[\"']raise[\"']\)", "viz nonfinite SCRIPT", text)
    text = text.replace("make it first (os.makedirs)", "make it first")
    return _TRACE.sub(lambda found: " ".join(["viz run", *_flags(found[1])]), text)


def in_words_of_options(message: str, flags: Iterable[str]) -> str:
    """A message of Python's interface as one of a command.

    Args:
        message: the message.
        flags: the options of the command, such as `--step`.

    >>> in_words_of_options("step=9: the recording has the steps 0 to 1", ["--step"])
    '--step 9: the recording has the steps 0 to 1'
    """
    known, message = set(flags), as_commands(message)
    message = _OURS.sub("", message)
    called = _CALL.match(message)
    if called is not None:
        message = _without_call(called, known) + message[called.end() :]
    return _SETTING.sub(lambda found: _flag(found[1], found[2]) if _name(found[1]) in known else found[0], message)


def _without_call(called: re.Match[str], known: set[str]) -> str:
    """The arguments of a call that a message begins with; nothing for a call without any."""
    name, given, end = called[1], called[2], called[3]
    option = _name(_ALIKE.get(name, name))
    if option in known and given and "=" not in given:
        return f"{_flag(option.lstrip('-'), given)}{end}"
    if "=" in given or not given:
        return f"{given}{end}" if given else "this " * (end == " ")
    return f"{given}{end}"


def _flags(settings: str) -> list[str]:
    return [_flag(name, value) for name, value in _SETTING.findall(settings) if value not in _DEFAULTS]


def _name(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"


def _flag(name: str, value: str) -> str:
    """An option with its value; empty texts keep their quotes, and `...` stands for any value."""
    if value == "...":
        return _name(name)
    plain = value[1:-1] if len(value) > 2 and value[0] in "'\"" and value[0] == value[-1] else value
    return f"{_name(name)} {plain.strip('()').replace(', ', ',')}"
