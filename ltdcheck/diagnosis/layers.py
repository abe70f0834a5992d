"""Find out what a target is that may be several layers and directions.

Its arrays and states are shared out among cells (:mod:`ltdcheck.diagnosis.structure`). Then, from the first layer up,
each cell is identified as any cell is, by questions to the target in which all other parameters are held: the layers
below are known by then, so that what the cell reads is known too. A cell is first taken for what another cell was found
to be, in another place. At last the whole is proved on a fresh problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ltdcheck.diagnosis.divisions import distance_at, require_known_groups
from ltdcheck.diagnosis.families import LAYERED, require_family
from ltdcheck.diagnosis.identification import Identification, proof
from ltdcheck.diagnosis.identify import identify
from ltdcheck.diagnosis.probe import SIZES
from ltdcheck.diagnosis.structure import Place, question, structure
from ltdcheck.diagnosis.views import Below, Known, View, ViewProbe, assembled
from ltdcheck.errors import TargetUnusableError
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import PRECISIONS
from ltdcheck.reference.layout import Layout
from ltdcheck.reference.networks.bidirectional import MERGES, SIDE_BY_SIDE, Merge

DOUBT = "no layers of known cells answer as it does; it is held against the nearest"
EXACT = 1e-3  # the distance below which a reference is what the target computes; far larger than any rounding


def recognise(target: Implementation, name: str, claimed: str | None = None) -> Identification:
    """Find out what ``target`` is: one cell, or layers and directions of cells.

    ``claimed`` is a cell, of which every layer then is one, or one of ``LAYERED``.

    Raises
    ------
    UsageError
        When ``claimed`` is nothing that a target can be; a TargetUnusableError when its arrays fit neither.
    TargetFailure
        When it does not answer.
    """
    if claimed is not None:
        require_family(claimed)
    if not set(target.precisions) & set(PRECISIONS):
        why = f"it computes in {' and '.join(target.precisions)} alone, whose digits do not tell variants apart."
        raise TargetUnusableError(name, why, "Let its precisions name float64 or float32 too.")
    family = None if claimed in (*LAYERED, "unroll") else claimed
    alone: TargetUnusableError | None = None
    if claimed not in LAYERED and target.width == 1:
        try:
            return identify(target, name, family)
        except TargetUnusableError as error:
            alone = error
            if claimed == "unroll":
                raise
    places = structure(target, name)
    if len(places) == 1 == len(places[0]):
        why = f"all its arrays change one state alike: it is one cell, and not {claimed}."
        raise alone or TargetUnusableError(name, why, "Leave --cell away to have it identified.")
    found = _layered(target, name, places, family)
    return _as_claimed(found, name, claimed)


def _as_claimed(found: Identification, name: str, claimed: str | None) -> Identification:
    kinds = {found.cell.name, "bidirectional" if getattr(found.cell, "paired", False) else "stacked"}
    if claimed in LAYERED and claimed not in kinds:
        why = f"it acts as {found.cell.name}({found.words}), which is not {claimed}."
        raise TargetUnusableError(name, why, "Leave --cell away to have it identified.")
    return found


def _layered(target: Implementation, name: str, places: list[list[Place]], family: str | None) -> Identification:
    """The best of the ways in which directions can be merged."""
    both_ways = any(len(layer) == 2 for layer in places)
    I, H = target.fixed_sizes or SIZES
    shown = _shown(target, I, H)
    wide = min(target.widths(H))  # of what one cell answers
    merges = _merges(shown, wide) if both_ways else MERGES[:1]
    if _state_is_reversed(shown, wide, places[-1]):
        places = [[replace(place, states=place.states[::-1]) for place in layer] for layer in places]
    found: list[Identification] = []
    first: tuple[Known, ...] = ()
    for merge in merges:
        below = Below((), merge)
        for k, layer in enumerate(places):
            known = _layer(target, name, layer, below, family) if k or not first else first
            first = first or known
            below = Below((*below.layers, known), merge)
        layouts = [assembled(either)[0] for either in _either(below)]
        found += [Identification(each, distance_at(target, each, Network(each.cell), I, H), np.inf) for each in layouts]
        if any(one.exact for one in found):
            break
    best = min(found, key=lambda f: f.distance)
    if not best.exact:
        partly = any(known.exact for layer in below.layers for known in layer)
        return replace(best, layout=replace(best.layout, doubt=DOUBT), partly=partly)
    for part in best.layout.parts:
        require_known_groups(target, name, best.layout, best.network, part.cell)
    return best


def _either(below: Below) -> Iterator[Below]:
    """A last layer that reads backwards may answer in the order of its input, or in that of its own steps.

    Of a layer that another one reads this is no question: where it is turned round, the next reads the other way.
    """
    yield below
    *others, last = below.layers
    if len(last) == 1 and last[0].layout.direction == "backward":
        turned = replace(last[0], layout=replace(last[0].layout, direction="go_backwards"))
        yield replace(below, layers=(*others, (turned,)))


def _shown(target: Implementation, I: int, H: int) -> Outputs:
    """An answer in which no two numbers are the same by chance."""
    rng = np.random.default_rng(31)
    params = {n: rng.standard_normal(s).round(1) for n, s in target.parameters(I, H).items()}
    states = [rng.standard_normal((2, width)).round(1) for width in target.widths(H)]
    return target.run(question(target, params, rng.standard_normal((3, 2, I)).round(1), states), backward=False)


def _merges(shown: Outputs, wide: int) -> tuple[Merge, ...]:
    """The ways in which two directions may be merged, by the width of the outputs, and by whose final states they hold.

    The cell that reads backwards ends at the first step.
    """
    if shown.y.shape[2] == wide:
        return tuple(merge for merge in MERGES if merge not in SIDE_BY_SIDE)
    ends = shown.y[0][:, :wide], shown.y[-1][:, wide:]
    back_first = all(any(np.array_equal(end, state) for state in shown.state) for end in ends)
    return ("concatenate back first",) if back_first else ("concatenate",)


def _state_is_reversed(shown: Outputs, wide: int, top: Sequence[Place]) -> bool:
    """Whether the output sequence continues the last array of a cell's state: (c, h) for (h, c)."""
    ends = [half for step in (shown.y[-1], shown.y[0]) for half in (step[:, :wide], step[:, -wide:])]
    return any(
        np.array_equal(end, shown.state[p.states[-1]]) and not np.array_equal(end, shown.state[p.states[0]])
        for p in top
        for end in ends
    )


def _layer(
    target: Implementation, name: str, places: Sequence[Place], below: Below, family: str | None
) -> tuple[Known, ...]:
    """The cells of one layer, ahead first: which of two reads backwards is what explains them best; so with one."""
    if len(places) == 1:
        return (_alone(target, name, places[0], below, family),)
    tried = []
    for ordered in (places, places[::-1]):
        known: list[Known] = []
        for way, place in enumerate(ordered):
            models = [k.layout for k in (*known, *(k for layer in below.layers for k in layer))]
            known.append(_cell(View(target, place, below, back=way == 1), name, models, family))
        tried.append(known)
        if all(one.exact for one in known):
            break
    return tuple(min(tried, key=lambda known: sum(not one.exact for one in known)))


def _alone(target: Implementation, name: str, place: Place, below: Below, family: str | None) -> Known:
    """The only cell of a layer, in the direction that explains it; forward where neither does."""
    models = [k.layout for layer in below.layers for k in layer]
    known = _cell(View(target, place, below, back=False), name, models, family)
    if known.explained:
        return known
    turned = _cell(View(target, place, below, back=True), name, models, family)
    return replace(turned, layout=replace(turned.layout, direction="backward")) if turned.explained else known


def _cell(view: View, name: str, models: Sequence[Layout], family: str | None) -> Known:
    """One cell: like another one, or as the questions tell; where neither explains it, like another one after all."""
    moved = [layout for model in models for layout in _moved(model, view)]
    alike = next((layout for layout in moved if _explains(view, layout)), None)
    if alike is not None:
        return Known(view.place, alike, exact=True, explained=True)
    try:
        found = identify(view, name, family, ViewProbe)
    except TargetUnusableError as error:
        if moved:
            return Known(view.place, moved[0], exact=False)
        inputs, H = view.sizes
        own = ", ".join(view.place.arrays)
        why = f"{own} belong to one cell, which should read sequences {inputs} wide with H = {H}: {error.why}"
        raise TargetUnusableError(name, why, error.what_to_do) from error
    layout = found.layout if found.exact or not moved else moved[0]
    return Known(view.place, layout, found.exact, found.explained)


def _moved(model: Layout, view: View) -> Iterator[Layout]:
    """The model's layout on the arrays of another cell, taken in order, where their shapes allow it."""
    I, H = view.sizes
    shapes = view.parameters(I, H)
    if len(shapes) == len(model.arrays) and len(model.cell.states) == view.states:
        layout = replace(model, arrays=dict(zip(shapes, model.arrays.values(), strict=True)), direction="forward")
        if {name: index.shape for name, index in layout.indices(I, H).items()} == shapes:
            yield layout


def _explains(view: View, layout: Layout) -> bool:
    return proof(ViewProbe(view, [layout.cell]), layout, Network(layout.cell)) < EXACT
