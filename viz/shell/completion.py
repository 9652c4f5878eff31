"""`viz completion bash|zsh|fish`: what makes a shell complete commands, options, choices and files.

It is written from the parsers themselves, so it knows what the installed version knows.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import NamedTuple

from viz.shell.commands import COMMANDS, parser_of
from viz.shell.parser import Parser

__all__ = ["SHELLS", "add_command", "run_completion", "script_of"]

SHELLS = ("bash", "zsh", "fish")
_ABOUT = """\
Print what makes your shell complete viz: commands, options, the values of options, and files. It completes
eagerflow, too: commands, options and files.

  eval "$(viz completion bash)"         in ~/.bashrc
  eval "$(viz completion zsh)"          in ~/.zshrc, after compinit
  viz completion fish | source          in ~/.config/fish/config.fish

Or write it to a file once, which your shell then loads when it is needed:

  viz completion bash > ~/.local/share/bash-completion/completions/viz
  viz completion zsh > "${fpath[1]}/_viz"
  viz completion fish > ~/.config/fish/completions/viz.fish"""


_OF_EAGERFLOW = {
    "demo": "--out --epochs --seed --help",
    "run": "-m --help",
    "compile": "--off --quiet --help",
    "measure": "--off --quiet --help",
    "launch": "-n --ranks --hosts --restarts --min-ranks --timeout --env --folder --interface --ssh --help",
}  # the commands of `eagerflow` and their options, behind which files are completed
_COMPARED = "efz keras h5 safetensors"
_ENDINGS = {
    "script": "py",
    "SCRIPT": "py",
    "file.efz": "efz onnx keras h5",
    "FILE.efr": "efr",
    "RECORDING|SCRIPT": "efz py",
    "A": _COMPARED,
    "B": _COMPARED,
}  # of the files that are meant, by what help calls a word or an option's value
_NAMED = re.compile(r"\.(\w+)$")  # `page.html`: files with this ending
_ANY = re.compile(r"FILE|\.|DIR|dir")  # files, of whatever kind


class _Option(NamedTuple):
    flags: list[str]
    choices: list[str]
    takes_word: bool
    about: str
    endings: str  # of the files that its value may be: "" for any, "-" where it is no file
    may_be_empty: bool  # what follows may also be a word of the command
    is_list: bool  # several of `choices` may be given, with commas between them


def add_command(parser: Parser) -> None:
    """Give a parser what the command understands."""
    parser.description = _ABOUT
    parser.add_argument("shell", choices=SHELLS, help="the shell")
    parser.set_defaults(command=run_completion)


def run_completion(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `shell`.

    Returns:
        0.
    """
    print(script_of(options.shell))
    return 0


def script_of(shell: str) -> str:
    """What a shell is to run.

    Args:
        shell: one of `SHELLS`.
    """
    known = {name: _options(parser_of(name)) for name in COMMANDS}
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](known)


def _options(parser: Parser) -> list[_Option]:
    """Options and positions; a position has no flags."""
    found = []
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or (not action.option_strings and not action.choices):
            continue
        about = " ".join((action.help or "").replace("%%", "%").split())
        choices = [str(each) for each in action.choices or parser.offered.get(action.dest, ())]
        called = str(action.metavar or action.dest)
        named = _NAMED.search(called)
        endings = _ENDINGS.get(called, named[1] if named else "" if _ANY.search(called) else "-")
        may_be_empty, is_list = parser.names_by_itself(action), action.dest in parser.offered
        flags = list(action.option_strings)
        found.append(_Option(flags, choices, action.nargs != 0, about, endings, may_be_empty, is_list))
    return found


def _places(name: str) -> list[str]:
    """For each word that a command takes, the endings of the files that may be given there; behind them: any file."""
    words = [action for action in parser_of(name)._actions if not action.option_strings]
    return [_ENDINGS.get(str(word.metavar or word.dest), "") for word in words]


def _quoted(text: str) -> str:
    """As a word in single quotes, which all three shells read alike once these are doubled out."""
    return "'" + text.replace("\\", "\\\\").replace("'", "’") + "'"


def _bash(known: dict[str, list[_Option]]) -> str:
    return _BASH % {
        "commands": " ".join(known),
        "eagerflow": " ".join(_OF_EAGERFLOW),
        "of_eagerflow": "\n".join([f"    {name}) options='{told}';;" for name, told in _OF_EAGERFLOW.items()]),
        "settings": "\n".join([_bash_settings(name, options) for name, options in known.items()]),
        "values": "\n".join([line for name, options in known.items() for line in _bash_values(name, options)]),
    }


def _bash_settings(name: str, options: list[_Option]) -> str:
    """What a command takes: options, words that aren't files, and files by their place."""
    flags = [flag for option in options for flag in option.flags]
    valued = [flag for option in options if option.takes_word for flag in option.flags]
    skipped = [flag for option in options if option.may_be_empty for flag in option.flags]
    free = [each for option in options if not option.flags for each in option.choices]
    places = " ".join([f"'{endings}'" for endings in _places(name)])
    return (
        f"    {name}) options='{' '.join(flags)}' valued='{' '.join(valued)}' skipped='{' '.join(skipped)}'"
        f" words='{' '.join(free)}' places=({places}) theirs={'1' * parser_of(name).runs_scripts};;"
    )


def _bash_values(name: str, options: list[_Option]) -> Iterator[str]:
    """What is offered behind an option."""
    for option in options:
        if option.flags and option.takes_word:
            asked = "|".join([f"'{name} {flag}'" for flag in option.flags])
            if option.is_list:
                yield f"    {asked}) _viz_list '{' '.join(option.choices)}'; return;;"
            elif option.choices or option.endings == "-":
                yield f"    {asked}) _viz_words '{' '.join(option.choices)}'; return;;"
            elif option.may_be_empty:
                yield f"    {asked}) _viz_files {option.endings} ${{places[count]-}}; return;;"
            else:
                yield f"    {asked}) _viz_files {option.endings}; return;;"


_BASH = """\
_viz_words() { COMPREPLY=($(compgen -P "$prefix" -W "$1" -- "$word")); }
_viz_list() {  # words with commas between them: those that aren't there yet
  local given= each left=
  case "$word" in *,*) given=${word%%,*},;; esac
  for each in $1; do case ",$given" in *",$each,"*) ;; *) left="$left $each";; esac; done
  prefix=$prefix$given word=${word##*,}
  _viz_words "$left"
  compopt -o nospace 2>/dev/null  # a comma may follow
}
_viz_files() {
  local ending IFS=$'\n'  # names may hold blanks
  if [ $# -eq 0 ]; then COMPREPLY=($(compgen -P "$prefix" -f -- "$word")); return; fi
  COMPREPLY=($(compgen -P "$prefix" -d -- "$word"))
  for ending; do COMPREPLY+=($(compgen -P "$prefix" -f -X "!*.$ending" -- "$word")); done
}
_viz() {
  local word=${COMP_WORDS[COMP_CWORD]} prefix= options= valued= skipped= words= places=() count=0 option= earlier
  local theirs=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _viz_words '%(commands)s help --help --version'
    return
  fi
  if [ "${COMP_WORDS[1]}" = help ]; then _viz_words '%(commands)s'; return; fi
  case "${COMP_WORDS[1]}" in
%(settings)s
  esac
  for earlier in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do  # which place this is: options and their values don't count
    [ "$earlier" = "=" ] && continue
    case " $skipped " in *" $option "*)
      case "$earlier" in *.py|*.efz|*.efr|*.onnx|*.keras|*.h5) option=;; esac;;
    esac
    if [ -n "$option" ]; then option=; continue; fi
    case "$earlier" in
      -*) case " $valued " in *" $earlier "*) option=$earlier;; esac;;
      *) count=$((count + 1));;
    esac
  done
  if [ -n "$theirs" ] && [ "$count" -gt 0 ]; then _viz_files; return; fi  # options behind a script are the script's
  if [ "$word" = "=" ]; then word=
  elif [[ "$word" == --*=* ]]; then  # where COMP_WORDBREAKS has no =, the whole word is replaced
    option=${word%%%%=*} prefix=${word%%%%=*}= word=${word#*=}
  fi
  case "$word" in -*) option=; _viz_words "$options"; return;; esac
  case "${COMP_WORDS[1]} $option" in
%(values)s
  esac
  if [ -n "$words" ]; then _viz_words "$words"
  else _viz_files ${places[count]-}; fi
}
complete -o filenames -F _viz viz
_eagerflow() {
  local word=${COMP_WORDS[COMP_CWORD]} prefix= options=
  if [ "$COMP_CWORD" -eq 1 ]; then _viz_words '%(eagerflow)s help --help --version'; return; fi
  case "${COMP_WORDS[1]}" in
    help) _viz_words '%(eagerflow)s'; return;;
%(of_eagerflow)s
  esac
  case "$word" in -*) _viz_words "$options";; *) _viz_files;; esac
}
complete -o filenames -F _eagerflow eagerflow"""


def _zsh(known: dict[str, list[_Option]]) -> str:
    def spec(option: _Option) -> list[str]:
        about = option.about.replace("[", "(").replace("]", ")").replace(":", " -").replace("'", "’")
        words = " ".join(option.choices)
        what = f"_values -s , word {words}" if option.is_list else f"({words})" if words else _zsh_files(option.endings)
        if not option.flags:
            return [f"'1: :{what}'"]
        value = f":value:{what}" if option.takes_word else ""
        equals = ["=" * (option.takes_word and flag.startswith("--")) for flag in option.flags]  # also --flag=value
        return [f"'{flag}{equal}[{about}]{value}'" for flag, equal in zip(option.flags, equals, strict=True)]

    cases = []
    for name, options in known.items():
        specs = [each for option in options for each in spec(option)]
        rest = [] if any(not option.flags for option in options) else ["'*: :_files'"]
        if rest:
            places = enumerate(_places(name), 1)
            rest = [*(f"'{number}: :{_zsh_files(endings)}'" for number, endings in places if endings), *rest]
        theirs = '-A "-*" ' * parser_of(name).runs_scripts  # options behind a script are the script's
        cases.append(f"    {name}) _arguments {theirs}{' '.join([*specs, *rest])};;")
    commands = " ".join(_OF_EAGERFLOW)
    of_eagerflow = "\n".join([f"    {name}) options='{told}';;" for name, told in _OF_EAGERFLOW.items()])
    described = " ".join([_quoted(f"{name}:{COMMANDS[name].about.replace(':', ' -')}") for name in known])
    return f"""\
#compdef viz
_viz() {{
  local -a commands=({described})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local name=$words[2]
  if [ "$name" = help ]; then
    (( CURRENT == 3 )) && _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $name in
{chr(10).join(cases)}
  esac
}}
_eagerflow() {{
  local options=
  if (( CURRENT == 2 )); then compadd {commands} help; return; fi
  case $words[2] in
    help) compadd {commands}; return;;
{of_eagerflow}
  esac
  if [[ $words[CURRENT] == -* ]]; then compadd -- ${{=options}}; else _files; fi
}}
compdef _eagerflow eagerflow
if [ "$funcstack[1]" = _viz ]; then _viz "$@"; else compdef _viz viz; fi"""


def _zsh_files(endings: str) -> str:
    """What completes files of these endings."""
    if endings == "-":
        return " "
    # One ending has no brackets: zsh would take `(py)` for qualifiers, and complete nothing, not even options.
    pattern = f"({endings.replace(' ', '|')})" if " " in endings else endings
    return f'_files -g "*.{pattern}"' if endings else "_files"


def _fish(known: dict[str, list[_Option]]) -> str:
    lines = [_FISH, "complete -c viz -n __fish_use_subcommand -l help -l version -f"]
    for name, options in known.items():
        lines.append(f"complete -c viz -n __fish_use_subcommand -f -a {name} -d {_quoted(COMMANDS[name].about)}")
        valued = _valued(options)
        asked = f"__fish_seen_subcommand_from {name}"
        if parser_of(name).runs_scripts:  # options behind a script are the script's
            asked = " ".join(["__viz_before", name, "1", *valued])
        for option in options:
            flags = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
            only = f"complete -c viz -n '{asked}'"
            offered = " ".join(option.choices) or _fish_files(option, _places(name))
            offered = f"(__viz_list {offered})" if option.is_list else offered
            if offered:  # by itself, or each value would have the option's whole help beside it
                lines.append(" ".join([only, *flags]) + f" -x -a {_quoted(offered)}")
            known_words = " -x" if option.choices or (option.flags and option.endings) else " -r"
            lines.append(" ".join([only, *flags]) + known_words * option.takes_word + f" -d {_quoted(option.about)}")
        lines += _fish_places(name, options)
    lines.append("complete -c viz -n __fish_use_subcommand -f -a help -d 'what a command does'")
    lines.append(f"complete -c viz -n '__viz_at help 1' -f -a {_quoted(' '.join(known))}")
    return "\n".join([*lines, *_fish_eagerflow()])


def _fish_eagerflow() -> Iterator[str]:
    """The commands and options of eagerflow."""
    commands = " ".join(_OF_EAGERFLOW)
    yield f"complete -c eagerflow -n __fish_use_subcommand -f -a {_quoted(f'{commands} help')}"
    yield f"complete -c eagerflow -n '__viz_at help 1' -f -a {_quoted(commands)}"
    for name, told in _OF_EAGERFLOW.items():
        for flag in told.split():
            option = f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
            yield f"complete -c eagerflow -n '__fish_seen_subcommand_from {name}' {option}"


def _fish_files(option: _Option, places: list[str]) -> str:
    """What offers files of the endings that an option's value may have; nothing for any file, or none."""
    if not option.takes_word or option.endings in ("", "-"):
        return ""
    endings = [option.endings, *(places[:1] if option.may_be_empty else ())]
    return f"(__viz_files {' '.join(endings)})"


def _valued(options: list[_Option]) -> list[str]:
    """The options behind which a word follows that is no place of the command's."""
    return [flag for option in options if option.takes_word and not option.may_be_empty for flag in option.flags]


def _fish_places(name: str, options: list[_Option]) -> Iterator[str]:
    """What offers the files that a command reads, by their places."""
    valued = _valued(options)
    for number, endings in enumerate(_places(name), 1):
        if endings:
            asked = " ".join(["__viz_at", name, str(number), *valued])
            yield f"complete -c viz -n '{asked}' -f -a '(__viz_files {endings})'"


_FISH = """\
function __viz_files
    set -l word (commandline -ct)
    for each in $word*
        if test -d $each
            echo $each/
        else if contains -- (string replace -r '.*\\.' '' -- $each) $argv
            echo $each
        end
    end
end
function __viz_list  # words with commas between them: those that aren't there yet
    set -l word (string replace -r '^-[^=]*=' '' -- (commandline -ct))
    set -l given (string replace -r '[^,]*$' '' -- $word)
    for each in $argv
        contains -- $each (string split , -- $given); or echo $given$each
    end
end
function __viz_before  # whether the word that is being written is the one of this place, or an option's value before it
    __viz_at $argv; or test $status -eq 2
end
function __viz_at  # whether the word that is being written is the one of this place; behind it: options with values
    set -l words (commandline -opc)
    test "$words[2]" = "$argv[1]"; or return 1
    set -l count 1
    set -l option
    for word in $words[3..-1]
        if test -n "$option"
            set option
        else if string match -q -- '-*' $word
            contains -- $word $argv[3..-1]; and set option $word
        else
            set count (math $count + 1)
        end
    end
    test $count -eq $argv[2]; or return 1
    test -z "$option"; or return 2  # its value
end"""
