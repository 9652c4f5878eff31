"""The parser of a command's arguments."""

from __future__ import annotations

import argparse
import itertools
import os
import pathlib
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from viz.facts.lines.alike import alike
from viz.facts.lines.room import folded, room
from viz.shell.input_files import check_kept
from viz.shell.program import file_of, name_of
from viz.shell.statuses import MISUSED
from viz.shell.terminal import paint
from viz.shell.words import as_word

__all__ = ["Parser", "nearest"]

_SUBJECTS = ("script", "file", "b", "a")  # by which arguments files are named that are given no name
_OTHER_NAMES = {
    "sort": ("by",),
    "order": ("by",),
    "format": ("json", "out"),
    "csv": ("json",),
    "output": ("out",),
    "limit": ("count",),
    "lines": ("count",),
    "number": ("count",),
    "V": ("version",),
    "v": ("version",),
}
"""What other programs call our options."""
_FEW = 3  # commands that are named
_GIVEN = (".py", ".efz", ".efr", ".onnx", ".keras", ".h5")  # endings of files that commands are asked about
_ALIKE = 0.65  # how much of two names must agree; with less, 'steps' is like 'sizes'
_GOES_ON = re.compile(r"(?<=\S)\n(?=[a-z0-9(])")  # within a sentence
_ALWAYS_THEIRS = ("-h", "--help")  # that behind a script need no word: what is printed shows whose help it is


class _Output(NamedTuple):
    endings: tuple[str, ...]
    suffix: str


class _Help(argparse.RawDescriptionHelpFormatter):
    """Shows texts as they are written, and where there is no room for that, with lines that go on in the next one.

    In a pipe they are as wide as options are, for which `argparse` takes 80 places, or as many as COLUMNS says.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        text, places = super()._fill_text(text, width, indent), room() or width
        if max(map(len, text.split("\n"))) > places:
            text = _GOES_ON.sub(" ", text)
        return folded(text, places)


class Parser(argparse.ArgumentParser):
    """Shows examples as they are written, suggests what may have been meant, and finds names for files.

    Args:
        settings: those of `argparse.ArgumentParser`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Help, allow_abbrev=False, **settings)
        self._takes_modules = False
        self._outputs: dict[str, _Output] = {}  # by the name among the options
        self.offered: dict[str, Sequence[str]] = {}  # words that a shell completes where a list of them is taken
        self._given: Sequence[str] = ()
        self.not_here: dict[str, str] = {}  # what to say of options that people look for, by their letters

    @property
    def flags(self) -> list[str]:
        """The options: `--step`, `-n`, ..."""
        return list(self._option_string_actions)

    @property
    def runs_scripts(self) -> bool:
        """Whether what follows a first word is the script's; where that may also be a recording, it needn't be."""
        return self._takes_modules and any(action.metavar == "script" for action in self._actions)

    def add_output(self, *flags: str, endings: Sequence[str], suffix: str, metavar: str, **settings: Any) -> None:
        """An option that writes a file, whose name may be left out.

        Args:
            flags: as in `add_argument`.
            endings: of names; what follows the option and doesn't end so is no name.
            suffix: of the file that is written where no name is given, behind the name of the script or recording.
            metavar: how help calls the name.
            settings: others of `add_argument`.
        """
        settings["help"] = f"{settings['help']} (without a name: NAME{suffix})"
        added = self.add_argument(*flags, metavar=metavar, **settings)
        self._outputs[added.dest] = _Output(tuple([f".{each}" for each in endings]), suffix)

    def names_by_itself(self, action: argparse.Action) -> bool:
        """Whether an option writes a file whose name may be left out."""
        return action.dest in self._outputs

    def add_place(self, metavar: str, about: str) -> None:
        """Where a command writes, as its second word or behind `-o`: `out` among the options.

        Args:
            metavar: how help calls it.
            about: what help says of it.
        """
        self.add_argument("out", nargs="?", metavar=metavar, help=about)
        self.add_argument("-o", "--out", dest="out_by_option", metavar=metavar, help="the same")

    def add_examples(self, *lines: str) -> None:
        """What help shows below the line that says what the command does."""
        self.description = "\n".join([str(self.description), "", *[f"  {line}" for line in lines]])

    def add_script(self, metavar: str = "script", about: str = "a Python file") -> None:
        """What a command runs: a file, or behind `-m` a module, and all that follows it, which is the script's.

        Among the options are then `script`, `module`, `arguments`, and `prog`, the command as messages call it.

        Args:
            metavar: how help calls it.
            about: what help says of it.
        """
        self._takes_modules = True
        self.add_argument("-m", "--module", action="store_true", help="the script is the name of a module")
        self.add_argument("script", metavar=metavar, help=f"{about}, or with -m a module")
        self.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
        self.set_defaults(prog=self.prog)

    def add_recording(self) -> None:
        """The file that most commands look at, and what goes with it."""
        about = "a recording, made by `viz run` or `Recording.save`, or a model (.onnx, .keras, .h5), which is run once"
        self.add_argument("file", metavar="file.efz", help=about)
        group = self.add_argument_group("of any recording")  # which help lists behind what the command is for
        group.add_argument(
            "--rank", type=int, default=0, metavar="N", help="which rank, in a recording of several (default: 0)"
        )
        lengths = "lengths that a model leaves open, by name or as input:axis (default: batch 1, others 32)"
        group.add_argument("--sizes", metavar="NAME=N[,NAME=N...]", type=_sizes, default={}, help=lengths)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in `argparse`; file names that were left out are filled in."""
        self._given = list(sys.argv[1:] if args is None else args)
        ours, theirs = self._with_empty_names(list(self._given))
        options, rest = super().parse_known_args(ours, namespace)
        out = options.__dict__.pop("out_by_option", None)
        if out is not None:
            if options.out is not None:
                self.error(f"where to write was said twice: {options.out!r} and -o {out!r}")
            options.out = out
        if theirs:  # put there by ourselves, since argparse drops a `--` behind the script
            options.arguments = theirs
        for name, output in self._outputs.items():
            if getattr(options, name) == "":
                setattr(options, name, f"{_subject(options)}{output.suffix}")
        self._keep_inputs(options)
        if not rest:  # else what is taken for the script may be the value of an option that isn't known
            self._hint(options)
        return options, rest

    def error(self, message: str) -> NoReturn:
        message = _only_options(_without_type(message))
        wrong = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        unknown = re.fullmatch(r"unrecognized arguments: (--?[\w-]+)\b.*", message)
        place = self._chosen_by(message)
        if place is not None:
            choices = [str(each) for each in place.choices or ()]
            known = f"{', '.join(choices[:-1])} and {choices[-1]}"
            message = f"for which {place.dest}? There is one for {known}"
            if wrong is not None:
                meant = nearest(wrong[1], choices)
                message = f"there is none for the {place.dest} {wrong[1]!r}, only for {known}{meant}"
        elif wrong is not None:
            message += nearest(wrong[1], [each.strip(" '") for each in wrong[2].split(",")])
        elif unknown is not None:
            message += self._meant(unknown[1])
        elif message.startswith("unrecognized arguments: ") and len(files := self._recordings()) > 1:
            message += f"; {self.prog} takes one file; to compare: viz diff {files[0]} {files[1]}"
        elif message.startswith("the following arguments are required: "):
            message = message.removesuffix(", arguments")  # those of the script, which may be none
        message += self._taken_as_value(message)
        said = f"{self.prog}: {paint('error:', '1;31', sys.stderr)} {message}\n"
        self.exit(MISUSED, f"{said}see: {self.prog} --help\n")

    # ------------------------------------------------------------------

    def _taken_as_value(self, message: str) -> str:
        """Where an option took the script or the recording as its value: that it needs one before it.

        Args:
            message: what is wrong: with an option's value, or that there is no script.
        """
        for option, word in itertools.pairwise(self._given):
            action = self._option_string_actions.get(option)
            if action is None or action.nargs == 0 or not word.endswith(_GIVEN):
                continue
            known = [str(each) for each in action.choices or () if each != action.default]
            value = known[0] if known else str(action.metavar or action.dest.upper()).partition("[")[0]
            is_meant = message.startswith(("the following arguments are required", *action.option_strings))
            if is_meant and not value.endswith(word[word.rindex(".") :]):
                return f"; {option} needs a value before {word}: {option} {value} {word}"
        return ""

    def _chosen_by(self, message: str) -> argparse.Action | None:
        """The word without dashes that a message is about, if there are few to choose from."""
        chosen = [each for each in self._actions if each.choices and not each.option_strings]
        about = (f"{each.dest}: invalid choice" for each in chosen)
        missing = (f"the following arguments are required: {each.dest}" for each in chosen)
        return next((each for each, *said in zip(chosen, about, missing) if message.startswith(tuple(said))), None)

    def _recordings(self) -> list[str]:
        """Those that are given to a command which compares none."""
        return [] if self.prog == "viz diff" else [as_word(word) for word in self._given if word.endswith(".efz")]

    def _meant(self, unknown: str) -> str:
        """The options of which the letters are like these: the dashes, which all have, count for nothing."""
        by_letters = {flag.lstrip("-"): flag for flag in self._option_string_actions}
        letters = unknown.lstrip("-")
        if letters in self.not_here:
            return f"; {self.not_here[letters]}"
        if unknown in self._option_string_actions:
            return f"; behind -- every word is a name: give {unknown} before it"
        if letters in by_letters:  # --n for -n
            return f"; did you mean {by_letters[letters]!r}?"
        begun = [each for each in by_letters if len(letters) > 1 and each.startswith(letters)]
        meant = [ours for ours in _OTHER_NAMES.get(letters, ()) if ours in by_letters]
        found = begun[:3] or meant or alike(letters, by_letters, _ALIKE)
        likely = f"; did you mean {' or '.join([repr(by_letters[each]) for each in found])}?" if found else ""
        return (likely or _elsewhere(unknown)) + ("" if begun or meant else self._of_the_script(unknown, bool(likely)))

    def _of_the_script(self, unknown: str, asked: bool) -> str:
        """Where an option stands that is the script's, for commands that run one."""
        if not self._takes_rest():
            return ""
        script = next((as_word(word) for word in self._given if word.endswith(".py")), "SCRIPT")
        return f"{' Options' if asked else '; options'} of the script stand after it: {script} {unknown}"

    def _with_empty_names(self, given: list[str]) -> tuple[list[str], list[str]]:
        """What comes up to a script's name, and what follows it.

        In the first, `--html a.efz` is `--html= a.efz`: a file follows that isn't named like what is written. And words
        stand before options, unless one is unknown: argparse takes all words that it finds between two options, and
        has none left for those behind the second.
        """
        words: list[str] = []
        options: list[str] = []
        found: list[str] = []  # both, as they stand
        waiting = list(given)
        is_known = True
        while waiting:
            word = waiting.pop(0)
            if self._takes_modules and word.startswith("-m") and word != "-m":  # -mpackage.train, as Python has it
                waiting.insert(0, word[2:])
                word = "-m"
            if not word.startswith("-") or word in ("-", "--"):
                words.append(word)
                found.append(word)
                is_known = is_known and word != "--"
                if self._takes_rest() and word != "--" and not word.endswith(".efz"):  # a recording takes no arguments
                    return found, waiting
                continue
            taken = self._with_values(word, waiting)
            options += taken
            found += taken
            is_known = is_known and self._is_known(word)
        if self._takes_rest():
            return [*options, *words], []
        return ([*words, *options] if is_known else found), []

    def _with_values(self, word: str, waiting: list[str]) -> list[str]:
        """An option and its values, which are taken out of the words that follow."""
        action = self._option_string_actions.get(word)
        if action is None or action.nargs == 0:
            return [word]
        output = self._outputs.get(action.dest)
        if output is not None and self._has_no_name(output, waiting):
            return [f"{action.option_strings[-1]}="]
        taken = [word]
        while waiting and (len(taken) == 1 or (action.nargs == "+" and not waiting[0].startswith("-"))):
            taken.append(waiting.pop(0))
        return taken

    def _is_known(self, word: str) -> bool:
        """Whether it is an option: also as in `--step=3` and `-n3`."""
        known = self._option_string_actions
        return word.partition("=")[0] in known or (not word.startswith("--") and word[:2] in known)

    def _takes_rest(self) -> bool:
        return any(action.nargs == argparse.REMAINDER for action in self._actions)

    def _has_no_name(self, output: _Output, waiting: list[str]) -> bool:
        """Whether the next word is no name for this file, but an option, the script or the recording."""
        if not waiting or waiting[0].startswith("-"):
            return True
        if waiting[0].lower().endswith(output.endings):
            return False
        return waiting[0].lower().endswith(_GIVEN) or os.path.isfile(waiting[0])

    def _keep_inputs(self, options: argparse.Namespace) -> None:
        """Refuse to write over a file that is read."""
        read = [str(given) for name in _SUBJECTS if (given := getattr(options, name, None))]
        for name in ("out", *self._outputs):
            written = getattr(options, name, None)
            if written:
                for each in read:
                    check_kept(each, written)

    def _hint(self, options: argparse.Namespace) -> None:
        """Say where an option of ours stands behind the script, which is given it."""
        rest = getattr(options, "arguments", None)
        if not rest or not self._takes_rest():
            return
        before = rest[: rest.index("--")] if "--" in rest else rest
        script = f"-m {options.script}" if options.module else options.script
        theirs = _text_of(file_of(options.script, options.module))
        for word in [each for each in before if each.partition("=")[0] in self._option_string_actions]:
            name = word.partition("=")[0]
            if name in _ALWAYS_THEIRS or re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", theirs):
                continue
            print(
                f"{self.prog}: {paint('note:', '33', sys.stderr)} {name} stands after the script, which is given it. "
                f"If it is meant for viz: {self.prog} {word} ... {script}",
                file=sys.stderr,
            )


def _elsewhere(unknown: str) -> str:
    """Which other commands have this option, where few have it: `"; viz run has it"`."""
    commands = import_module("viz.shell.commands")  # which know this file
    found = [f"viz {name}" for name in commands.COMMANDS if unknown in commands.parser_of(name).flags]
    if not unknown.startswith("--") or not 0 < len(found) <= _FEW:
        return ""
    *others, last = found
    return f"; {', '.join(others)}{' and ' if others else ''}{last} {'have' if others else 'has'} it"


def _without_type(message: str) -> str:
    """What `argparse` says of a number, without Python's name for it.

    >>> _without_type("argument --depth: invalid int value: 'x'")
    "--depth: 'x' isn't a whole number"
    """
    kinds = {"int": "a whole number", "float": "a number"}
    message = message.removeprefix("argument ")
    wrong = re.fullmatch(r"(.*): invalid (int|float) value: (.*)", message)
    if wrong is not None:
        return f"{wrong[1]}: {wrong[3]} isn't {kinds[wrong[2]]}"
    return re.sub(r"^(.*): ignored explicit argument (.*)", r"\1 takes no value; got \2", message)


def _only_options(message: str) -> str:
    """Of what isn't known the options, where there are any: words behind them are values, or files that were meant.

    >>> _only_options("unrecognized arguments: --n 3 train.efz")
    'unrecognized arguments: --n'
    >>> _only_options("unrecognized arguments: b.efz c.efz d.efz e.efz f.efz")
    'unrecognized arguments: b.efz c.efz d.efz and 2 more'
    """
    unknown = message.removeprefix("unrecognized arguments: ")
    if unknown == message:
        return message
    words = unknown.split(" ")
    words = [word for word in words if word.startswith("-")] or words
    more = f" and {len(words) - 3:,} more" if len(words) > 3 else ""
    return f"unrecognized arguments: {' '.join(words[:3])}{more}"


def _sizes(given: str) -> dict[str, int]:
    found = {}
    for part in given.split(","):
        name, _, number = part.rpartition("=")
        if not name.strip() or not number.strip().isdecimal():
            raise argparse.ArgumentTypeError(f"{given!r} isn't a list of lengths such as batch=4,time=20")
        found[name.strip()] = int(number)
    return found


def _text_of(script: str) -> str:
    try:
        return pathlib.Path(script).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def _subject(options: argparse.Namespace) -> str:
    """What a file is named after: in the current folder, as `viz run` writes too."""
    kind, found = next(((name, given) for name in _SUBJECTS if (given := getattr(options, name, None))), ("", "viz"))
    return name_of(str(found), kind == "script" and getattr(options, "module", False))


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'a' or 'b'?"` for those of `known` that begin with `name` or are like it, or ""."""
    names = list(known)
    begun = [each for each in names if name and each.startswith(name.lower())]
    found = begun[:3] or alike(name.lower(), names, _ALIKE)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""
