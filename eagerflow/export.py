"""Export of models and functions as ONNX files, by the interface of `keras.export`."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Callable
from typing import Any

from eagerflow import onnx
from eagerflow.base.errors import WrongTypeError as _WrongTypeError
from eagerflow.base.faces import listed as _listed
from eagerflow.core.variable import Variable as _Variable
from eagerflow.layer.layer import Layer as _Layer
from eagerflow.layer.state import unique as _unique

_NOT_HERE = "TensorFlow's SavedModel isn't written here; onnx2tf makes one of an ONNX file."


class ExportArchive:
    """Exports functions, layers and models: each becomes an ONNX file.

    Keras writes TensorFlow's SavedModel format instead; the tool `onnx2tf` converts ONNX files to it.

    Args:
        format: `"onnx"`.

    Source: the interface of `keras.export.ExportArchive` 3.15.

    >>> import os, tempfile
    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> archive = ef.export.ExportArchive()
    >>> archive.track(model)
    >>> _ = archive.add_endpoint("serve", model.call, [ef.InputSpec(shape=(None, 3), dtype="float32")])
    >>> _ = archive.add_endpoint("double", lambda x: model(2 * x), [ef.InputSpec(shape=(None, 3))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     archive.write_out(folder, verbose=False)
    ...     sorted(os.listdir(folder))
    ['double.onnx', 'serve.onnx']
    """

    _endpoints: dict[str, tuple[Callable[..., Any], Any]]
    _tracked: list[Any]

    def __new__(cls, format: str = "onnx") -> ExportArchive:
        if format != "onnx":
            raise ValueError(f"ExportArchive(format={format!r}): only 'onnx' is written here. {_NOT_HERE}")
        self = super().__new__(cls)
        self._endpoints, self._tracked = {}, []
        return self

    def track(self, resource: Any) -> None:
        """Adds the variables of a layer or model to `variables`. Files contain what their functions use in any case.

        Args:
            resource: a layer or model that is built.

        Raises:
            TypeError: for anything else.
            ValueError: for one that isn't built.

        >>> archive = ef.export.ExportArchive()
        >>> archive.track(ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]))
        >>> len(archive.variables)
        2
        """
        if not isinstance(resource, _Layer):
            raise _WrongTypeError(f"ExportArchive.track: expected a layer or a model; got {type(resource).__name__}.")
        if not resource.built:
            raise ValueError(f"ExportArchive.track: {resource.name!r} must be built first; call it on data.")
        self._tracked.append(resource)

    def add_endpoint(self, name: str, fn: Callable[..., Any], input_signature: Any = None, **kwargs: Any) -> Any:
        """Adds a function to the archive.

        Args:
            name: the name of its file, without the ending.
            fn: a function that takes and returns tensors, or a layer or model.
            input_signature: for each argument of `fn` an `InputSpec`, a shape, an array or a structure of them; None
                in a shape stands for any length. It may be left out for a model that knows the shapes of its inputs.
            **kwargs: `is_static` and `jax2tf_kwargs`, accepted for Keras' signature.

        Returns:
            `fn`.

        Raises:
            ValueError: for a name that is taken, or is no name of a file; without a signature where one is needed.
            TypeError: for an unknown argument.

        >>> archive = ef.export.ExportArchive()
        >>> double = archive.add_endpoint("double", lambda x: 2 * x, [ef.InputSpec(shape=(None, 3))])
        >>> archive.write_out("double.onnx", verbose=False)
        >>> ef.models.load_onnx("double.onnx").predict(np.ones((1, 3), "float32"), verbose=0).tolist()
        [[2.0, 2.0, 2.0]]
        """
        unknown = kwargs.keys() - {"is_static", "jax2tf_kwargs"}
        if unknown:
            raise _WrongTypeError(f"ExportArchive.add_endpoint: unknown argument {sorted(unknown)[0]!r}.")
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"ExportArchive.add_endpoint({name!r}): expected a name that a file may have.")
        if name in self._endpoints:
            raise ValueError(f"Endpoint name {name!r} is already taken.")
        if input_signature is None and not isinstance(fn, _Layer):
            raise ValueError(
                f"ExportArchive.add_endpoint({name!r}): input_signature is needed: `[keras.InputSpec(shape=...)]`: "
                "an entry for each argument of the function."
            )
        self._endpoints[name] = fn, input_signature
        return fn

    def track_and_add_endpoint(self, name: str, resource: Any, input_signature: Any, **kwargs: Any) -> Any:
        """Calls `track` and `add_endpoint` for a layer or model.

        Args:
            name: the name of its file, without the ending.
            resource: the layer or model.
            input_signature: see `add_endpoint`.
            **kwargs: see `add_endpoint`.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
        >>> archive = ef.export.ExportArchive()
        >>> endpoint = archive.track_and_add_endpoint("serve", model, [ef.InputSpec(shape=(None, 3))])
        >>> endpoint is model, len(archive.variables)
        (True, 2)
        """
        self.track(resource)
        return self.add_endpoint(name, resource, input_signature, **kwargs)

    def add_variable_collection(self, name: str, variables: Any) -> None:
        """Always raises an error: in an ONNX file, weights are constants.

        Args:
            name: accepted for Keras' signature.
            variables: accepted for Keras' signature.

        Raises:
            NotImplementedError: always; the message says what to do instead.

        >>> ef.export.ExportArchive().add_variable_collection("weights", [])
        Traceback (most recent call last):
            ...
        NotImplementedError: ...an ONNX file holds no variables...
        """
        raise NotImplementedError(
            f"ExportArchive.add_variable_collection({name!r}): an ONNX file holds no variables. model.save keeps those "
            "of a model and its optimizer, numpy.savez any others."
        )

    @property
    def variables(self) -> list[_Variable]:
        """The variables of all tracked layers and models.

        >>> archive = ef.export.ExportArchive()
        >>> archive.track(ef.Sequential([ef.Input((3,)), ef.layers.BatchNormalization()]))
        >>> [v.name for v in archive.variables]
        ['gamma', 'beta', 'moving_mean', 'moving_variance']
        """
        return _unique(v for resource in self._tracked for v in resource.variables)

    @property
    def trainable_variables(self) -> list[_Variable]:
        """The tracked variables that training changes.

        >>> archive = ef.export.ExportArchive()
        >>> archive.track(ef.Sequential([ef.Input((3,)), ef.layers.BatchNormalization()]))
        >>> [v.name for v in archive.trainable_variables]
        ['gamma', 'beta']
        """
        return _unique(v for resource in self._tracked for v in resource.trainable_variables)

    @property
    def non_trainable_variables(self) -> list[_Variable]:
        """The tracked variables that training doesn't change.

        >>> archive = ef.export.ExportArchive()
        >>> archive.track(ef.Sequential([ef.Input((3,)), ef.layers.BatchNormalization()]))
        >>> [v.name for v in archive.non_trainable_variables]
        ['moving_mean', 'moving_variance']
        """
        return _unique(v for resource in self._tracked for v in resource.non_trainable_variables)

    def write_out(self, filepath: str | os.PathLike[str], options: Any = None, verbose: bool = True) -> None:
        """Writes the functions to ONNX files.

        Args:
            filepath: a folder, in which each becomes `NAME.onnx`; for a single function also a file that ends in
                `.onnx`.
            options: only None; Keras has options for TensorFlow's format.
            verbose: whether to print where the files are.

        Raises:
            ValueError: without any function, or (as `eagerflow.onnx.ExportError`) for what ONNX can't express.

        >>> from pathlib import Path
        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
        >>> archive = ef.export.ExportArchive()
        >>> _ = archive.add_endpoint("serve", model)
        >>> archive.write_out("exported", verbose=False)
        >>> [path.name for path in Path("exported").iterdir()]
        ['serve.onnx']
        """
        if not self._endpoints:
            raise ValueError("No endpoint was added: call add_endpoint(name, fn, input_signature) before write_out.")
        if options is not None:
            raise ValueError(f"ExportArchive.write_out(options=...): for SavedModel alone. {_NOT_HERE}")
        target = pathlib.Path(filepath)
        if target.suffix == ".onnx":
            if len(self._endpoints) > 1:
                raise ValueError(f"write_out({str(target)!r}): {len(self._endpoints)} functions need a folder.")
            targets = [target]
        else:
            target.mkdir(parents=True, exist_ok=True)
            targets = [target / f"{name}.onnx" for name in self._endpoints]
        for path, (fn, signature) in zip(targets, self._endpoints.values(), strict=True):
            several = isinstance(signature, (list, tuple)) and len(signature) > 0
            if several and not _is_shape(signature):
                onnx.export(_spread(fn), path, tuple(signature), verbose=verbose)
            else:
                onnx.export(fn, path, signature, verbose=verbose)


def _spread(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function of one tuple of arguments."""

    def spread(arguments: Any) -> Any:
        takes_training = isinstance(fn, _Layer)
        return fn(*arguments, training=False) if takes_training else fn(*arguments)

    return spread


def _is_shape(signature: Any) -> bool:
    return all(n is None or isinstance(n, int) for n in signature)


_listed(__name__)
