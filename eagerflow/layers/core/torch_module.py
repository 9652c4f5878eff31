"""`TorchModuleWrapper`: a module of PyTorch as a layer, its autograd joined to our tape."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Unpack

import numpy

from eagerflow.base import tree
from eagerflow.base.capturing import capturing
from eagerflow.base.errors import WrongTypeError
from eagerflow.base.typing import AnyShape, Shape
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.log import log
from eagerflow.core.random import default_seed
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import UnnamedOptions
from eagerflow.layer.output_shapes import infer_from_shapes
from eagerflow.layer.symbolic.tensors import run as infer_by_run

__all__ = ["TorchModuleWrapper"]


class TorchModuleWrapper(Layer):
    """Wraps a `torch.nn.Module` as a layer; its parameters and buffers become the layer's weights.

    Gradients of any order flow through it to inputs and parameters, so eagerflow's optimizers can train it. Torch must
    be installed; it computes on the CPU. Random draws of the module follow `set_random_seed`.

    Args:
        module: the module. A lazy module must have been called before.
        name: the layer's name.
        output_shape: the shape of the outputs; default: found by calling the module on zeros.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ImportError: without torch.
        TypeError: when `module` is no `torch.nn.Module`.
        ValueError: for a lazy module without parameters; when the layer is loaded from a file, where the module is a
            pickle, which could run any code.

    Source: the interface of `keras.layers.TorchModuleWrapper` 3.15.

    Example::

        import torch

        layer = ef.layers.TorchModuleWrapper(torch.nn.Linear(3, 2))
        layer(ef.ops.ones((5, 3))).shape  # (5, 2)
    """

    def __init__(
        self, module: Any, name: str | None = None, output_shape: Shape | None = None, **kwargs: Unpack[UnnamedOptions]
    ) -> None:
        torch = _torch()
        super().__init__(name=name, **kwargs)
        if not isinstance(module, torch.nn.Module):
            raise WrongTypeError(f"TorchModuleWrapper(module=...): expected a torch.nn.Module; got {module!r:.80}.")
        if isinstance(module, torch.nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params():
            raise ValueError("LazyModules are not supported unless they are already initialized: call the module once.")
        self.autocast = False  # the module's parameters have their own types
        self._module = module.cpu()
        self._own_shape = output_shape
        self._held: dict[str, Variable] = {}
        for key, value in {**dict(module.named_parameters()), **dict(module.named_buffers())}.items():
            self._held[key] = self.add_weight(
                name=key.replace(".", "_"),
                shape=tuple(value.shape),
                initializer=_given(value.detach().numpy()),
                dtype=str(value.dtype).removeprefix("torch."),
                trainable=isinstance(value, torch.nn.Parameter) and value.requires_grad,
                autocast=False,
            )
        self.built = True

    @property
    def module(self) -> Any:
        """The module, with the present values of the layer's weights."""
        with _torch().no_grad():
            for key, value in {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}.items():
                value.copy_(_as_torch(self._held[key].numpy()))
        return self._module

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """The module's parameters, as PyTorch returns them.

        Args:
            recurse: whether to include the parameters of inner modules.
        """
        found: Iterator[Any] = self.module.parameters(recurse=recurse)
        return found

    @property
    def output_shape(self) -> AnyShape | Any:
        """The layer's `output_shape` argument, or the shape of its symbolic outputs."""
        return super().output_shape if self._own_shape is None else self._own_shape

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The layer's `output_shape` argument, or the shape of the module's output for zeros."""
        found: Shape = super().compute_output_shape(input_shape) if self._own_shape is None else tuple(self._own_shape)
        return found

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        """The outputs for symbolic inputs: by a run of the module, unless there is an `output_shape`."""
        if self._own_shape is not None:
            return infer_from_shapes(self, args, kwargs)
        return infer_by_run(self, args, kwargs, frozen_random=True)

    def call(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Tensor | Any:
        """Calls the module, in training mode unless `training` is False.

        Args:
            *args: the arguments of the module's `forward`.
            training: whether the module is in training mode.
            **kwargs: arguments of `forward` by name.
        """
        torch, module = _torch(), self._module
        module.train(training is not False)
        seed = default_seed() if training is not False else 0
        given = tree.flatten((args, kwargs))
        tensors = [x for x in given if isinstance(x, Tensor)]
        names = [key for key, variable in self._held.items() if is_differentiable(variable.dtype)]
        buffers = dict(module.named_buffers())
        state: dict[str, Any] = {}
        shape_of_outputs: list[Any] = []

        def run(arrays: list[Any]) -> list[Any]:
            """On torch's tensors: those of the inputs, then those of `names`."""
            inputs = iter(arrays[: len(tensors)])
            filled = [next(inputs) if isinstance(x, Tensor) else x for x in given]
            its_args, its_kwargs = tree.pack_sequence_as((args, kwargs), filled)
            held = dict(zip(names, arrays[len(tensors) :], strict=True))
            others = [key for key in self._held if key not in held or key in buffers]
            state.update({key: _as_torch(self._held[key].numpy()) for key in others})
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                outputs = torch.func.functional_call(module, {**held, **state}, its_args, its_kwargs)
            shape_of_outputs[:] = [outputs]
            return [x for x in tree.flatten(outputs) if isinstance(x, torch.Tensor)]

        found = _joined(run, [*tensors, *[self._held[key] for key in names]])
        for key in buffers:
            if training is not False and key in state:
                self._held[key].assign(state[key].detach().numpy())
        left = iter(found)
        return tree.map_structure(lambda x: next(left) if isinstance(x, torch.Tensor) else x, shape_of_outputs[0])

    def save_own_variables(self, store: Any) -> None:
        """Puts the weights into `store`, under PyTorch's names for them.

        Args:
            store: a dict-like object.
        """
        for key, variable in self._held.items():
            store[key] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Sets the weights from what `save_own_variables` stored.

        Args:
            store: a dict-like object.

        Raises:
            ValueError: when names are missing or too many.
        """
        if set(store.keys()) != set(self._held):
            raise ValueError(f"{self.name}: expected the arrays {sorted(self._held)}; got {sorted(store.keys())}.")
        for key, variable in self._held.items():
            variable.assign(store[key])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer; the module is a pickle, which Keras reads with `safe_mode=False`."""
        buffer = io.BytesIO()
        _torch().save(self.module, buffer)
        told = {"module": base64.b64encode(buffer.getvalue()).decode("ascii"), "output_shape": self._own_shape}
        return {**self._base_config(), **told}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Any:
        """Creates a layer from a dict of the arguments of `__init__`.

        Args:
            config: that dict, which must contain the module itself, not a pickle of it.
            custom_objects: accepted for Keras' signature.
            safe_mode: accepted for Keras' signature; code in a file is never run.

        Raises:
            ValueError: for a pickled module.
        """
        if isinstance(config.get("module"), str):
            raise ValueError(
                "This file holds a `torch.nn.Module` as a pickle, which eagerflow doesn't run, with any safe_mode: it "
                "could do anything. Make the model by your program, and use load_weights."
            )
        return cls(**config)


def _joined(run: Callable[[list[Any]], list[Any]], tensors: list[Tensor]) -> list[Tensor]:
    """What a function on torch's tensors gives for ours, differentiable by our tape, again and again."""
    torch = _torch()

    @custom_gradient
    def function(*ours: Any) -> Any:
        if (recorder := capturing.get()) is not None:
            recorder.end("PyTorch computes a part of it")
        tracked = log.get() is not None
        theirs = [_as_torch(x.data) for x in ours]
        wanted = [x for x in theirs if tracked and x.is_floating_point()]
        for x in wanted:
            x.requires_grad_()
        with torch.set_grad_enabled(tracked):
            outputs = run(theirs)

        def gradients(*upstream: Any) -> Any:
            if log.get() is None:  # nobody differentiates this
                found = _pulled(outputs, wanted, [_as_torch(g.data) for g in upstream], create_graph=False)
                left = iter([Tensor(g.numpy()) for g in found])
            else:
                left = iter(_joined(again, [*ours, *upstream]))
            return [next(left) if x.is_floating_point() else None for x in theirs]

        return tuple([Tensor(x.detach().numpy()) for x in outputs]), gradients

    def again(arrays: list[Any]) -> list[Any]:
        """The gradients, as a function of inputs and what arrives."""
        inputs, upstream = arrays[: len(tensors)], arrays[len(tensors) :]
        floats = [x for x in inputs if x.is_floating_point()]
        with torch.enable_grad():
            for x in floats:
                if not x.requires_grad:
                    x.requires_grad_()
            return _pulled(run(inputs), floats, upstream, create_graph=True)

    return list(function(*tensors))


def _pulled(outputs: list[Any], inputs: list[Any], upstream: list[Any], create_graph: bool) -> list[Any]:
    torch = _torch()
    pairs = [(y, g) for y, g in zip(outputs, upstream, strict=True) if y.requires_grad]
    if not pairs or not inputs:
        return [torch.zeros_like(x) for x in inputs]
    ends, arriving = zip(*pairs, strict=True)
    found = torch.autograd.grad(ends, inputs, arriving, allow_unused=True, create_graph=create_graph, retain_graph=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def _as_torch(array: Any) -> Any:
    """A PyTorch tensor with its own memory, since modules may write into their inputs."""
    return _torch().from_numpy(numpy.array(array, order="C"))


def _given(values: numpy.ndarray) -> Callable[..., Any]:
    return lambda shape, dtype=None: values.copy()


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError("TorchModuleWrapper needs PyTorch: pip install torch.") from None
    return torch
