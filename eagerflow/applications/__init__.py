"""Ready-made architectures for images, such as ResNet, with Keras' names, arguments, layers and weights.

>>> small = {"alpha": 0.25, "input_shape": (32, 32, 3)}
>>> ef.applications.MobileNet(weights=None, include_top=False, pooling="avg", **small).output_shape
(None, 256)
"""

from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed

if TYPE_CHECKING:
    from eagerflow.applications import (
        convnext as convnext,
        densenet as densenet,
        efficientnet as efficientnet,
        efficientnet_v2 as efficientnet_v2,
        imagenet_utils as imagenet_utils,
        inception_resnet_v2 as inception_resnet_v2,
        inception_v3 as inception_v3,
        mobilenet as mobilenet,
        mobilenet_v2 as mobilenet_v2,
        mobilenet_v3 as mobilenet_v3,
        nasnet as nasnet,
        resnet as resnet,
        resnet50 as resnet50,
        resnet_v2 as resnet_v2,
        vgg16 as vgg16,
        vgg19 as vgg19,
        xception as xception,
    )
    from eagerflow.applications.convnext import *
    from eagerflow.applications.densenet import *
    from eagerflow.applications.efficientnet import *
    from eagerflow.applications.efficientnet_v2 import *
    from eagerflow.applications.inception_resnet_v2 import *
    from eagerflow.applications.inception_v3 import *
    from eagerflow.applications.mobilenet import *
    from eagerflow.applications.mobilenet_v2 import *
    from eagerflow.applications.mobilenet_v3 import *
    from eagerflow.applications.nasnet import *
    from eagerflow.applications.resnet import *
    from eagerflow.applications.resnet_v2 import *
    from eagerflow.applications.vgg16 import *
    from eagerflow.applications.vgg19 import *
    from eagerflow.applications.xception import *

_FUNCTIONS = {
    "convnext": "ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge",
    "densenet": "DenseNet121 DenseNet169 DenseNet201",
    "efficientnet": " ".join([f"EfficientNetB{i}" for i in range(8)]),
    "efficientnet_v2": " ".join([f"EfficientNetV2{kind}" for kind in ("B0", "B1", "B2", "B3", "S", "M", "L")]),
    "imagenet_utils": "",
    "inception_resnet_v2": "InceptionResNetV2",
    "inception_v3": "InceptionV3",
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3": "MobileNetV3Small MobileNetV3Large",
    "nasnet": "NASNetMobile NASNetLarge",
    "resnet": "ResNet50 ResNet101 ResNet152",
    "resnet50": "",
    "resnet_v2": "ResNet50V2 ResNet101V2 ResNet152V2",
    "vgg16": "VGG16",
    "vgg19": "VGG19",
    "xception": "Xception",
}
_listed(__name__, *_FUNCTIONS, homes={f".{module}": functions for module, functions in _FUNCTIONS.items()})
