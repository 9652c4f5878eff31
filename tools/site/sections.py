"""The order of the site: which pages stand where in the navigation.

A page that isn't listed stands behind the others of its folder, pages of docs/ itself among the guides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tools.site.names import ROOT


class Section(NamedTuple):
    """A part of the site that the line at the top of each page names.

    Attributes:
        title: what it is called there.
        page: its first page.
        groups: the further pages by caption, in order.
    """

    title: str
    page: str
    groups: dict[str, str]


_FINDINGS = {  # the kinds of the doctor's findings, by subject, as its first page has them
    "The loss, and what it is given": (
        "loss_mismatch label_range loss_sign broadcast softmax_axis class_loss constant_output"
    ),
    "Data and labels": (
        "unscaled_input unscaled_target channels_first augmentation sorted_rows shuffled_apart label_leak"
        " class_imbalance attention_mask"
    ),
    "Layers and gradients": (
        "initial_weights frozen no_gradient exploding_gradient vanishing_gradient hidden_softmax dead_relu"
        " saturated linear_stack bottleneck batchnorm_misuse dropout_high dropout_idle"
    ),
    "Optimizers, steps and callbacks": (
        "lr_too_high lr_too_low penalty_dominates opposed_updates not_learning too_few_steps unreset_metric"
        " stopped_early callback_mismatch"
    ),
    "Validation": "overfit validation_overlap validation_mismatch validation_chance",
    "Numbers, time and memory": "nonfinite dtype_upcast memory_growth slow_input slow_op",
    "Several processes": "replicas_diverged oversubscribed",
}


def _kinds(names: str) -> str:
    return " ".join(f"doctor/{name}" for name in names.split())


SECTIONS = [
    Section("Start", "start/ten_minutes", {"": "install glossary compare stability roadmap"}),
    Section(
        "Guides",
        "guides/index",
        {
            "Building and training": "guides/training guides/custom guides/functional guides/sequences data files"
            " gradients guides/callbacks guides/fine_tuning guides/mixed_precision ops applications",
            "Finding faults": "guides/debugging check estimate find_lr gap cockpit replay explain samples annotate",
            "Seeing what ran": "viz/index viz/recording viz/pictures viz/page viz/live viz/tables viz/nan viz/changes"
            " viz/tensorboard viz/command_line viz_with_pytorch guides/language_model",
            "Speed": "guides/speed guides/captured_steps guides/compiled_kernels",
            "Editors and notebooks": "guides/types guides/notebooks",
            "Getting it out": "onnx web distribution distribution_exact distribution_dask security",
            "Coming from elsewhere": "coming_from_pytorch keras2 compat keras",
        },
    ),
    Section("Tutorials", "tutorials/index", {}),
    Section("API", "reference/index", {}),
    Section("Gallery", "gallery/index", {}),
    Section("Doctor", "doctor/index", {caption: _kinds(names) for caption, names in _FINDINGS.items()}),
    Section("Errors", "errors", {}),
    Section("Benchmarks", "benchmarks", {}),
    Section(
        "Internals",
        "internals/index",
        {
            "": "internals/tour internals/kernels internals/gpu_kernels internals/cuda_graphs internals/testing"
            " internals/contributing"
        },
    ),
    Section("Changelog", "changelog", {}),
]


# Parts of a single page: what stands in the column left of it, by its caption there.
BESIDE = {
    "errors": ("Finding faults", "errors guides/debugging doctor/index viz/nan check gap replay viz/index"),
    "benchmarks": (
        "Speed",
        (
            "benchmarks guides/speed guides/captured_steps guides/compiled_kernels estimate annotate kernels"
            " internals/kernels"
        ),
    ),
}


def toctree(entries: Iterable[str], caption: str = "", titles: dict[str, str] | None = None) -> str:
    """Entries of the navigation, which the page itself doesn't show."""
    named = titles or {}
    lines = [f"{named[entry]} </{entry}>" if entry in named else f"/{entry}" for entry in entries]
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["```{toctree}", *options, "", *lines, "```", ""])


def root(pages: set[str]) -> str:
    """The navigation of the first page: all parts of the site that are there."""
    there = [section for section in SECTIONS if section.page in pages]
    return toctree([section.page for section in there], titles={section.page: section.title for section in there})


def below(page: str, pages: set[str]) -> str:
    """The navigation of the first page of a part: its groups; "" for any other page."""
    section = next((section for section in SECTIONS if section.page == page), None)
    if section is None:
        return ""
    groups = {caption: [name for name in listed.split() if name in pages] for caption, listed in section.groups.items()}
    more = [name for name in unlisted(pages) if _home(name) == page]
    if more:
        last = list(groups)[-1] if len(groups) == 1 else "More"
        groups[last] = [*groups.get(last, []), *more]
    kinds = {name: _kind_in_words(name) for names in groups.values() for name in names if page == "doctor/index"}
    return "\n".join(toctree(names, caption, kinds) for caption, names in groups.items() if names)


def _kind_in_words(name: str) -> str:
    """What a kind of findings is, as the title of its page says behind its name.

    >>> _kind_in_words("doctor/label_leak")
    'The label is among the inputs'
    """
    with (ROOT / "docs" / f"{name}.md").open(encoding="utf-8") as file:
        title = file.readline().partition(": ")[2].strip()
    return f"{title[0].upper()}{title[1:]}"


def unlisted(pages: set[str]) -> list[str]:
    """Pages without a place in the table above, sorted. Reference, tutorials and gallery have lists of their own."""
    listed = {name for section in SECTIONS for names in section.groups.values() for name in names.split()}
    listed |= {section.page for section in SECTIONS} | {"index"}
    own = ("reference/", "tutorials/", "gallery/")
    return sorted(name for name in pages - listed if not name.startswith(own))


def _home(name: str) -> str:
    folder = name.partition("/")[0] if "/" in name else "guides"
    return next((section.page for section in SECTIONS if section.page.startswith(f"{folder}/")), "guides/index")
