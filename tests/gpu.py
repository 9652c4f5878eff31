"""Runs the tests marked `gpu` where there is a GPU, and says why not where there is none."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

import pytest


def graphics_card() -> str:
    """The first card that the NVIDIA driver lists, or an empty string."""
    if shutil.which("nvidia-smi") is None:
        return ""
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listed.stdout.partition("\n")[0] if listed.returncode == 0 else ""


def main() -> int:
    card = graphics_card()
    if not card:
        print("not run: no GPU")
        return 0
    print(card)
    if importlib.util.find_spec("cupy") is None:
        print("not run: CuPy is missing. To install it: .venv/bin/python -m pip install -e '.[cuda12]'")
        return 1
    return int(pytest.main(["-m", "gpu", *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
