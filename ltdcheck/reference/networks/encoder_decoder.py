"""Encoder-decoder, or sequence to sequence (S26): one network reads x, another one writes from what it passes on.

    v = last output of the encoder over x_1 .. x_n
    decoder: y_before_1 .. y_before_m conditioned on v, as its initial state, an extra input (bias), or both

The lengths n and m may differ, and so may the sizes of the two. ``reverse`` turns every source round, within its own
length, so that one step lies between its first word and the first output instead of n.

Shapes: x (n, B, I), v (B, H), y_before (m, B, J), the decoder's inputs, and its outputs (m, B, G). Parameters under
``encoder``, and under ``decoder`` as in :mod:`ltdcheck.reference.networks.conditional`. ``lengths`` (B,) of the
sources, ``target_lengths`` (B,).

Refuses: what conditional networks refuse; lengths outside 0 .. n, or of targets outside 0 .. m.

Source: GBC-draft 10.4, fig. 10.12; Cho et al. 2014 (both), Sutskever et al. 2014 (initial, reversed); CSC321.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.conditional import Conditional, ConditionalTape
from ltdcheck.reference.networks.network import (
    Blocks,
    Network,
    Shapes,
    inside,
    require_part,
    sequence,
    states_of,
    under,
)
from ltdcheck.reference.networks.rows import Lengths, reverse
from ltdcheck.reference.networks.unroll import Tape, unroll, unroll_vjp


@dataclass(frozen=True)
class EncoderDecoderTape:
    """What the forward pass leaves for its adjoint."""

    encoder: Blocks  # the parameters
    read: Tape
    final: State
    written: ConditionalTape
    lengths: Lengths | None


@dataclass(frozen=True)
class EncoderDecoder(Network):
    """Two cells, how the second one is told the context, and whether the source is reversed."""

    encoder: Cell
    decoder: Cell
    how: Literal["initial", "bias", "both"] = "initial"
    reverse: bool = False

    name: ClassVar[str] = "encoder-decoder"
    source: ClassVar[str] = "GBC-draft 10.4"

    @property
    def writer(self) -> Conditional:
        """The decoder as a network."""
        return Conditional(self.decoder, self.how)

    def shapes(self, I: int, H: int, J: int, G: int) -> Shapes:
        """Parameters by name: I inputs and H units of the encoder, J inputs and G units of the decoder."""
        context = self.encoder.output_width(H)
        return {**under("encoder", self.encoder.shapes(I, H)), **under("decoder", self.writer.shapes(J, G, context))}

    def forward(
        self,
        params: Blocks,
        x: Any,
        y_before: Any,
        state: State,
        decoder_state: State | None = None,
        lengths: Lengths | None = None,
        target_lengths: Lengths | None = None,
    ) -> tuple[tuple[Any, State], EncoderDecoderTape]:
        """The decoder's outputs (m, B, G) and final state; and the tape.

        Raises
        ------
        ValueError
            As the module says.
        """
        encoder = require_part("encoder", self.encoder, params, x, state)
        source = reverse(x, lengths) if self.reverse else x
        _, final, read = unroll(self.encoder, encoder, source, state, lengths=lengths)
        decoder = inside("decoder", params)
        outputs, written = self.writer.forward(decoder, y_before, final[0], decoder_state, target_lengths)
        return outputs, EncoderDecoderTape(encoder, read, final, written, lengths)

    def backward(self, tape: EncoderDecoderTape, dy: Any, dstate: State) -> Blocks:
        """The gradients of the parameters, of ``x``, ``y_before``, and of the initial states that were given."""
        grads = self.writer.backward(tape.written, dy, dstate)
        dcontext, dy_before = grads.pop("context"), grads.pop("x")
        dfinal = (dcontext, *[ops.zeros_like(s) for s in tape.final[1:]])  # v = last output
        n = tape.read.x.shape[0]
        g = unroll_vjp(self.encoder, tape.encoder, tape.read, _nothing(tape.final[0], n), dfinal)
        dx = reverse(g.x, tape.lengths) if self.reverse else g.x
        encoder = under("encoder", {**g.params, **states_of(g.state)})
        return {**encoder, **under("decoder", grads), "x": dx, "y_before": dy_before}


def _nothing(h: Any, n: int) -> Any:
    """Cotangents of n outputs that nothing depends on but the last one, as the final state."""
    zero = ops.zeros_like(h)
    return sequence([zero] * n, zero)
