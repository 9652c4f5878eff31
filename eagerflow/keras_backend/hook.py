"""The import hook by which Keras finds a backend of another package.

Some modules of Keras choose the backend by an `if` chain over its names and raise where they don't know one. When the
chosen backend is `eagerflow`, they are compiled with one branch more: what they would import from
`keras.src.backend.numpy` for the name `"numpy"`, they import from `eagerflow.keras_backend.backend` for `"eagerflow"`.
(Optimizers and ONNX have no branch for NumPy; theirs is JAX's.) What no branch imports, `changes` replaces once the
module is loaded. All other modules of Keras are imported as they are, and Keras' setters of `floatx`, `epsilon` and
`image_data_format` set eagerflow's, too. When Keras gets an entry point for
backends (RFC 23523 of keras-team/keras), this file registers there instead.
"""

from __future__ import annotations

import ast
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from copy import deepcopy
from functools import wraps
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from eagerflow import config as ef_config
from eagerflow.base.tracebacks import warn
from eagerflow.core.observe import libraries

__all__ = ["install"]

NAME = "eagerflow"
# The modules that choose, each with the backend whose branch becomes ours.
_CHOOSERS = {
    "keras.src.backend": "numpy",
    "keras.src.export.onnx": "jax",
    "keras.src.export.saved_model": "numpy",
    "keras.src.layers.layer": "numpy",
    "keras.src.models.model": "numpy",
    "keras.src.optimizers.optimizer": "jax",
    "keras.src.utils.backend_utils": "numpy",
}
# Modules in which something is replaced or wrapped once they are loaded, by functions of `changes`.
_CHANGED = {
    "keras.src.backend": "no_distribution",
    "keras.src.backend.common.variables": "names_of_types",
    "keras.src.export.onnx": "our_onnx",
    "keras.src.export.openvino": "no_openvino",
    "keras.src.layers.normalization.batch_normalization": "fused_batch_normalization",
    "keras.src.losses.loss": "announced_losses",
    "keras.src.metrics.metric": "announced_metrics",
    "keras.src.ops.nn": "fused_layer_normalization",
    "keras.src.utils.rng_utils": "one_seed",
}
_OLDEST, _NEWEST = (3, 12), (3, 15)  # that were tried
_SETTINGS = "keras.src.backend.config"
_OURS = "eagerflow.keras_backend.backend"


def install() -> None:
    """Let `import keras` find this backend, which it then has unless `KERAS_BACKEND` chooses another.

    Raises:
        ImportError: when Keras isn't installed, is too old, or was imported with another backend before.
    """
    _check_version()
    imported = sys.modules.get("keras.src.backend")
    if imported is not None and imported.backend() != NAME and _is_chosen():
        raise ImportError(
            f"Keras was already imported with the backend {imported.backend()!r}. Import eagerflow.keras_backend "
            f"first, or set KERAS_BACKEND={NAME} in the environment of the program."
        )
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _check_version() -> None:
    cure = "pip install 'eagerflow[keras]'"
    try:
        version = importlib.metadata.version("keras")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(f"eagerflow.keras_backend needs Keras 3.12 or newer: {cure}.") from None
    release = tuple([int(part) for part in version.split(".")[:2]])
    if release < _OLDEST:
        raise ImportError(f"eagerflow.keras_backend needs Keras 3.12 or newer; {version} is installed: {cure}.")
    if release > _NEWEST:
        warn(f"Keras {version} is newer than those that the eagerflow backend was tested with; it is tried.")


def _is_chosen() -> bool:
    """Whether Keras shall have this backend: the environment says so, or nothing, since this was imported."""
    return os.environ.get("KERAS_BACKEND") in (None, "", NAME)


class _Finder(MetaPathFinder):
    """Gives the modules that choose a backend a loader which reads them with ours among the choices."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in {*_CHOOSERS, *_CHANGED, _SETTINGS} or not _is_chosen():
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            loader = _Settings if name == _SETTINGS else _Chooser
            spec.loader = loader(spec.loader.name, spec.loader.path)
        return spec


class _Settings(SourceFileLoader):
    """Loads Keras' settings, and lets eagerflow's follow them: the ops have defaults of their own."""

    def exec_module(self, module: ModuleType) -> None:
        before = os.environ.get("KERAS_BACKEND")
        os.environ["KERAS_BACKEND"] = NAME  # goes before keras.json, which Keras writes by itself
        try:
            super().exec_module(module)
        finally:
            if before is None:
                del os.environ["KERAS_BACKEND"]
        libraries.append(os.path.join(Path(self.path).parents[2], ""))  # whose lines are not the user's
        for setting in ("floatx", "epsilon", "image_data_format"):
            _follow(module, setting)


def _follow(module: ModuleType, setting: str) -> None:
    theirs, ours = getattr(module, f"set_{setting}"), getattr(ef_config, f"set_{setting}")

    @wraps(theirs)
    def set_both(value: Any) -> None:
        theirs(value)
        ours(value)

    setattr(module, f"set_{setting}", set_both)
    ours(getattr(module, setting)())


class _Chooser(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code, compiled from its source: what is cached on disk has Keras' own choices."""
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        if fullname in _CHOOSERS:
            tree = _Rewriter(_CHOOSERS[fullname]).visit(tree)
        return compile(tree, path, "exec")

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if module.__name__ in _CHANGED:
            getattr(import_module("eagerflow.keras_backend.changes"), _CHANGED[module.__name__])(module)


class _Rewriter(ast.NodeTransformer):
    """Puts a branch of ours before that of another backend."""

    def __init__(self, backend: str) -> None:
        self.backend, self.package = backend, f"keras.src.backend.{backend}"

    def visit_If(self, node: ast.If) -> ast.If:
        theirs = deepcopy(node)
        ours = self.generic_visit(node)
        assert isinstance(ours, ast.If)
        if ast.dump(ours.test) != ast.dump(theirs.test):  # `elif backend == "numpy"` goes on to mean NumPy's
            theirs.orelse, ours.orelse = ours.orelse, [theirs]
        return ours

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        for other in node.comparators:
            if isinstance(other, ast.Constant) and other.value == self.backend:
                other.value = NAME
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.module and f"{node.module}.".startswith(f"{self.package}."):
            node.module = _OURS + node.module.removeprefix(self.package)
            for name in node.names:  # classes are named after their backend: NumpyTrainer, EagerflowTrainer
                if name.name.startswith(self.backend.capitalize()):
                    name.asname = name.asname or name.name
                    name.name = NAME.capitalize() + name.name.removeprefix(self.backend.capitalize())
        return node
