"""Whether a release can go out: build it, check what was built, install it into fresh environments, and use it there.

    make release-check            # python -m tools.release_check, with the tools it needs
    make release-check ARGS=--quick    # without the extras

It needs `build`, `twine` and `check-wheel-contents` beside the interpreter that runs it. Nothing is uploaded.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
LARGEST = 10 * 2**20  # bytes of the wheel

_TRY_OUT = """
import sys, tempfile
from pathlib import Path
import numpy as np, eagerflow as ef, viz
where = Path(ef.__file__)
assert "site-packages" in where.parts, where
model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(8, activation="relu"), ef.layers.Dense(1)])
model.compile("adam", "mse")
x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
model.fit(x, x.sum(1, keepdims=True), verbose=0)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.keras"
    model.save(path)
    np.testing.assert_array_equal(ef.saving.load_model(path).predict(x, verbose=0), model.predict(x, verbose=0))
    with viz.trace() as record:
        model.train_on_batch(x, x[:, :1])
    for name in ("step.svg", "step.png"):
        record.draw(str(Path(folder) / name))
        assert (Path(folder) / name).stat().st_size > 1000
    record.to_html(str(Path(folder) / "step.html"))
"""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="don't install the extras")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "dist"
        run(sys.executable, "-m", "build", "--outdir", built, ROOT)
        (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
        run(sys.executable, "-m", "twine", "check", "--strict", wheel, source)
        run(Path(sys.executable).with_name("check-wheel-contents"), "--config", ROOT / "pyproject.toml", wheel)
        if wheel.stat().st_size > LARGEST:
            sys.exit(f"{wheel.name} has {wheel.stat().st_size:,} bytes; at most {LARGEST:,} are allowed")
        wanted = [str(wheel), str(source)] if quick else [str(wheel), str(source), f"{wheel}[all]"]
        for number, what in enumerate(wanted):
            try_out(what, Path(folder) / f"environment{number}")
        print(f"{wheel.name}, {wheel.stat().st_size / 2**20:.1f} MiB, and {source.name} can be released")


def try_out(what: str, environment: Path) -> None:
    """Install into a fresh environment, then train, save, load and draw there, and run both commands.

    Args:
        what: a wheel or a source distribution, with extras in brackets behind it.
        environment: the folder of the environment, which is made.
    """
    venv.create(environment, with_pip=True)
    programs = environment / ("Scripts" if sys.platform == "win32" else "bin")
    run(programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", what)
    run(programs / "python", "-I", "-c", _TRY_OUT, cwd=environment)
    run(programs / "eagerflow", "--version", cwd=environment)
    run(programs / "viz", "--version", cwd=environment)


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command; where it fails, end with its name and its status."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, check=False)
    if done.returncode:
        sys.exit(
            f"release-check: {Path(command[0]).name} {' '.join(map(str, command[1:3]))} failed ({done.returncode})"
        )


if __name__ == "__main__":
    main()
