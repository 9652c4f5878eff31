"""Guides and tutorials for a public name: those that use it, and that of its module. Its page leads there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from tools.site.names import Public

MOST = 5
# Pages that name everything, or nothing that a reader of one name looks for.
_LISTS = re.compile(
    r"(reference|internals|gallery|doctor)/|(.*/)?index$|(changelog|keras|keras2|glossary|benchmarks|errors|kernels|security)$"
)
_CODE = re.compile(r"^```(?:python|py)\b.*?\n(.*?)^```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
# What explains the names of a module, the longest beginning first.
GUIDES = {
    "eagerflow.applications": "applications",
    "eagerflow.backend": "compat",
    "eagerflow.callbacks": "guides/callbacks",
    "eagerflow.data": "data",
    "eagerflow.datasets": "data",
    "eagerflow.distribution": "distribution",
    "eagerflow.dtype_policies": "guides/mixed_precision",
    "eagerflow.layers": "guides/functional",
    "eagerflow.losses": "guides/training",
    "eagerflow.metrics": "guides/training",
    "eagerflow.models": "files",
    "eagerflow.onnx": "onnx",
    "eagerflow.ops": "ops",
    "eagerflow.optimizers": "guides/training",
    "eagerflow.optimizers.schedules": "guides/callbacks",
    "eagerflow.preprocessing": "keras2",
    "eagerflow.quantizers": "guides/fine_tuning",
    "eagerflow.saving": "files",
    "viz": "viz/index",
}
_OUTER = ("ef", "keras", "eagerflow")  # what the package is called in examples


class Uses:
    """Where names are used.

    Args:
        texts: Markdown by the names of pages.

    >>> uses = Uses({"guides/a": "Use `layers.Dense`, `ef.layers.Dense(2)`."})
    >>> uses.names_in("guides/a")
    Counter({'layers.Dense': 2})
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = {name: text for name, text in texts.items() if not _LISTS.match(name)}
        self._found = {name: self.names_in(name) for name in self._texts}

    def names_in(self, page: str) -> Counter[str]:
        """How often the code of a page names what, as `layers.Dense` or `viz.trace`; `Model` for `ef.Model`."""
        code = "\n".join([block or inline for block, inline in _CODE.findall(self._texts[page])])
        names = [found.split(".") for found in _NAME.findall(code)]
        return Counter([".".join(name[1:] if name[0] in _OUTER else name) for name in names])

    def of(self, one: Public) -> list[str]:
        """The pages that use a name, those first that do most; and that of its module."""
        name = one.path.removeprefix("eagerflow.")
        counts = {page: self._count(found, name) for page, found in self._found.items()}
        pages = sorted([page for page, count in counts.items() if count], key=lambda page: (-counts[page], page))[:MOST]
        guide = next((GUIDES[module] for module in _around(one.module) if module in GUIDES), None)
        return pages if guide is None or guide in pages else [*pages, guide]

    @staticmethod
    def _count(found: Counter[str], name: str) -> int:
        return sum([count for each, count in found.items() if each == name or each.startswith(f"{name}.")])

    def section(self, one: Public) -> list[str]:
        """The part of a name's page that leads there, as Markdown; nothing where there is none."""
        pages = self.of(one)
        return ["## Guides and tutorials", " · ".join([f"{{doc}}`/{page}`" for page in pages])] if pages else []


def _around(module: str) -> list[str]:
    """The module and those that it is in, innermost first."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
