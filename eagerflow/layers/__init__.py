"""Layers: the building blocks of models. Each loads when its name is first asked for."""

from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed
from eagerflow.layer.by_name import *
from eagerflow.layer.input_spec import InputSpec as InputSpec
from eagerflow.layer.layer import *
from eagerflow.layer.symbolic.input import *
from eagerflow.layer.symbolic.masks import SymbolicTensor as _SymbolicTensor

if TYPE_CHECKING:
    from eagerflow.layers.activations import *
    from eagerflow.layers.attention.attention import *
    from eagerflow.layers.attention.grouped_query_attention import GroupQueryAttention as GroupQueryAttention
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
    from eagerflow.layers.dropout import *
    from eagerflow.layers.merging.dot import *
    from eagerflow.layers.merging.merge import *
    from eagerflow.layers.normalization.batch_normalization import *
    from eagerflow.layers.normalization.sample_normalization import *
    from eagerflow.layers.pooling.whole import *
    from eagerflow.layers.pooling.windows import *
    from eagerflow.layers.preprocessing import *
    from eagerflow.layers.reshaping.borders import *
    from eagerflow.layers.reshaping.reshape import *
    from eagerflow.layers.rnn.bidirectional import *
    from eagerflow.layers.rnn.cells import *
    from eagerflow.layers.rnn.conv_lstm import *
    from eagerflow.layers.rnn.recurrent import *
    from eagerflow.layers.rnn.rnn import *
    from eagerflow.layers.rnn.wrappers import *

KerasTensor = _SymbolicTensor
_listed(
    __name__,
    homes={
        ".activations": "Activation ELU LeakyReLU PReLU ReLU Softmax",
        ".attention.attention": "AdditiveAttention Attention",
        ".attention.grouped_query_attention": "GroupQueryAttention",
        ".attention.multi_head_attention": "MultiHeadAttention",
        ".convolutional.conv": "Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D",
        ".convolutional.conv_depthwise": "DepthwiseConv1D DepthwiseConv2D",
        ".convolutional.conv_separable": (
            "SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D"
        ),
        ".convolutional.conv_transpose": (
            "Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose Convolution2DTranspose "
            "Convolution3DTranspose"
        ),
        ".core.dense": "Dense",
        ".core.einsum_dense": "EinsumDense",
        ".core.embedding": "Embedding",
        ".core.identity": "ActivityRegularization Identity",
        ".core.lambda_layer": "Lambda",
        ".core.masking": "Masking",
        ".core.reversible_embedding": "ReversibleEmbedding",
        ".dropout": (
            "AlphaDropout Dropout GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D SpatialDropout3D"
        ),
        ".merging.dot": "Dot dot",
        ".merging.merge": (
            "Add Average Concatenate Maximum Minimum Multiply Subtract add average concatenate maximum minimum "
            "multiply subtract"
        ),
        ".normalization.batch_normalization": "BatchNormalization",
        ".normalization.sample_normalization": (
            "GroupNormalization LayerNormalization RMSNormalization UnitNormalization"
        ),
        ".pooling.whole": (
            "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
            "AdaptiveMaxPooling2D AdaptiveMaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D "
            "GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D "
            "GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D"
        ),
        ".pooling.windows": (
            "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D MaxPool1D MaxPool2D "
            "MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D"
        ),
        ".reshaping.borders": (
            "Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D "
            "ZeroPadding3D"
        ),
        ".reshaping.reshape": "Flatten Permute RepeatVector Reshape",
        ".rnn.bidirectional": "Bidirectional",
        ".rnn.cells": "GRUCell LSTMCell SimpleRNNCell",
        ".rnn.conv_lstm": "ConvLSTM1D ConvLSTM2D ConvLSTM3D",
        ".rnn.recurrent": "GRU LSTM SimpleRNN",
        ".rnn.rnn": "RNN StackedRNNCells",
        ".rnn.wrappers": "SpectralNormalization TimeDistributed Wrapper",
        ".preprocessing": (
            "AugMix AutoContrast CategoryEncoding CenterCrop ContrastLimitedAdaptiveHistogramEqualization CutMix "
            "Discretization Equalization HashedCrossing Hashing IntegerLookup MaxNumBoundingBoxes MelSpectrogram "
            "MixUp Normalization Pipeline RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter "
            "RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur "
            "RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation "
            "RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom Rescaling Resizing "
            "STFTSpectrogram Solarization StringLookup TextVectorization"
        ),
    },
)
