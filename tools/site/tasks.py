"""What newcomers come for: searches, and ways from the first page, each with the page that answers."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

# A question to the search, and the pages, or sections, that must be among its first three answers.
QUERIES = {
    # names
    "Dense": "reference/layers/Dense",
    "dense layer": "reference/layers/Dense",
    "conv2d": "reference/layers/Conv2D",
    "LSTM": "reference/layers/LSTM",
    "softmax": "reference/ops/softmax",
    "einsum": "reference/ops/einsum",
    "sum": "reference/ops/sum",
    "keras.layers.Dropout": "reference/layers/Dropout",
    "GradientTape": "reference/eagerflow/GradientTape",
    "EarlyStopping": "reference/callbacks/EarlyStopping",
    "ModelCheckpoint": "reference/callbacks/ModelCheckpoint",
    "Adam": "reference/optimizers/Adam",
    "sparse_categorical_crossentropy": "reference/losses/sparse_categorical_crossentropy",
    "viz.trace": "reference/viz/trace",
    "mse": "reference/losses/MeanSquaredError reference/losses/mean_squared_error",
    "mae": "reference/losses/MeanAbsoluteError reference/losses/mean_absolute_error",
    "cross entropy": "reference/losses/CategoricalCrossentropy",
    "batch norm": "reference/layers/BatchNormalization",
    "multihead attention": "reference/layers/MultiHeadAttention",
    "l2": "reference/regularizers/L2",
    "tensorboard": "reference/callbacks/TensorBoard viz/tensorboard",
    "TensorLike": "reference/types",
    "np.where": "reference/ops/where",
    "keras.ops.matmul": "reference/ops/matmul",
    "LSTM return_sequences": "reference/layers/LSTM",
    "image_dataset_from_directory": "reference/utils/image_dataset_from_directory",
    "MultiHeadAttention mask": "reference/layers/MultiHeadAttention#eagerflow.layers.MultiHeadAttention.call",
    "pad sequences": "reference/utils/pad_sequences",
    # mistyped
    "tensorbord": "reference/callbacks/TensorBoard viz/tensorboard",
    "optimzer": "reference/eagerflow/Optimizer",
    "GradientTpe": "reference/eagerflow/GradientTape",
    "lerning rate": "find_lr",
    "mutliple inputs": "guides/functional",
    "vis live": "viz/live",
    # what others call it
    "torch.nn.Linear": "reference/layers/Dense",
    "nn.CrossEntropyLoss": "reference/losses/SparseCategoricalCrossentropy",
    "torch.cat": "reference/ops/concatenate",
    "train_test_split": "reference/utils/split_dataset",
    # commands
    "viz draw": "viz/command_line",
    "viz top": "viz/command_line",
    "viz doctor": "doctor/index",
    "viz diff": "viz/changes",
    "viz.diff": "reference/viz/diff",
    # methods
    "class_weight": "reference/eagerflow/Model#eagerflow.Model.fit",
    "fit": "reference/eagerflow/Model guides/training",
    "model.fit": "reference/eagerflow/Model",
    "predict": "reference/eagerflow/Model",
    "compile": "reference/eagerflow/Model",
    "summary": "reference/eagerflow/Model",
    "load_weights": "reference/eagerflow/Model",
    "tape": "reference/eagerflow/GradientTape",
    # subjects
    "train a model": "guides/training",
    "confusion matrix": "guides/training#which-classes-are-mistaken-for-which",
    "freeze layers": "guides/training#freezing-layers tutorials/transfer",
    "mixed precision": "guides/mixed_precision",
    "lora": "guides/fine_tuning",
    "export onnx": "onnx",
    "freeze batchnorm": "guides/training#freezing-layers",
    "compare two runs": "viz/changes",
    "quantize a model": "guides/fine_tuning",
    "int8": "guides/fine_tuning",
    "onnx": "onnx",
    "pytorch": "coming_from_pytorch",
    "doctor": "doctor/index",
    "install": "install",
    "gpu": "install",
    "custom layer": "guides/custom",
    "custom training loop": "guides/custom",
    "saving": "files",
    "save model": "files",
    "how do I save a model": "files",
    "gradients": "gradients",
    "learning rate": "find_lr",
    "lr schedule": "guides/callbacks",
    "learning rate schedule": "guides/callbacks",
    "early stopping": "reference/callbacks/EarlyStopping",
    "nan": "guides/debugging#the-loss-is-nan",
    "loss is nan": "guides/debugging#the-loss-is-nan",
    "why is my loss nan": "guides/debugging#the-loss-is-nan",
    "my model does not learn": "guides/debugging",
    "vanishing gradients": "guides/debugging#gradients-vanish-or-explode",
    "overfitting": "doctor/overfit",
    "dead relu": "doctor/dead_relu",
    "label leak": "doctor/label_leak",
    "learning rate too high": "doctor/lr_too_high",
    "same prediction for every input": "doctor/constant_output",
    "out of memory": "guides/speed",
    "slow": "guides/speed",
    "numba": "guides/compiled_kernels",
    "captured steps": "guides/captured_steps",
    "jit_compile": "guides/captured_steps",
    "gradient clipping": "guides/custom#gradient-clipping",
    "progress bar": "guides/training",
    "seed": "guides/training",
    "class weight": "guides/training",
    "multiple inputs": "guides/functional",
    "data augmentation": "data",
    "pretrained weights": "applications",
    "multi gpu": "distribution",
    "distributed training": "distribution",
    "transformer": "tutorials/transformer",
    "gan": "tutorials/gan",
    "jupyter": "guides/notebooks",
    "visualize model": "viz/pictures",
    "load pytorch weights": "coming_from_pytorch",
    "memory": "guides/speed",
    "checkpoint": "files reference/callbacks/ModelCheckpoint",
    "shape mismatch": "errors",
    "LSTM masking": "reference/layers/Masking",
    "multi output": "guides/functional",
    "reproducible seed": "reference/utils/set_random_seed",
    "clip gradient": "reference/optimizers/Adam",
    "image augmentation": "reference/layers/RandomFlip data",
    "write a layer": "reference/eagerflow/Layer",
    "attention mask": "reference/layers/MultiHeadAttention#eagerflow.layers.MultiHeadAttention.call",
    "change learning rate during training": "guides/callbacks reference/callbacks/LearningRateScheduler",
    "print model layers shapes": "reference/eagerflow/Model#eagerflow.Model.summary",
    # the words that people type
    "port from pytorch": "coming_from_pytorch",
    "Conv2D padding same even": "coming_from_pytorch#padding-with-strides",
    "two inputs": "guides/functional",
    "own loss function": "guides/training#a-loss-or-a-metric-of-your-own",
    "predict single image": "guides/training#evaluate-and-predict",
    "imbalanced classes": "guides/training#unbalanced-classes-and-samples-that-matter-more",
    "save best model": "guides/callbacks#stop-in-time-and-keep-the-best",
    "intermediate layer output": "guides/functional#parts-of-a-model",
    "binary classification": "guides/training#compile-how-it-learns",
    "training=False": "guides/training#layers-that-behave-differently-in-training",
    "loss goes up": "guides/debugging#it-doesn-t-learn",
    "load images from folder": "data#files-in-folders",
    "k fold": "data#folds-for-cross-validation",
    "gradient penalty": "gradients#any-order",
    "gradient accumulation": "guides/custom#gradient-accumulation reference/eagerflow/Optimizer",
    "accumulate gradients": "guides/custom#gradient-accumulation",
    "augment images": "data",
    "embedding visualization": "viz/tensorboard",
    "visualize embeddings": "viz/tensorboard",
    "plot loss curve": "reference/callbacks/History",
    "number of parameters": "reference/eagerflow/Model",
    "hyperparameters": "reference/wrappers/SKLearnClassifier",
    "type hints mypy": "guides/types",
    "pyright": "guides/types",
    "view intermediate activations": "guides/functional#parts-of-a-model",
    "sample_weight": "reference/eagerflow/Model#eagerflow.Model.fit",
    "print model architecture": "reference/eagerflow/Model#eagerflow.Model.summary",
    "knowledge distillation": "reference/distillation/Distiller",
    "csv": "data#tables-csv-files-and-pandas",
    "read csv into dataset": "data#tables-csv-files-and-pandas",
    "dataframe": "data#tables-csv-files-and-pandas",
    "save best weights": "reference/callbacks/ModelCheckpoint",
    "output shape of each layer": "reference/eagerflow/Model#eagerflow.Model.summary",
    "NaN": "guides/debugging#the-loss-is-nan",
    "hyperparameter tuning": "guides/training#trying-settings",
    "fp16": "guides/mixed_precision",
    "fp16 training": "guides/mixed_precision",
    "video": "reference/layers/Conv3D",
}

# Questions whose very page, or section, is to be the first answer.
FIRST = (
    "Dense",
    "EarlyStopping",
    "ModelCheckpoint",
    "LSTM return_sequences",
    "torch.nn.Linear",
    "train_test_split",
    "class_weight",
    "viz draw",
    "viz.trace",
    "GradientTape",
    "Adam",
    "einsum",
    "image_dataset_from_directory",
    "MultiHeadAttention mask",
    "pad sequences",
    "optimzer",
    "GradientTpe",
    "vis live",
    "print model layers shapes",
    "csv",
    "read csv into dataset",
    "dataframe",
    "save best weights",
    "output shape of each layer",
    "NaN",
    "hyperparameter tuning",
    "fp16",
)

# Subjects that are to have that page among the first three without a look at the texts.
SUBJECTS = (
    "LSTM masking",
    "multi output",
    "reproducible seed",
    "clip gradient",
    "image augmentation",
    "augment images",
    "gradient accumulation",
    "accumulate gradients",
    "embedding visualization",
    "visualize embeddings",
    "write a layer",
    "custom layer",
    "data augmentation",
    "attention mask",
    "lerning rate",
    "mutliple inputs",
    "lora",
    "export onnx",
    "freeze batchnorm",
    "compare two runs",
    "quantize a model",
    "int8",
    "fp16 training",
    "video",
)

# What a newcomer wants to do, and the pages to click from the first one on: at most two.
TASKS = {
    "save a model": "files",
    "see what Conv2D takes": "reference/layers/index reference/layers/Conv2D",
    "find out why the loss is NaN": "guides/debugging",
    "train on two machines": "distribution",
    "write a layer": "guides/custom",
    "let the learning rate follow a schedule": "guides/callbacks",
    "export to ONNX": "onnx",
    "see the gradients of each layer": "tutorials/index tutorials/viz_gradients",
    "come from PyTorch": "coming_from_pytorch",
    "read a CSV file": "data",
    "get faster with compiled kernels": "guides/speed guides/compiled_kernels",
}


class _Links(HTMLParser):
    """The pages that a page leads to, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads."""
        address = urlsplit(dict(attrs).get("href") or "")
        if tag == "a" and not address.scheme and address.path.endswith(".html"):
            self.found.append(unquote(address.path))


def without_a_way(site: Path, tasks: dict[str, str] | None = None) -> list[str]:
    """Tasks whose way is broken: a page doesn't lead to the next, or there are more than two clicks.

    Args:
        site: the folder of the built site.
        tasks: by what a reader wants, the pages to click; default: those of newcomers.
    """
    found: list[str] = []
    for task, clicks in (TASKS if tasks is None else tasks).items():
        way = ["index", *clicks.split()]
        found += [f"to {task}: {len(way) - 1} clicks"] if len(way) > 3 else []
        broken = [(page, to) for page, to in pairwise(way) if to not in _led(site, page)]
        found += [f"to {task}: {page} doesn't lead to {to}" for page, to in broken]
    return found


def _led(site: Path, page: str) -> set[str]:
    links = _Links((site / f"{page}.html").read_text(encoding="utf-8")).found
    return {os.path.normpath(os.path.join(os.path.dirname(page), link)).removesuffix(".html") for link in links}
