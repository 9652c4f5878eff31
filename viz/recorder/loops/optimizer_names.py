"""Optimizers of the same name are told apart by what they train: a GAN has `adam of generator` and `adam of critic`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from viz.facts import formatting
from viz.facts.schema import Record, Scope

__all__ = ["tell_optimizers_apart"]


def tell_optimizers_apart(record: Record) -> None:
    """Let the scopes of optimizers that share a name say which model, or which layers, each of them trains.

    Where the names of those are the same, or unknown, the optimizers keep theirs.
    """
    calls: dict[str, dict[int, list[Scope]]] = {}
    layers, shown = dict[str, set[str]](), dict[str, str]()
    for scope in record.scopes:
        if scope.kind == "optimizer" and scope.owner is not None:
            calls.setdefault(scope.name, {}).setdefault(scope.owner, []).append(scope)
        elif scope.kind in ("layer", "model"):  # a `Functional` is in no name of its weights
            shown[scope.name] = scope.shown
            models = [each.name for each in record.ancestors(scope.parent) if each.kind == "model"]
            layers.setdefault(scope.name, set()).update(models[-1:])
    alike = [of_owner for of_owner in calls.values() if len(of_owner) > 1]
    trained: dict[int | None, dict[str, None]] = {}  # what the names of its weights begin with: models, or layers
    for op in record.ops if alike else ():
        if op.phase == "update" and op.scope is not None:
            names = [record.tensors[i].name.partition("/") for i in op.outputs if record.tensors[i].role == "parameter"]
            own = trained.setdefault(record.scopes[op.scope].owner, {})
            own |= dict.fromkeys([outermost for outermost, inner, _ in names if inner])
    for of_owner in alike:
        names_of = {owner: _models(trained.get(owner, {}), layers) for owner in of_owner}
        if len({*map(tuple, names_of.values())}) < len(of_owner):  # they train parts of one model
            names_of = {owner: [*trained.get(owner, {})] for owner in of_owner}
        said = {owner: formatting.some([shown.get(x, x) for x in found]) for owner, found in names_of.items()}
        for owner, scopes in of_owner.items():
            if said[owner] and list(said.values()).count(said[owner]) == 1:
                for scope in scopes:
                    scope.name = f"{scope.name} of {said[owner]}"


def _models(names: Iterable[str], layers: Mapping[str, set[str]]) -> list[str]:
    """The models in which layers are called, each in one alone; else the layers themselves."""
    return [*dict.fromkeys([next(iter(layers[n])) if len(layers.get(n, ())) == 1 else n for n in names])]
