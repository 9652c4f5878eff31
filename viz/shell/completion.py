"""`viz completion bash|zsh|fish`: what makes a shell complete commands, options, choices and files.

It is written from the parsers themselves, so it knows what the installed version knows.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

from viz.shell.commands import COMMANDS, parser_of
from viz.shell.parser import Parser

__all__ = ["SHELLS", "add_command", "run_completion", "script_of"]

SHELLS = ("bash", "zsh", "fish")
_ABOUT = """\
Print what makes your shell complete viz: commands, options, the values of options, and files.

  eval "$(viz completion bash)"         in ~/.bashrc
  eval "$(viz completion zsh)"          in ~/.zshrc, after compinit
  viz completion fish | source          in ~/.config/fish/config.fish

It takes a second or two, since all commands are loaded for it. To save that, write it to a file once:

  viz completion bash > ~/.local/share/bash-completion/completions/viz
  viz completion zsh > "${fpath[1]}/_viz"
  viz completion fish > ~/.config/fish/completions/viz.fish"""


_ENDINGS = {
    "script": "py",
    "file.efz": "efz onnx",
    "FILE.efr": "efr",
    "RECORDING|SCRIPT": "efz py",
}  # by the first word


class _Option(NamedTuple):
    flags: list[str]
    choices: list[str]
    takes_word: bool
    about: str


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
        choices = [str(each) for each in action.choices or ()]
        found.append(_Option(list(action.option_strings), choices, action.nargs != 0, about))
    return found


def _reads(name: str) -> str:
    """The endings of the files that a command may be given first; empty for any."""
    words = [action for action in parser_of(name)._actions if not action.option_strings]
    return _ENDINGS.get(str(words[0].metavar or words[0].dest), "") if words else ""


def _quoted(text: str) -> str:
    """As a word in single quotes, which all three shells read alike once these are doubled out."""
    return "'" + text.replace("\\", "\\\\").replace("'", "’") + "'"


def _bash(known: dict[str, list[_Option]]) -> str:
    cases = []
    for name, options in known.items():
        flags = " ".join([flag for option in options for flag in option.flags])
        inner = [
            f"        {'|'.join(option.flags)}) _viz_words '{' '.join(option.choices)}'; return;;"
            for option in options
            if option.flags and option.choices
        ]
        free = " ".join([each for option in options if not option.flags for each in option.choices])
        lines = [
            f"    {name})",
            '      case "$before" in',
            *inner,
            "      esac",
            f"      options='{flags}' words='{free}' endings='{_reads(name)}';;",
        ]
        cases.append("\n".join(lines))
    return f"""\
_viz_words() {{ COMPREPLY=($(compgen -W "$1" -- "$word")); }}
_viz_files() {{
  local ending
  COMPREPLY=($(compgen -d -- "$word"))
  for ending; do COMPREPLY+=($(compgen -f -X "!*.$ending" -- "$word")); done
}}
_viz() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} options= words= endings= earlier
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _viz_words '{" ".join(known)} --help --version'
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{chr(10).join(cases)}
  esac
  for earlier in "${{COMP_WORDS[@]:2:COMP_CWORD-2}}"; do  # behind the first file anything may follow
    case "$earlier" in -*) ;; *) endings=;; esac
  done
  case "$before" in -*) endings=;; esac
  case "$word" in
    -*) _viz_words "$options";;
    *)
      if [ -n "$words" ]; then _viz_words "$words"
      elif [ -n "$endings" ]; then _viz_files $endings
      else COMPREPLY=($(compgen -f -- "$word")); fi;;
  esac
}}
complete -o filenames -F _viz viz"""


def _zsh(known: dict[str, list[_Option]]) -> str:
    def spec(option: _Option) -> list[str]:
        about = option.about.replace("[", "(").replace("]", ")").replace(":", " -").replace("'", "’")
        what = f"({' '.join(option.choices)})" if option.choices else "_files"
        if not option.flags:
            return [f"'1: :{what}'"]
        value = f":value:{what}" if option.takes_word else ""
        return [f"'{flag}[{about}]{value}'" for flag in option.flags]

    cases = []
    for name, options in known.items():
        specs = [each for option in options for each in spec(option)]
        rest = [] if any(not option.flags for option in options) else ["'*: :_files'"]
        if rest and (endings := _reads(name)):
            rest.insert(0, f"'1: :_files -g \"*.({endings.replace(' ', '|')})\"'")
        cases.append(f"    {name}) _arguments {' '.join([*specs, *rest])};;")
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
  shift words
  (( CURRENT-- ))
  case $name in
{chr(10).join(cases)}
  esac
}}
if [ "$funcstack[1]" = _viz ]; then _viz "$@"; else compdef _viz viz; fi"""


def _fish(known: dict[str, list[_Option]]) -> str:
    lines = ["complete -c viz -n __fish_use_subcommand -l help -l version -f"]
    for name, options in known.items():
        lines.append(f"complete -c viz -n __fish_use_subcommand -f -a {name} -d {_quoted(COMMANDS[name].about)}")
        for option in options:
            flags = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
            choices = f" -x -a {_quoted(' '.join(option.choices))}" if option.choices else " -r" * option.takes_word
            only = f"complete -c viz -n '__fish_seen_subcommand_from {name}'"
            lines.append(" ".join([only, *flags]) + choices + f" -d {_quoted(option.about)}")
    return "\n".join(lines)
