"""The LSTM with peepholes, and the eight single changes to it that Greff et al. compare (S11).

    i = sg(b_i + U_i@x + W_i@h + p_i*c)         f alike
    g = tanh(b_g + U_g@x + W_g@h)
    c' = f*c + i*g
    o = sg(b_o + U_o@x + W_o@h + p_o*c')
    h' = o*tanh(c')

    change                             in the paper   what differs
    none                               V              nothing: peepholes on all three gates
    no input gate                      NIG            i = 1
    no forget gate                     NFG            f = 1
    no output gate                     NOG            o = 1
    no input activation                NIAF           g = b_g + U_g@x + W_g@h
    no output activation               NOAF           h' = o*c'
    coupled input and forget gate      CIFG           i = 1 - f
    coupled forget and input gate      CIFG           f = 1 - i, as the paper and ONNX write it
    no peepholes                       NP             p = 0
    full gate recurrence               FGR            R_i@[i_prev, f_prev, o_prev] joins the sum of i; f and o alike

Shapes, with n gates, g among them: x (B, I), h and c (B, H), U (n*H, I), W (n*H, H), b (n*H,), p ((n - 1)*H,), rows in
the order i f o g without those that the change removes. Full gate recurrence has R (3H, 3H), and the three gates in its
state. The two coupled ones are one function, of a gate's parameters and of these with their signs turned; peepholes may
be left away there, as ONNX has it by default.

Source: GBC-draft 10.7.4; Greff et al. 2015, section 3 and appendix A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ltdcheck.reference.cell import Block, Cell, Outer, Saved, Share, State, Total
from ltdcheck.reference.ops import (
    affine,
    concatenate,
    divided,
    linear_adjoint,
    sigmoid,
    sigmoid_slope,
    tanh,
    tanh_slope,
)

Change = Literal[
    "none",
    "no input gate",
    "no forget gate",
    "no output gate",
    "no input activation",
    "no output activation",
    "coupled input and forget gate",
    "coupled forget and input gate",
    "no peepholes",
    "full gate recurrence",
]

REMOVED = {
    "no input gate": "i",
    "coupled input and forget gate": "i",
    "coupled forget and input gate": "f",
    "no forget gate": "f",
    "no output gate": "o",
}  # the gate without parameters
COUPLED = {"coupled input and forget gate": "f", "coupled forget and input gate": "i"}  # the gate that both are


@dataclass(frozen=True)
class GreffLSTM(Cell):
    """A variant of the LSTM; the state is (h, c), and (h, c, i, f, o) with full gate recurrence."""

    change: Change = "none"

    name: ClassVar[str] = "greff"
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    gates: ClassVar[tuple[str, ...]] = ("i", "f", "o", "g")
    source: ClassVar[str] = "GBC-draft 10.7.4, Greff et al. 2015"

    def __post_init__(self) -> None:
        """Name the gates that have parameters, and those that the next step sees as state."""
        object.__setattr__(self, "gates", tuple(gate for gate in "ifog" if gate != REMOVED.get(self.change)))
        if self.change == "full gate recurrence":
            object.__setattr__(self, "states", ("h", "c", "i", "f", "o"))
        if self.change in COUPLED:
            object.__setattr__(self, "biases", ("b", "p"))

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        n = len(self.gates)
        shapes: dict[str, tuple[int, ...]] = {"U": (n * H, I), "W": (n * H, H), "b": (n * H,)}
        if self.change != "no peepholes":
            shapes["p"] = ((n - 1) * H,)
        return {**shapes, "R": (3 * H, 3 * H)} if self.change == "full gate recurrence" else shapes

    def blocks(self, H: int) -> list[Block]:
        """Rows of each gate; R is cut into the nine parts from one gate to another: ``R_f_i`` is from f to i."""
        found = [block for block in super().blocks(H) if block.array != "R"]
        if "R" in self.shapes(1, H):
            cut = {gate: (k * H, (k + 1) * H) for k, gate in enumerate("ifo")}
            found += [Block(f"R_{of}_{to}", "R", *cut[to], *cut[of]) for to in "ifo" for of in "ifo"]
        return found

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, n*H)."""
        h_prev, c_prev, *gates_prev = state  # each (B, H)
        H = h_prev.shape[-1]
        a = affine(h_prev, p["W"], z)
        gated = len(self.gates[:-1]) * H
        a, a_g = a[..., :gated], a[..., gated:]
        seen = concatenate(gates_prev) if gates_prev else None  # (B, 3H)
        if gates_prev:
            a = affine(seen, p["R"], a)
        i, f = (self._gate(gate, p, a, c_prev) for gate in "if")
        keep = f
        if self.change in COUPLED:
            f = f if i is None else i  # the one that has parameters, of which both are made
            keep, i = self.coupled(f) if i is None else self.coupled(f)[::-1]
        g = a_g if self.change == "no input activation" else tanh(a_g)
        c = _times(keep, c_prev) + _times(i, g)
        o = self._gate("o", p, a, c)
        k = c if self.change == "no output activation" else tanh(c)
        h = _times(o, k)
        return ((h, c, i, f, o) if gates_prev else (h, c)), (h_prev, c_prev, keep, i, f, o, g, c, k, seen)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, c_prev, keep, i, f, o, g, c, k, seen = saved
        dh, dc, *dgates = dstate
        later = dict(zip("ifo", dgates, strict=False))  # what the next step's gates sent back
        da: dict[str, Any] = {}
        if o is not None:
            da["o"] = _sum(dh * k, later.get("o")) * sigmoid_slope(o)  # h' = o*k
        dk = _times(o, dh)
        dc = dc + (dk if self.change == "no output activation" else dk * tanh_slope(k))  # k = tanh(c')
        dc = _sum(dc, self.peep("o", p, da.get("o")))  # a_o sees c'
        if own := COUPLED.get(self.change):
            toward = c_prev - g if own == "f" else g - c_prev
            da[own] = dc * toward * sigmoid_slope(f)  # c' = f*c + (1 - f)*g, or (1 - i)*c + i*g
        else:
            if i is not None:
                da["i"] = _sum(dc * g, later.get("i")) * sigmoid_slope(i)  # c' = f*c + i*g
            if f is not None:
                da["f"] = _sum(dc * c_prev, later.get("f")) * sigmoid_slope(f)
        dg = _times(i, dc)
        da["g"] = dg if self.change == "no input activation" else dg * tanh_slope(g)
        dc_prev = _times(keep, dc)
        for gate in "if":
            dc_prev = _sum(dc_prev, self.peep(gate, p, da.get(gate)))  # a_i and a_f see c
        dz = concatenate([da[gate] for gate in self.gates])
        shares: dict[str, Share] = {"W": Outer(dz, h_prev)}  # a = z + W@h
        if self.change != "no peepholes":
            shares["p"] = Total(concatenate([da[gate] * (c if gate == "o" else c_prev) for gate in self.gates[:-1]]))
        previous: list[Any] = []
        if seen is not None:
            H = h_prev.shape[-1]
            gated = dz[..., : 3 * H]
            shares["R"] = Outer(gated, seen)  # a = z + W@h + R@[i, f, o]
            dseen = linear_adjoint(gated, p["R"])
            previous = [dseen[..., j * H : (j + 1) * H] for j in range(3)]
        return dz, (linear_adjoint(dz, p["W"]), dc_prev, *previous), shares

    def _gate(self, gate: str, p: dict[str, Any], a: Any, c: Any) -> Any:
        """A gate from all pre-activations and the cell state that it sees; None where it is removed."""
        if gate not in self.gates:
            return None
        H, j = c.shape[-1], self.gates.index(gate)
        return sigmoid(_sum(a[..., j * H : (j + 1) * H], self.peep(gate, p, c)))

    def coupled(self, f: Any) -> tuple[Any, Any]:
        """What is kept, and the input gate that writes what the forget gate erases."""
        return divided(f)

    def peep(self, gate: str, p: dict[str, Any], value: Any) -> Any:
        """What passes through a gate's peephole, in either direction; None where there is none."""
        if value is None or self.change == "no peepholes":
            return None
        H, j = value.shape[-1], self.gates.index(gate)
        return p["p"][j * H : (j + 1) * H] * value


def _times(gate: Any, value: Any) -> Any:
    """A removed gate is 1."""
    return value if gate is None else gate * value


def _sum(value: Any, term: Any) -> Any:
    """A term that is not there is 0."""
    return value if term is None else value + term
