"""Optimizers of the same name are told apart by what they train: a GAN has `adam of generator` and `adam of critic`."""

from __future__ import annotations

from collections.abc import Iterable

from viz.facts.schema import Record, Scope

__all__ = ["tell_optimizers_apart"]

_MOST = 2  # names of what one trains


def tell_optimizers_apart(record: Record) -> None:
    """Let the scopes of optimizers that share a name say which model, or which layers, each of them trains.

    Where the names of those are the same, or unknown, the optimizers keep theirs.
    """
    calls: dict[str, dict[int, list[Scope]]] = {}
    for scope in record.scopes:
        if scope.kind == "optimizer" and scope.owner is not None:
            calls.setdefault(scope.name, {}).setdefault(scope.owner, []).append(scope)
    alike = [of_owner for of_owner in calls.values() if len(of_owner) > 1]
    trained = _trained(record, {owner for of_owner in alike for owner in of_owner}) if alike else {}
    models = _models_of_layers(record) if alike else {}
    shown = {scope.name: scope.shown for scope in record.scopes if scope.kind in ("layer", "model")} if alike else {}
    for of_owner in alike:
        names = {owner: list(dict.fromkeys([models.get(each, each) for each in trained[owner]])) for owner in of_owner}
        if len({*map(tuple, names.values())}) < len(of_owner):  # they train parts of one model
            names = {owner: list(trained[owner]) for owner in of_owner}
        said = {owner: _said([shown.get(each, each) for each in names[owner]]) for owner in of_owner}
        for owner, scopes in of_owner.items():
            if said[owner] and list(said.values()).count(said[owner]) == 1:
                for scope in scopes:
                    scope.name = f"{scope.name} of {said[owner]}"


def _trained(record: Record, owners: Iterable[int]) -> dict[int, dict[str, None]]:
    """The names with which those of the weights that each optimizer changes begin: of models, or of layers."""
    found: dict[int, dict[str, None]] = {owner: {} for owner in owners}
    for op in record.ops:
        owner = record.scopes[op.scope].owner if op.phase == "update" and op.scope is not None else None
        if owner in found:
            names = [record.tensors[i].name.partition("/") for i in op.outputs if record.tensors[i].role == "parameter"]
            found[owner] |= dict.fromkeys([outermost for outermost, inner, _ in names if inner])
    return found


def _models_of_layers(record: Record) -> dict[str, str]:
    """For layers, by name, the one model in which they are called: a `Functional` is in no name of its weights."""
    found: dict[str, dict[str, None]] = {}
    for scope in record.scopes:
        models = [each.name for each in record.ancestors(scope.parent) if each.kind == "model"]
        if scope.kind == "layer" and models:
            found.setdefault(scope.name, {}).update(dict.fromkeys(models[-1:]))
    return {name: next(iter(models)) for name, models in found.items() if len(models) == 1}


def _said(names: Iterable[str]) -> str:
    """`"generator"`, `"encoder, decoder"`; of many the first ones."""
    first = list(names)
    return ", ".join(first[:_MOST]) + (", …" if len(first) > _MOST else "")
