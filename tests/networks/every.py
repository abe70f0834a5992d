"""Every network and every cell as a :class:`~networks.subjects.Subject`.

Truncated BPTT is none: it is no function's gradient.
"""

from __future__ import annotations

from typing import Any

from networks.agreement import Blocks
from networks.draws import named, taken
from networks.subjects import Draw, Make, Subject, of_cell, of_sequences, of_states, parameters

from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.iterated_map import IteratedMap
from ltdcheck.reference.cells.jordan import Forced
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.losses import Classifier
from ltdcheck.reference.memory.network import MemoryNetwork
from ltdcheck.reference.networks import (
    BPTT,
    Bidirectional,
    Conditional,
    Deep,
    DeepTransition,
    EncoderDecoder,
    Generative,
    Grid,
    Grouped,
    Stacked,
    Tree,
)
from ltdcheck.reference.networks.composition import Affine, Bilinear, Recurrent
from ltdcheck.reference.networks.mlp import MLP
from ltdcheck.reference.networks.trees import balanced_tree
from ltdcheck.reference.variants import variants


def _stacked(skip: Any) -> Make:
    cells = (LSTM(), GRU())

    def inputs(draw: Draw) -> int:
        return draw.H if skip == "residual" else draw.I

    return of_sequences(
        Stacked(cells, skip),
        lambda draw: (inputs(draw), [draw.H, draw.H]),
        lambda draw: {
            "x": draw.given(draw.T, draw.B, inputs(draw)),
            **{k: v for n, cell in enumerate(cells) for k, v in draw.first(cell, draw.H, f"{n}.").items()},
        },
        lambda draw, b: (b["x"], [taken(b, f"{n}.", len(cell.states)) for n, cell in enumerate(cells)], draw.ends),
    )


def _bidirectional(ahead: Cell, back: Cell) -> Make:
    return of_sequences(
        Bidirectional(ahead, back),
        lambda draw: (draw.I, draw.H, draw.H),
        lambda draw: {
            "x": draw.given(draw.T, draw.B, draw.I),
            **draw.first(ahead, draw.H, "ahead."),
            **draw.first(back, draw.H, "back."),
        },
        lambda draw, b: (
            b["x"],
            (taken(b, "ahead.", len(ahead.states)), taken(b, "back.", len(back.states))),
            draw.ends,
        ),
    )


def _conditional(cell: Cell, how: Any) -> Make:
    starts, count = how in ("initial", "both"), len(cell.states)

    def given(draw: Draw) -> Blocks:
        C = 2
        context = (draw.T, draw.B, C) if how == "sequence" else (draw.B, C)
        own = {} if starts else draw.first(cell, draw.H)
        return {"x": draw.given(draw.T, draw.B, draw.I), "context": draw.given(*context), **own}

    def more(draw: Draw, b: Blocks) -> tuple[Any, ...]:
        return b["x"], b["context"], None if starts else taken(b, "", count), draw.ends

    return of_sequences(Conditional(cell, how), lambda draw: (draw.I, draw.H, 2), given, more)


def _encoder_decoder(encoder: Cell, decoder: Cell, how: Any) -> Make:
    def given(draw: Draw) -> Blocks:
        own = draw.first(encoder, draw.H, "encoder.")
        own |= {} if how != "bias" else draw.first(decoder, draw.H, "decoder.")
        x, before = (draw.T, draw.B, draw.I), (draw.T + 1, draw.B, 1)
        return {"x": draw.given(*x), "y_before": draw.given(*before), **own}

    def more(draw: Draw, b: Blocks) -> tuple[Any, ...]:
        second = None if how != "bias" else taken(b, "decoder.", len(decoder.states))
        return b["x"], b["y_before"], taken(b, "encoder.", len(encoder.states)), second, draw.ends, draw.ends

    net = EncoderDecoder(encoder, decoder, how, reverse=True)
    return of_sequences(net, lambda draw: (draw.I, draw.H, 1, draw.H), given, more)


def _tree(composition: Any) -> Make:
    return of_sequences(
        Tree(composition),
        lambda draw: (draw.I, draw.H),
        lambda draw: {"x": draw.given(draw.T + 1, draw.B, draw.I)},
        lambda draw, b: (b["x"], balanced_tree(draw.T + 1)),
    )


def _grid(sweep: Any) -> Make:
    cells = (LSTM(), GRU(), GRU("after"), LSTM(peepholes="current"))
    net = Grid(cells, sweep)

    def make(draw: Draw) -> Subject:
        blocks = draw.blocks(net.shapes(draw.I, [1, 2, 1, 1]), x=(2, draw.T, draw.B, draw.I))
        for direction, cell, units in zip(net.directions, cells, (1, 2, 1, 1), strict=True):
            blocks |= draw.first(cell, units, f"{direction}.")

        def run(b: Blocks) -> Any:
            passes = zip(net.directions, cells, strict=True)
            return net.forward(b, b["x"], [taken(b, f"{d}.", len(cell.states)) for d, cell in passes])

        return Subject(lambda b: [run(b)[0]], lambda b, dys: net.backward(run(b)[1], dys[0]), blocks)

    return make


def _generative(cell: Cell, ending: Any, how: Any = "bias") -> Make:
    count = len(cell.states)

    def make(draw: Draw) -> Subject:
        net = Generative(cell, 2, ending, how, longest=draw.T)
        C = 1 if how != "bias" else 0
        y = draw.rng.integers(2, size=(draw.T, draw.B))
        own = {} if how != "bias" else draw.first(cell, draw.H)
        blocks = {**draw.blocks(net.shapes(draw.H, C), context=(draw.B, C)), **own}
        ends = [min(max(n, 1), draw.T) for n in draw.ends]

        def run(b: Blocks) -> Any:
            return net.forward(b, y, taken(b, "", count) if own else None, b["context"], ends)

        return Subject(lambda b: [run(b)[0]], lambda b, dys: net.backward(run(b)[1], dys[0]), blocks)

    return make


def _memory_network(hops: int) -> Make:
    net = MemoryNetwork(hops)

    def make(draw: Draw) -> Subject:
        shapes = net.shapes(draw.I, 2, draw.H, 2)
        blocks = draw.blocks(shapes, x=(draw.T + 1, draw.B, draw.I), q=(draw.B, 2))

        def run(b: Blocks) -> Any:
            return net.answer(parameters(shapes, b), b["x"], b["q"], [n + 1 for n in draw.ends])

        def backward(b: Blocks, dys: list[Any]) -> Blocks:
            g = net.answer_vjp(parameters(shapes, b), run(b)[1], dys[0])
            return {**g.params, "x": g.x, "q": g.q}

        return Subject(lambda b: [run(b)[0]], backward, blocks)

    return make


def _classifier(cell: Cell, at: Any) -> Make:
    """The loss is the one output, of shape (1,)."""
    net, count = Classifier(cell, at), len(cell.states)

    def make(draw: Draw) -> Subject:
        shapes = net.shapes(draw.I, draw.H, 3)
        blocks = {**draw.blocks(shapes, x=(draw.T, draw.B, draw.I)), **draw.first(cell, draw.H)}
        targets = draw.rng.integers(3, size=(draw.T, draw.B) if at == "every" else draw.B)
        ends = draw.ends if at == "every" else [min(max(n, 1), draw.T) for n in draw.ends]

        def run(b: Blocks) -> Any:
            return net.loss(parameters(shapes, b), b["x"], taken(b, "", count), targets, ends)

        def backward(b: Blocks, dys: list[Any]) -> Blocks:
            g = net.loss_vjp(parameters(shapes, b), run(b)[1])
            return {k: d * dys[0] for k, d in {**g.params, "x": g.x, **named("", g.state)}.items()}

        return Subject(lambda b: [run(b)[0]], backward, blocks)

    return make


def _deep(draw: Draw) -> Subject:
    net = Deep(DeepTransition(GRU(), MLP((3, draw.H))), MLP((3,)), MLP((2,), "sigmoid"))
    return of_states(net, GRU(), ragged=True)(draw)


def _deep_transition(draw: Draw) -> Subject:
    return of_cell(DeepTransition(LSTM(), MLP((draw.H,), skip=True)))(draw)


NETWORKS: dict[str, Make] = {
    "unroll, ragged": of_cell(LSTM(), ragged=True),
    "stacked": _stacked("none"),
    "stacked, residual": _stacked("residual"),
    "bidirectional": _bidirectional(GRU("after"), LSTM()),
    **{f"conditional, {how}": _conditional(LSTM(), how) for how in ("bias", "initial", "both", "sequence")},
    **{f"encoder-decoder, {how}": _encoder_decoder(LSTM(), GRU(), how) for how in ("initial", "bias", "both")},
    "deep-transition": _deep_transition,
    "deep": _deep,
    "grouped": of_states(Grouped(GRU("after"), 2), GRU(), None, lambda draw: 2 * draw.H, ragged=True),
    "grouped, hierarchy": of_states(Grouped(LSTM(), 2, ((0, 1), (1,))), LSTM(), None, lambda draw: 2 * draw.H),
    "tree, affine": _tree(Affine()),
    "tree, bilinear": _tree(Bilinear()),
    "tree, recurrent": _tree(Recurrent(LSTM())),
    **{f"grid, {sweep}": _grid(sweep) for sweep in ("lines", "corners")},
    **{f"generative, {e}": _generative(GRU(), e) for e in ("fixed", "symbol", "bernoulli", "length")},
    "generative, told": _generative(LSTM(), "symbol", "both"),
    "bptt": of_states(BPTT(LSTM()), LSTM(), ragged=True),
    **{f"memory-network, {hops} hops": _memory_network(hops) for hops in (1, 2)},
    **{f"ntm, reads {when}": of_cell(NTM(rows=2, width=2, reads=when)) for when in ("after", "before")},  # type: ignore[arg-type]
    **{f"classifier, {at}": _classifier(GRU(), at) for at in ("every", "last")},
}


SPECIAL: list[Cell] = [
    *(Forced(), Forced(hidden=3), *(IteratedMap(rule) for rule in ("identity", "logistic", "quadratic"))),  # type: ignore[arg-type]
]
ALL_VARIANTS: list[Cell] = [*(c for name in CELLS for c in variants(name) if c.differentiable), *SPECIAL]
VARIANTS: dict[str, Cell] = {f"{c.name} {c.variant}".strip(): c for c in ALL_VARIANTS}
