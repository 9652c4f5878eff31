"""A font for Graphviz on machines that have none (slim containers), where it would draw empty boxes."""

from __future__ import annotations

import functools
import html
import os
import pathlib
import re
import shutil
import sys
import tempfile

__all__ = ["FONTS", "ensure_font"]

FONTS = pathlib.Path(__file__).parent / "fonts"
_SUFFIXES = (".ttf", ".otf", ".ttc", ".pfb", ".pcf.gz")
_CONFIGURATION = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">{given}</include>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


@functools.cache
def ensure_font() -> None:
    """Point fontconfig at the font we ship where it finds no other. Does nothing on macOS and Windows."""
    if sys.platform in ("darwin", "win32"):
        return  # their fonts are found without fontconfig
    given = _configuration_file()
    if not any(map(_has_font, _font_folders(given))):
        os.environ["FONTCONFIG_FILE"] = str(_write_configuration(given))


def _configuration_file() -> pathlib.Path:
    """The file that fontconfig reads first."""
    folder = pathlib.Path(os.environ.get("FONTCONFIG_PATH") or "/etc/fonts")
    return folder / (os.environ.get("FONTCONFIG_FILE") or "fonts.conf")


def _font_folders(file: pathlib.Path, depth: int = 3) -> list[pathlib.Path]:
    """The folders that a configuration file, and those that it includes, name."""
    if file.is_dir():
        return [folder for each in sorted(file.glob("*.conf")) for folder in _font_folders(each, depth)]
    if not depth or not file.is_file():
        return []
    text = file.read_text(encoding="utf-8", errors="replace")
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    found = [_resolved(path, file) for path in re.findall(r"<dir[^>]*>([^<]+)</dir>", text)]
    for path in re.findall(r"<include[^>]*>([^<]+)</include>", text):
        found += _font_folders(_resolved(path, file), depth - 1)
    return found


def _resolved(path: str, file: pathlib.Path) -> pathlib.Path:
    return file.parent / pathlib.Path(path.strip()).expanduser()


def _has_font(folder: pathlib.Path) -> bool:
    return any(name.lower().endswith(_SUFFIXES) for _, _, files in os.walk(folder) for name in files)


def _write_configuration(given: pathlib.Path) -> pathlib.Path:
    """A configuration that adds our font to the given one, in a folder of its own that stays for this process."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="viz-fonts-"))
    shutil.copytree(FONTS, folder / "fonts")  # fontconfig marks the folders that it reads
    file = folder / "fonts.conf"
    places = {"given": given, "fonts": folder / "fonts", "cache": folder / "cache"}
    escaped = {name: html.escape(str(path)) for name, path in places.items()}
    file.write_text(_CONFIGURATION.format(**escaped), encoding="utf-8")
    return file
