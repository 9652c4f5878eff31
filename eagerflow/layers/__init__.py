"""Layers: the building blocks of models."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any as _Any

from eagerflow.base.faces import listed as _listed, missing as _missing
from eagerflow.layer.by_name import *
from eagerflow.layer.input_spec import InputSpec as InputSpec
from eagerflow.layer.layer import *
from eagerflow.layer.symbolic.input import *
from eagerflow.layer.symbolic.masks import SymbolicTensor as _SymbolicTensor
from eagerflow.layers.activations import *
from eagerflow.layers.attention.attention import *
from eagerflow.layers.attention.grouped_query_attention import GroupedQueryAttention as _GroupedQueryAttention
from eagerflow.layers.attention.multi_head_attention import *
from eagerflow.layers.convolutional.conv import *
from eagerflow.layers.convolutional.conv_depthwise import *
from eagerflow.layers.convolutional.conv_separable import *
from eagerflow.layers.convolutional.conv_transpose import *
from eagerflow.layers.core.dense import *
from eagerflow.layers.core.einsum_dense import *
from eagerflow.layers.core.embedding import *
from eagerflow.layers.core.identity import *
from eagerflow.layers.core.lambda_layer import *
from eagerflow.layers.core.masking import *
from eagerflow.layers.core.reversible_embedding import *
from eagerflow.layers.core.torch_module import *
from eagerflow.layers.dropout import *
from eagerflow.layers.merging.dot import *
from eagerflow.layers.merging.merge import *
from eagerflow.layers.normalization.batch_normalization import *
from eagerflow.layers.normalization.sample_normalization import *
from eagerflow.layers.pooling.whole import *
from eagerflow.layers.pooling.windows import *
from eagerflow.layers.reshaping.borders import *
from eagerflow.layers.reshaping.reshape import *
from eagerflow.layers.rnn.bidirectional import *
from eagerflow.layers.rnn.cells import *
from eagerflow.layers.rnn.conv_lstm import *
from eagerflow.layers.rnn.recurrent import *
from eagerflow.layers.rnn.rnn import *
from eagerflow.layers.rnn.wrappers import *

if TYPE_CHECKING:
    from eagerflow.layers.preprocessing import *

KerasTensor = _SymbolicTensor
GroupQueryAttention = _GroupedQueryAttention
MaxPool1D = MaxPooling1D
AvgPool1D = AveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalAvgPool1D = GlobalAveragePooling1D
Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
MaxPool3D = MaxPooling3D
AvgPool3D = AveragePooling3D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool3D = GlobalAveragePooling3D
Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose


if not TYPE_CHECKING:  # for which a name that isn't here is an error

    def __getattr__(name: str) -> _Any:
        """The layers for preprocessing load when a name is asked for that isn't here."""
        if name.startswith("__") and name != "__all__":
            raise _missing(__name__, name, ())
        later = _import_module(f"{__name__}.preprocessing")
        globals().update({layer: getattr(later, layer) for layer in later.__all__})
        names = _listed(__name__)
        if name in globals():
            return globals()[name]
        raise _missing(__name__, name, names)

    def __dir__() -> list[str]:
        return list(__getattr__("__all__"))
