"""Packs what is there now. Setuptools alone also packs modules that are gone, where an earlier build has left them."""

import shutil

from setuptools import setup
from setuptools.command.build_py import build_py


class Afresh(build_py):
    """Copies the packages into an empty `build/lib`, as `pip install .` after `git pull` must."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


setup(cmdclass={"build_py": Afresh})
