"""Packs what is there now, and a README that an index can show.

Setuptools alone also packs modules that are gone, where an earlier build has left them; and the links and pictures of
README.md lead to files that an index doesn't have.
"""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# Lets `import keras` find eagerflow's backend, in programs that choose it and in no others.
PTH = (
    "import os; _keras = os.environ.get('KERAS_HOME') or os.path.expanduser('~/.keras'); "
    "_keras = os.path.join(_keras, 'keras.json'); (os.environ.get('KERAS_BACKEND') or os.path.isfile(_keras) "
    "and '\"eagerflow\"' in open(_keras, encoding='utf-8').read() and 'eagerflow') == 'eagerflow' "
    "and __import__('eagerflow.keras_backend')\n"
)


class Afresh(build_py):
    """Copies the packages into an empty `build/lib`, as `pip install .` after `git pull` must."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        if not self.editable_mode:
            hook = Path(self.build_lib, "eagerflow-keras.pth")  # in site-packages, where Python runs its line at start
            hook.write_text(PTH, encoding="utf-8")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), str(Path(self.build_lib, "eagerflow-keras.pth"))]


def standalone(readme: str) -> str:
    """README.md without what needs the files beside it: parts between marks, and relative links, which become text."""

    def told(link: re.Match[str]) -> str:
        text, target = link.groups()
        return text if text == target or target.startswith("#") else f"{text} ({target})"

    text = re.sub(r"<!-- beside its files -->.*?<!-- anywhere -->\n*", "", readme, flags=re.DOTALL)
    text = re.sub(r"\[([^\]]+)\]\((?![a-z]+:)([^)]*)\)", told, text)
    source = "`pip download --no-deps --no-binary eagerflow eagerflow`"
    return f"{text}\nFiles that are named here, such as docs/install.md, come with the source distribution: {source}\n"


setup(
    cmdclass={"build_py": Afresh},
    long_description=standalone(Path(__file__).with_name("README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
)
