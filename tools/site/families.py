"""The names of a module in families: by the folder or file that each is defined in."""

from __future__ import annotations

from tools.site.names import Public

# What the folders and files of a module are called for readers.
TITLES = {
    "core": "Core",
    "convolutional": "Convolution",
    "rnn": "Recurrent",
    "attention": "Attention",
    "normalization": "Normalization",
    "pooling": "Pooling",
    "merging": "Merging",
    "reshaping": "Reshaping",
    "preprocessing": "Preprocessing",
    "dropout": "Dropout and noise",
    "activations": "Activations",
    "elementwise": "Elementwise",
    "arrays": "Making and rearranging arrays",
    "reduce": "Reductions",
    "matrices": "Matrices and linear algebra",
    "neural": "Neural networks",
    "windows": "Convolution and pooling",
    "sequences": "Sequences",
    "signals": "Signals",
    "images": "Images",
    "control_flow": "Control flow",
    "nn": "Neural networks",
}
MODULES_WITH_FAMILIES = ("eagerflow.layers", "eagerflow.ops")


def family(one: Public) -> str:
    """The family of a name within its module."""
    if one.module not in MODULES_WITH_FAMILIES:
        return "Classes" if one.is_class else "Functions"
    home = str(getattr(one.value, "__module__", ""))
    part = home.removeprefix(f"{one.module}.").partition(".")[0] if home.startswith(f"{one.module}.") else "core"
    return TITLES.get(part, part.replace("_", " ").capitalize())


def order(item: tuple[str, object]) -> tuple[int, str]:
    """Families in the order of the table above."""
    titles = list(dict.fromkeys(TITLES.values()))
    return (titles.index(item[0]) if item[0] in titles else len(titles), item[0])
