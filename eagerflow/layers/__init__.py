"""Layers, with the names and settings of `keras.layers`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from eagerflow.base.errors import did_you_mean as _did_you_mean
from eagerflow.base.errors import no_attribute as _no_attribute
from eagerflow.base.moved import stand_behind as _stand_behind
from eagerflow.layer.by_name import deserialize, serialize
from eagerflow.layer.input_spec import InputSpec
from eagerflow.layer.layer import Layer
from eagerflow.layer.symbolic.input import Input, InputLayer
from eagerflow.layer.symbolic.masks import SymbolicTensor as KerasTensor
from eagerflow.layers.activations import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from eagerflow.layers.attention.attention import AdditiveAttention, Attention
from eagerflow.layers.attention.grouped_query_attention import GroupedQueryAttention as GroupQueryAttention
from eagerflow.layers.attention.multi_head_attention import MultiHeadAttention
from eagerflow.layers.convolutional.conv import Conv1D, Conv2D, Conv3D
from eagerflow.layers.convolutional.conv_depthwise import DepthwiseConv1D, DepthwiseConv2D
from eagerflow.layers.convolutional.conv_separable import SeparableConv1D, SeparableConv2D
from eagerflow.layers.convolutional.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from eagerflow.layers.convolutional.keras_1_names import Convolution2D, Convolution3D, SeparableConvolution2D
from eagerflow.layers.core.dense import Dense
from eagerflow.layers.core.einsum_dense import EinsumDense
from eagerflow.layers.core.embedding import Embedding
from eagerflow.layers.core.identity import ActivityRegularization, Identity
from eagerflow.layers.core.lambda_layer import Lambda
from eagerflow.layers.core.masking import Masking
from eagerflow.layers.core.reversible_embedding import ReversibleEmbedding
from eagerflow.layers.dropout import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from eagerflow.layers.merging.dot import Dot, dot
from eagerflow.layers.merging.merge import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from eagerflow.layers.normalization.batch_normalization import BatchNormalization
from eagerflow.layers.normalization.sample_normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from eagerflow.layers.pooling.whole import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from eagerflow.layers.pooling.windows import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from eagerflow.layers.reshaping.borders import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from eagerflow.layers.reshaping.reshape import Flatten, Permute, RepeatVector, Reshape
from eagerflow.layers.rnn.bidirectional import Bidirectional
from eagerflow.layers.rnn.cells import GRUCell, LSTMCell, SimpleRNNCell
from eagerflow.layers.rnn.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from eagerflow.layers.rnn.recurrent import GRU, LSTM, SimpleRNN
from eagerflow.layers.rnn.rnn import RNN, StackedRNNCells
from eagerflow.layers.rnn.wrappers import SpectralNormalization, TimeDistributed, Wrapper

if TYPE_CHECKING:
    from eagerflow.layers.preprocessing import (
        AugMix,
        AutoContrast,
        CategoryEncoding,
        CenterCrop,
        ContrastLimitedAdaptiveHistogramEqualization,
        CutMix,
        Discretization,
        Equalization,
        HashedCrossing,
        Hashing,
        IntegerLookup,
        MaxNumBoundingBoxes,
        MelSpectrogram,
        MixUp,
        Normalization,
        Pipeline,
        RandAugment,
        RandomBrightness,
        RandomColorDegeneration,
        RandomColorJitter,
        RandomContrast,
        RandomCrop,
        RandomElasticTransform,
        RandomErasing,
        RandomFlip,
        RandomGaussianBlur,
        RandomGrayscale,
        RandomHue,
        RandomInvert,
        RandomPerspective,
        RandomPosterization,
        RandomRotation,
        RandomSaturation,
        RandomSharpness,
        RandomShear,
        RandomTranslation,
        RandomZoom,
        Rescaling,
        Resizing,
        Solarization,
        STFTSpectrogram,
        StringLookup,
        TextVectorization,
    )

MaxPool1D = MaxPooling1D
AvgPool1D = AveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalAvgPool1D = GlobalAveragePooling1D
Convolution1D = Conv1D
SeparableConvolution1D = SeparableConv1D
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

__all__ = [
    "Activation", "ActivityRegularization", "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "Add",
    "AdditiveAttention", "AlphaDropout", "Attention", "AugMix", "AutoContrast", "Average", "AveragePooling1D",
    "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D", "BatchNormalization",
    "Bidirectional", "CategoryEncoding", "CenterCrop", "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose",
    "Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Convolution1D",
    "Convolution1DTranspose", "Convolution2D", "Convolution2DTranspose", "Convolution3D",
    "Convolution3DTranspose", "Cropping1D", "Cropping2D", "Cropping3D", "CutMix", "Dense", "DepthwiseConv1D",
    "DepthwiseConv2D", "Discretization", "Dot", "Dropout", "ELU", "EinsumDense", "Embedding", "Equalization",
    "Flatten", "GRU", "GRUCell", "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool1D", "GlobalAvgPool2D",
    "GlobalAvgPool3D", "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GroupNormalization", "GroupQueryAttention", "HashedCrossing",
    "Hashing", "Identity", "Input", "InputLayer", "InputSpec", "IntegerLookup", "KerasTensor", "LSTM",
    "LSTMCell", "Lambda", "Layer", "LayerNormalization", "LeakyReLU", "Masking", "MaxNumBoundingBoxes",
    "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "Maximum",
    "MelSpectrogram", "Minimum", "MixUp", "MultiHeadAttention", "Multiply", "Normalization", "PReLU",
    "Permute", "Pipeline", "RMSNormalization", "RNN", "RandAugment", "RandomBrightness",
    "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform",
    "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness",
    "RandomShear", "RandomTranslation", "RandomZoom", "ReLU", "RepeatVector", "Rescaling", "Reshape",
    "Resizing", "ReversibleEmbedding", "STFTSpectrogram", "SeparableConv1D", "SeparableConv2D",
    "SeparableConvolution1D", "SeparableConvolution2D", "SimpleRNN", "SimpleRNNCell", "Softmax",
    "Solarization", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "SpectralNormalization",
    "StackedRNNCells", "StringLookup", "Subtract", "TextVectorization", "TimeDistributed",
    "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D", "Wrapper", "ZeroPadding1D",
    "ZeroPadding2D", "ZeroPadding3D", "add", "average", "concatenate", "deserialize", "dot", "maximum",
    "minimum", "multiply", "serialize", "subtract",
]  # fmt: skip

_stand_behind(__name__, dot="merging.dot")


def __getattr__(name: str) -> Any:
    if name in __all__:  # the layers for preprocessing load at first use
        found = getattr(import_module(f"{__name__}.preprocessing"), name)
        globals()[name] = found
        return found
    raise _no_attribute(
        f"module 'eagerflow.layers' has no attribute {name!r}.{_did_you_mean(name, __all__)}", name
    )


def __dir__() -> list[str]:
    return sorted(__all__)
