"""Keras 2 and tf.keras scripts on eagerflow: `python -m eagerflow run SCRIPT`, or `eagerflow.compat.install()`."""

from eagerflow.compat.importer import install, is_installed, on_demand, uninstall
from eagerflow.compat.run import run_script

__all__ = ["install", "is_installed", "on_demand", "run_script", "uninstall"]


def __dir__() -> list[str]:
    return sorted(__all__)
