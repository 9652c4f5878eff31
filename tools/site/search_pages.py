"""What the search knows beside the words of pages: titles, summaries, other names, methods, headings.

static/search.js ranks by it. `sitePages` has a row for each page: its name in the site, title, summary, other names,
parameters, phrases that lead there. `siteMembers` has one for each method: page, name, anchor, summary, parameters,
phrases that lead there. `siteHeadings` has one for each heading of a text: page, anchor, title, phrases that lead
there, first sentences, messages that it quotes. `siteCommon` are the pages of the names that most readers come for.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any

from eagerflow.base.serialization import tables
from tools.site import docstrings, named_types, reference
from tools.site.names import ROOT, Public, catalogue

Row = tuple[str, str, str, list[str], str, list[str]]
# What readers ask for whose answer is a page of text: phrases that its title doesn't say.
ASKED = {
    "start/ten_minutes": "quickstart, getting started, tutorial, hello world, first steps, beginner",
    "guides/training": "fit, train, train a model, compile, evaluate, predict, epochs, batch size, validation data,"
    " reproducible, reproducible seed, deterministic, class weight, freeze layers, resume training,"
    " progress bar, verbose",
    "guides/callbacks": "callback, callbacks, callbacks example, custom callback, early stopping",
    "guides/custom": "custom layer, write a layer, subclass, custom model, training loop, custom training loop,"
    " train_step,"
    " custom training step, override train_step",
    "guides/functional": "multiple inputs, multiple outputs, multi input, multi output, functional api,"
    " residual connection, skip connection, siamese network, shared weights, shared layers",
    "guides/sequences": "rnn variable length, variable length input, lstm variable length, lstm padding,"
    " masking, mask, padding sequences, variable length sequences, variable length,"
    " rnn, recurrent, seq2seq, sequence to sequence, encoder decoder, teacher forcing, initial_state, stateful,"
    " return_state, stateful rnn, padding mask",
    "guides/debugging": "debug, gradients of each layer, accuracy stuck, accuracy stuck at 10%, does not learn",
    "guides/speed": "slow, performance, profile, memory, out of memory, reduce memory, threads,"
    " gpu memory, cuda out of memory, why is training slow, training is slow, speed up training",
    "guides/captured_steps": "jit_compile, jit, tf.function, torch.compile, xla, cuda graphs",
    "guides/compiled_kernels": "numba, compile kernels, compile kernels time",
    "guides/fine_tuning": "lora, low rank adaptation, peft, fine tune, fine tuning, quantize, quantize a model,"
    " quantization, int8, int4,"
    " compress model, smaller model, model size",
    "guides/mixed_precision": "float16, bfloat16, fp16, bf16, half precision, loss scaling, amp,"
    " mixed precision training, float16 training, bfloat16 training,"
    " float64, double precision, default dtype",
    "guides/notebooks": "jupyter, colab",
    "guides/types": "type hints, typing, types, annotations, type checker, mypy, pyright, pylance, py typed,"
    " autocomplete, autocompletion, intellisense, vscode, pycharm, editor",
    "data": "dataset, data loader, dataloader, augmentation, data augmentation, image augmentation, augment images,"
    " tf data, pipeline",
    "files": "save, load, save model, load model, save and load, checkpoint, weights, keras file, h5, pickle,"
    " export weights, huggingface, hugging face, safetensors, file formats",
    "gradients": "tape, autodiff, backpropagation, custom gradient, jacobian, hessian, higher order",
    "distribution": "distributed, distributed training, multi gpu, multiple machines, data parallel, mpi, cluster,"
    " ranks,"
    " multiple gpus, train on multiple gpus, train on several gpus, several machines, ddp",
    "onnx": "export, export onnx, onnx export, save as onnx, import from pytorch, torch to onnx,"
    " tflite, convert to tflite, torchscript, savedmodel, tensorrt, openvino",
    "install": "gpu, cuda, cupy, pip, requirements, windows, macos, mac, apple silicon, linux, alpine, arm,"
    " environment variables,"
    " uninstall, upgrade, version, check version, numpy version, python version, supported versions",
    "applications": "pretrained, pretrained weights, imagenet, model zoo, resnet, mobilenet, load pretrained resnet,"
    " pretrained model, load pretrained model",
    "coming_from_pytorch": "pytorch, torch, migrate from pytorch, convert from pytorch, pytorch weights,"
    " load pytorch weights, state_dict,"
    " dataloader, zero_grad, module",
    "estimate": "viz estimate, memory use, how much memory, out of memory, oom, how long does training take",
    "find_lr": "lr, learning rate, learning rate finder, lr finder, best learning rate",
    "check": "viz check",
    "annotate": "viz annotate, which line is slow, which line of my code is slow,"
    " slow line, time per line, line profiler",
    "replay": "viz replay, viz run keep",
    "samples": "viz data",
    "doctor/index": "doctor, viz doctor, diagnose, accuracy stuck, accuracy not improving, accuracy does not improve,"
    " loss stuck, loss not improving, training stuck, model not improving, what is wrong with my model",
    "doctor/loss_mismatch": "loss mismatch, wrong loss, from_logits, softmax twice",
    "doctor/broadcast": "wrong shape of labels, broadcasting labels",
    "doctor/unscaled_input": "scale inputs, normalize inputs, standardize inputs",
    "doctor/lr_too_high": "learning rate too high, loss explodes, loss increases, diverge",
    "doctor/lr_too_low": "learning rate too low",
    "doctor/dead_relu": "dead relu, dying relu, dead neurons",
    "doctor/constant_output": "same prediction, same output, predicts one class, constant prediction,"
    " same prediction for every input, model predicts same class, model predicts one class, same class for every input",
    "doctor/class_imbalance": "imbalanced classes, imbalanced data, class weights imbalanced, unbalanced classes",
    "doctor/label_leak": "label leak, data leak, data leakage, target leakage",
    "doctor/sorted_rows": "shuffle, sorted data",
    "doctor/overfit": "overfitting, overfit, validation loss increases, val_loss increases",
    "doctor/batchnorm_misuse": "batch normalization training mode, batchnorm bad validation",
    "doctor/memory_growth": "memory leak, memory grows",
    "doctor/no_gradient": "no gradients, gradient is none, no gradients provided",
    "explain": "explainability, saliency, integrated gradients, attribution, shap,"
    " feature importance, grad cam, heatmap, which pixels matter",
    "errors": "no gradients provided for any variable, no gradients provided, input 0 of layer is incompatible,"
    " incompatible with the layer, error, error message,"
    " exception, shape mismatch, valueerror, runtimeerror, typeerror,"
    " runtimeerror shape mismatch, shapes do not match, incompatible shapes",
    "gap": "viz gap, training and validation loss differ, fit and evaluate disagree",
    "viz/index": "viz, visualize, visualize training, graph, trace",
    "viz/recording": "record a step, trace a step, hooks",
    "viz/pictures": "trace draw,"
    " visualize model, draw model, plot model, picture of a model, computational graph, draw, graphviz,"
    " view graph, show graph, see graph, model graph, network diagram",
    "viz/page": "viz html, interactive graph",
    "viz/live": "viz run live, viz live, watch training, training dashboard",
    "viz/tables": "trace summary, trace top, print shapes, shapes of layers,"
    " flops, profiler, profile, count parameters, perfetto, time per layer, slowest layer,"
    " count flops, model flops, profile training",
    "viz/nan": "viz nonfinite",
    "viz/changes": "viz diff, compare two runs, compare runs, compare trainings,"
    " viz reproduce, reproducible seed, not reproducible, different results",
    "viz/tensorboard": "tensorboard graph, summary writer, embedding visualization,"
    " visualize embeddings, embedding projector, projector,"
    " tensorboard logs, log to tensorboard, wandb, weights and biases, mlflow, experiment tracking",
    "viz/command_line": "viz run, viz show, viz draw, viz html, viz summary, viz top, viz memory, viz gradients,"
    " viz tensorboard, viz perfetto, viz json, viz completion, command line, cli",
    "web": "browser, javascript, deploy, demo, serve model, serve a model, deploy a model, inference in the browser",
    "security": "pickle, safe, malicious file, trust",
    "compat": "tensorflow, tf keras, import tensorflow, run keras script",
    "keras2": "tf 2, old tutorial, book",
    "benchmarks": "how fast, compared with pytorch, speed comparison, pytorch speed",
    "tutorials/transformer": "attention, transformer, attention map, attention maps, attention weights",
    "tutorials/char_rnn": "text generation, generate text, language model, char rnn",
    "tutorials/transfer": "transfer learning, fine tuning, finetune, freeze layers, freeze, unfreeze, trainable",
    "tutorials/gan": "gan, gan loss, generator, discriminator",
    "tutorials/diffusion": "diffusion, diffusion model, ddpm, denoising, image generation, generate images,"
    " generative model",
    "tutorials/segmentation": "segmentation, image segmentation, semantic segmentation, unet, u net, pixel",
    "tutorials/cartpole": "reinforcement learning, policy gradient, actor critic, cartpole, rl, ppo, dqn, gym",
    "tutorials/vae": "vae, autoencoder, latent space",
    "tutorials/timeseries": "time series, forecasting",
    "tutorials/sentiment_lstm": "text classification, sentiment, word embeddings, text classifier, nlp",
    "tutorials/digits": "mnist",
    "tutorials/digits_cnn": "cnn, image classification",
    "tutorials/custom_loop": "training loop, custom training loop",
    "tutorials/siamese": "contrastive loss, similarity of images, image similarity",
}
# The same where the answer is a section: by page and anchor.
SECTIONS = {
    "guides/debugging#the-loss-is-nan": "nan, nan gradient, nan gradients, loss nan, loss is nan,"
    " loss becomes nan, nan loss, loss is inf, val_loss nan, val_loss is nan",
    "guides/debugging#it-doesn-t-learn": "loss not decreasing, does not learn, model does not learn,"
    " accuracy stays the same, loss goes up, loss increases, low accuracy, accuracy is low, underfitting,"
    " learning rate too high, learning rate too large",
    "guides/training#compile-how-it-learns": "binary classification, regression,"
    " regression mae, regression loss, multi label classification,"
    " multi class classification, which loss, one hot labels, sparse or categorical crossentropy,"
    " sparse vs categorical crossentropy, softmax or sigmoid",
    "guides/training#layers-that-behave-differently-in-training": "training false, dropout inference, inference mode,"
    " eval mode, batchnorm training false, model eval",
    "guides/custom#gradient-clipping": "gradient clipping, clip gradients, clip the gradients, gradient norm,"
    " clip gradient norm, clipnorm, global_clipnorm, clipvalue, clip_grad_norm",
    "guides/custom#gradient-accumulation": "gradient accumulation, accumulate gradients, accumulated gradients,"
    " effective batch size, larger batch than memory",
    "guides/custom#a-loop-of-your-own": "reinforcement learning, policy gradient",
    "guides/speed#less-memory": "memory usage, reduce memory, less memory",
    "gradients#any-order": "second derivative, second order gradient, gradient penalty, nested tapes",
    "data#tables-csv-files-and-pandas": "csv, csv file, read csv, load csv, read csv into dataset, dataframe,"
    " data frame, pandas, pandas dataframe, table, tabular data, structured data, spreadsheet, excel,"
    " missing values, categorical features, encode categories, feature columns",
    "data#files-larger-than-memory": "large csv, csv larger than memory, dataset larger than memory,"
    " data does not fit into memory, read file line by line,"
    " generator, data generator, python generator, load data lazily",
    "data#files-in-folders": "load images from folder, images from directory, own images,"
    " image classification own images",
    "data#folds-for-cross-validation": "k fold, kfold, cross validation",
    "guides/training#which-classes-are-mistaken-for-which": "confusion matrix, confusion_matrix",
    "guides/training#freezing-layers": "freeze, freezing, freeze layers, freeze weights, freeze model,"
    " freeze batchnorm, unfreeze layers",
    "guides/training#a-loss-or-a-metric-of-your-own": "custom loss, custom loss function, custom metric, write a loss,"
    " custom metric function",
    "guides/training#evaluate-and-predict": "predict, predict one image, predict one sample, predict class,"
    " predict probabilities",
    "guides/training#unbalanced-classes-and-samples-that-matter-more": "class weight, class imbalance,"
    " unbalanced classes, imbalanced data, sample weight, sample_weight, weight samples",
    "guides/training#several-inputs-and-outputs": "train with multiple inputs",
    "guides/functional#parts-of-a-model": "feature extraction, extract features, intermediate layer output,"
    " activations, see activations, show activations,"
    " intermediate activations, view intermediate activations, intermediate outputs,"
    " hidden layer output, output of a layer, activations of a layer, embeddings of a layer,"
    " print layer outputs, layer outputs, get layer output",
    "guides/callbacks#learning-rates-that-change": "learning rate schedule, change learning rate,"
    " change learning rate during training, learning rate decay, warmup, cosine decay, learning rate warmup,"
    " warmup schedule, reduce learning rate",
    "guides/callbacks#stop-in-time-and-keep-the-best": "save best model, keep best weights, restore best weights,"
    " save only the best weights, best model, best epoch, stop training early",
    "guides/training#trying-settings": "hyperparameter tuning, hyperparameter search, hyperparameters,"
    " tune hyperparameters, keras tuner, optuna, grid search, random search",
    "coming_from_pytorch#padding-with-strides": "padding same, padding same even kernel, conv2d padding same even,"
    " same padding with strides, pytorch padding",
    "guides/debugging#gradients-vanish-or-explode": "vanishing gradients, exploding gradients",
    "guides/training#a-change-of-the-step-itself": "custom training step, change the training step",
    "guides/training#plotting-a-training": "plot training history, plot history, plot loss, plot accuracy, loss curve,"
    " plot loss curve,"
    " learning curve, training curve, plot learning curves, visualize training history",
    "guides/training#the-same-numbers-twice": "reproducibility, reproducibility seed, reproducible results,"
    " seed, random seed,"
    " same results every run, non deterministic",
    "guides/training#saving-and-resuming": "resume training, continue training, resume from checkpoint",
    "guides/training#fit-train": "batch size, validation split, train validation split, epochs",
    "guides/functional#residual-connections-and-a-function-that-makes-blocks": "residual block, resnet block",
    "guides/custom#losses-and-metrics-from-inside": "add_loss, activity regularizer",
    "guides/sequences#masks": "padding mask, causal mask",
    "guides/sequences#attention-instead": "self attention",
    "guides/sequences#what-a-recurrent-layer-gives": "return_sequences, return_state",
    "files#checkpoints-while-training": "checkpoints during training, save every epoch, save weights every epoch",
    "files#weights-alone": "save weights, load weights",
    "coming_from_pytorch#weights-from-pytorch": "load weights from pytorch, convert pytorch weights",
    "data#layers-that-prepare-data": "normalize images, rescale images, how to normalize images,"
    " preprocessing layers, resize images",
    "data#texts": "tokenize, tokenizer, text preprocessing, text vectorization",
    "install#updating-removing": "uninstall, upgrade",
    "install#license": "license, licence, licensing, commercial use, copyright, apache",
    "errors#something-isn-t-installed": "modulenotfounderror, no module named, no module named eagerflow, importerror,"
    " not installed, missing package",
    "install#gpu": "install gpu, use gpu, gpu not found",
}
# What other libraries call what is here, beside the names that the guide for users of PyTorch translates.
CALLED = {
    "train_test_split": "eagerflow.utils.split_dataset",
    "random_split": "eagerflow.utils.split_dataset",
    "manual_seed": "eagerflow.utils.set_random_seed",
    "vmap": "eagerflow.ops.vectorized_map",
    "F pad": "eagerflow.ops.pad",
    **{f"reduce_{name}": f"eagerflow.ops.{name}" for name in ("all", "any", "max", "mean", "min", "prod", "sum")},
}
# Subjects whose answer is a name, by its path.
SUBJECTS = {
    "eagerflow.layers.Masking": "lstm masking, masking, padded sequences, ignore padding, variable length sequences",
    "eagerflow.callbacks.LearningRateScheduler": "change learning rate, learning rate, learning rate schedule",
    "eagerflow.layers.MultiHeadAttention": "transformer, self attention",
    "eagerflow.layers.RandomFlip": "data augmentation, image augmentation, augment images",
    "eagerflow.layers.RandomRotation": "data augmentation, image augmentation, augment images",
    "eagerflow.Layer": "custom layer, write a layer, own layer, subclass layer",
    "eagerflow.optimizers.Adam": "clip gradient, gradient clipping",
    "eagerflow.Optimizer": "gradient accumulation, accumulate gradients, weight decay, clip by norm, clip by value",
    "eagerflow.Model": "number of parameters, count parameters, print weights",
    "eagerflow.GradientTape": "per sample gradients, per example gradients, gradient of input",
    "eagerflow.callbacks.History": "plot history, plot training history, plot loss, plot loss curve, loss curve,"
    " learning curve,"
    " training curve",
    "eagerflow.callbacks.EarlyStopping": "early stopping patience",
    "eagerflow.callbacks.ModelCheckpoint": "save best weights, save best weights during training,"
    " save best model, save weights every epoch,"
    " best checkpoint",
    "eagerflow.data.to_categorical": "one hot encoding, one hot labels, onehot",
    "eagerflow.layers.Normalization": "normalize data, standardize, feature scaling, scale inputs, zero mean",
    "eagerflow.regularizers.L2": "regularization, weight penalty",
    "eagerflow.utils.image_dataset_from_directory": "image folder, folder of images, directory of images,"
    " load image folder, load images from a folder, read images from a folder, read images",
    "eagerflow.layers.Conv1D": "1d convolution, causal convolution",
    "eagerflow.layers.Conv2D": "convolution, convolutional layer, convolution layer, 2d convolution, padding,"
    " padding of a convolution, strides, kernel size",
    "eagerflow.layers.Conv2DTranspose": "deconvolution, transposed convolution, transpose convolution",
    "eagerflow.layers.Conv3D": "video, video classification, volume, 3d convolution",
    "eagerflow.layers.ConvLSTM2D": "video, video prediction, next frame",
    "eagerflow.layers.TimeDistributed": "video, frames of a video, same layer at every step",
    "eagerflow.layers.Dense": "lora, low rank adaptation",
    "eagerflow.wrappers.SKLearnClassifier": "grid search, hyperparameters, hyperparameter search,"
    " hyperparameter tuning, scikit learn, sklearn",
    "eagerflow.utils.set_random_seed": "seed, random seed, reproducible, reproducible seed, same numbers twice",
    "eagerflow.initializers.HeNormal": "he init, he initialization, weights initializer he,"
    " he normal, kaiming init, kaiming initialization",
    "eagerflow.initializers.GlorotUniform": "xavier initialization, glorot initialization",
    "eagerflow.callbacks.SwapEMAWeights": "exponential moving average, model averaging, ema of weights",
    "eagerflow.optimizers.AdamW": "weight decay, decoupled weight decay",
    "eagerflow.metrics.AUC": "roc auc, roc curve",
    "eagerflow.metrics.F1Score": "f1, metrics f1",
    "eagerflow.metrics.Precision": "precision, precision recall",
    "eagerflow.metrics.Recall": "recall, precision recall",
    "eagerflow.RematScope": "gradient checkpointing, rematerialization, recompute activations",
    "eagerflow.layers.Rescaling": "normalize images, rescale images, scale pixels",
    "eagerflow.losses.CategoricalCrossentropy": "label smoothing",
    "eagerflow.layers.Bidirectional": "bidirectional lstm, bilstm",
    "eagerflow.layers.Embedding": "word embeddings, embedding layer",
}
# The same where the answer is a method.
METHODS = {
    "eagerflow.Model.summary": "output shape of each layer, output shapes, layer shapes, shape of each layer,"
    " print model architecture, show layers",
    "eagerflow.Layer.compute_output_shape": "compute output shape",
}
_ERRORS = ROOT / "docs" / "errors.md"
_PYTORCH = ROOT / "docs" / "coming_from_pytorch.md"
_NAME = re.compile(r"`([A-Za-z][\w.]*)[^`]*`")
_NO_TEXT = re.compile(r"^(#|\||```|>|<|:|-|\*|\d+\.|!\[|\[The program)")


def script(texts: dict[str, str]) -> str:
    """The rows of all pages as a script.

    Args:
        texts: Markdown by name of the page.
    """
    known = {row[0]: row for row in _names()}
    names = {named_types.PAGE: [one.name for one in named_types.types()]}
    asked = {page: phrases.split(", ") for page, phrases in ASKED.items()}
    rows = [
        known.get(name) or (name, *_told(text), names.get(name, []), "", asked.get(name, []))
        for name, text in sorted(texts.items())
    ]
    methods = [row for row in _methods() if row[0] in texts]
    common = [page for page in map(reference.homes().get, reference.common_names()) if page in texts]
    told = {"sitePages": rows, "siteMembers": methods, "siteCommon": common}
    return "".join([f"window.{name} = {_json(value)};\n" for name, value in told.items()])


@cache
def quoted() -> dict[str, list[str]]:
    """The messages that the page of errors quotes, by page and anchor of the section.

    >>> [quote for quote in quoted()["errors#gradients"] if "nothing" in quote]
    ['this GradientTape recorded nothing']
    """
    message = re.compile(r"^\| (?:warning )?`([^`]+)` \|", re.MULTILINE)
    found = {f"errors#{anchor}": message.findall(section) for anchor, section in _sections(_ERRORS)}
    return {name: quotes for name, quotes in found.items() if quotes}


def _json(rows: Any) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def headings(app: Any, exception: Exception | None) -> None:
    """Sphinx has built a site: write what the headings of its texts are, which only it knows the anchors of."""
    if exception is not None or app.builder.format != "html":
        return
    rows = [
        (page, anchor[1:], link.astext(), _asked_of(page, anchor), said.get(anchor, ""), messages)
        for page, contents in sorted(app.env.tocs.items())
        if not page.startswith("reference/") and page != "index"  # which leads to everything, and says little of it
        for said in [first_sentences(app.env.get_doctree(page))]
        for link in contents.findall(lambda node: node.tagname == "reference" and node.get("anchorname"))
        for anchor in [link["anchorname"]]
        for messages in [quoted().get(page + anchor, [])]
    ]
    gone = (SECTIONS.keys() | quoted().keys()) - {f"{page}#{anchor}" for page, anchor, *_ in rows}
    if gone:
        raise ValueError(f"tools/site/search_pages.py: no such sections: {', '.join(sorted(gone))}")
    target = Path(app.outdir) / "_static" / "headings.js"
    target.write_text(f"window.siteHeadings = {_json(rows)};\n", encoding="utf-8")


def first_sentences(doctree: Any) -> dict[str, str]:
    """What the sections of a page begin with, by `#` and anchor, as far as whole words go."""
    found: dict[str, str] = {}
    for section in doctree.findall(lambda node: node.tagname == "section"):
        texts = [node.astext() for node in section.children if node.tagname == "paragraph"]
        said = shorten(" ".join(texts[0].split()), 200, placeholder="…") if texts else ""
        found |= {f"#{anchor}": said for anchor in section["ids"]}
    return found


def _asked_of(page: str, anchor: str) -> list[str]:
    phrases = SECTIONS.get(page + anchor)
    return [*(phrases.split(", ") if phrases else []), *without_a_name_here().get(page + anchor, [])]


@cache
def without_a_name_here() -> dict[str, list[str]]:
    """By section of the guide for users of PyTorch: names of theirs that are something else here than one name.

    >>> without_a_name_here()["coming_from_pytorch#gradients"][:3]
    ['loss.backward', 'w.grad', 'optimizer.zero_grad']
    """
    translated = {theirs for names in elsewhere().values() for theirs in names}
    found: dict[str, list[str]] = {}
    for anchor, section in _sections(_PYTORCH):
        for cell in re.findall(r"^\| (.*?) \| .*? \|$", section, re.MULTILINE):
            for given in re.findall(r"(?<![\w'.])[A-Za-z]\w*(?:\.\w+)+|(?<![\w'.])[a-z]+(?:_[a-z]+)+_?", cell):
                name = given.removeprefix("torch.")
                if name.replace(".", " ") not in translated:
                    found.setdefault(f"coming_from_pytorch#{anchor}", []).extend(
                        [name, *([name.rpartition(".")[2]] if "_" in name else [])]
                    )
    return {section: list(dict.fromkeys(names)) for section, names in found.items()}


def _sections(path: Path) -> Iterator[tuple[str, str]]:
    """The anchors and texts of a page's sections."""
    for section in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        yield "-".join(re.findall(r"[a-z0-9]+", section.partition("\n")[0].lower())), section


def _methods() -> Iterator[tuple[str, str, str, str, str, list[str]]]:
    """The rows of methods and properties."""
    for one in catalogue():
        page = reference.page_names()[one.path]
        for name, member in reference.own_members(one.value) if one.is_class else ():
            said = docstrings.summary(member.__doc__).replace("`", "")
            phrases = METHODS.get(f"{one.path}.{name}", "")
            asked = phrases.split(", ") if phrases else []
            yield page, f"{one.name}.{name}", f"{one.path}.{name}", said, _parameters(member), asked


def _parameters(function: Any) -> str:
    """The names of what it takes, with spaces between them."""
    try:
        taken = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a property, or a function that isn't written in Python
        return ""
    return " ".join(
        [one.name for one in taken if one.name != "self" and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    )


@cache
def elsewhere() -> dict[str, list[str]]:
    """By path of a public name: what it is called in other libraries.

    >>> elsewhere()["eagerflow.layers.Conv2D"]
    ['nn Conv2d']
    """
    found: dict[str, list[str]] = {}
    for theirs, ours in [*CALLED.items(), *_of_pytorch(_PYTORCH.read_text(encoding="utf-8"))]:
        if theirs not in found.setdefault(ours, []):
            found[ours].append(theirs)
    return found


def _of_pytorch(guide: str) -> Iterator[tuple[str, str]]:
    """PyTorch's names and our paths, from the tables of a guide."""
    paths = {path: one.path for one in catalogue() for path in (one.path, *one.aliases)}
    for row in re.findall(r"^\| (.*?) \| (.*?) \|$", guide, re.MULTILINE):
        theirs, ours = (_NAME.findall(cell) for cell in row)
        for name, own in zip(theirs, ours):
            path = paths.get(f"eagerflow.{own.removeprefix('ef.')}")
            if path is not None and not name.startswith("x."):
                yield name.removeprefix("torch.").replace(".", " "), path


def other_names(one: Public) -> list[str]:
    """What else something is called: by its aliases, and as a string, such as `loss="mse"`.

    >>> mean = next(one for one in catalogue() if one.path == "eagerflow.losses.MeanSquaredError")
    >>> other_names(mean)
    ['mse', 'MSE']
    """
    found = [reference.short(alias) for alias in one.aliases]
    table = tables.get(one.module.replace("eagerflow.", "keras.", 1))
    entries = table.entries if table else {}
    same = [one.value, *(value for name, value in entries.items() if _bare(name) == _bare(one.name))]
    strings = [name for name, value in entries.items() if any(value is other for other in same)]
    strings = [name for name in strings if _bare(name) != _bare(one.name)]
    return list(dict.fromkeys([*found, *strings, *elsewhere().get(one.path, [])]))


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def _names() -> list[Row]:
    """The rows of public names."""
    return [
        (
            reference.page_names()[one.path],
            reference.short(one.path),
            docstrings.summary(one.doc).replace("`", ""),
            other_names(one),
            _parameters(one.value),
            SUBJECTS[one.path].split(", ") if one.path in SUBJECTS else [],
        )
        for one in catalogue()
    ]


def _told(text: str) -> tuple[str, str]:
    r"""The title of a page and its first sentences, as far as whole words go.

    >>> _told("# Files\n\nWhat `save` writes,\nand reads.\n\nMore.")
    ('Files', 'What save writes, and reads.')
    >>> _told("# Files\n\n" + 50 * "words ")[1][-12:]
    'words words…'
    """
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    body = re.sub(r"(?ms)^```.*?^```$", "", text)
    paragraphs = [" ".join(block.split()) for block in body.split("\n\n")]
    first = next(
        (block for block in paragraphs if block and not _NO_TEXT.match(block) and not block.startswith("---")), ""
    )
    return _plain(title[1] if title else ""), shorten(_plain(first), 240, placeholder="…")


def _plain(text: str) -> str:
    """Markdown without its marks."""
    return re.sub(r"[`*\\]", "", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text))
