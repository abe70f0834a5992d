"""Univariate encoder and iterated maps (S18): one number is the whole state, and there is no input.

    h' = phi(w*h)          rule="identity", "tanh" or "sigmoid": the univariate encoder
    h' = w*h*(1 - h)       rule="logistic"; w is the r of the papers
    h' = h*h + w           rule="quadratic"; w is their c

H maps run side by side, each with a w of its own. States and w may be complex (the Mandelbrot map is the quadratic
one): the maps are holomorphic, and the adjoint is then the complex derivative, without conjugation.

Shapes: h (B, H), w (H,); x is (T, B, 0), and only its length T is looked at.

Source: CSC321 lecture 16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ltdcheck.reference.cell import Cell, Saved, Share, State, Total
from ltdcheck.reference.ops import sigmoid, sigmoid_slope, tanh, tanh_slope, zeros_like

Name = Literal["identity", "tanh", "sigmoid", "logistic", "quadratic"]
Term = Callable[[Any, Any, Any], Any]  # of w, h and h'


@dataclass(frozen=True)
class Rule:
    """``h' = f(w, h)``, its two first derivatives and its three second ones."""

    value: Callable[[Any, Any], Any]
    by_h: Term
    by_w: Term
    by_hh: Term
    by_hw: Term
    by_ww: Term


def _encoder(phi: Any, slope: Any, bend: Any) -> Rule:
    """``phi(w*h)``, with the slope and the second derivative of phi from its value."""
    return Rule(
        lambda w, h: phi(w * h),
        lambda w, h, s: w * slope(s),
        lambda w, h, s: h * slope(s),
        lambda w, h, s: w * w * bend(s),
        lambda w, h, s: slope(s) + w * h * bend(s),
        lambda w, h, s: h * h * bend(s),
    )


RULES: dict[str, Rule] = {
    "identity": _encoder(lambda a: a, lambda s: 0 * s + 1, lambda s: 0 * s),
    "tanh": _encoder(tanh, tanh_slope, lambda s: -2 * s * tanh_slope(s)),
    "sigmoid": _encoder(sigmoid, sigmoid_slope, lambda s: (1 - 2 * s) * sigmoid_slope(s)),
    "logistic": Rule(
        lambda w, h: w * (h * (1 - h)),
        lambda w, h, _: w * (1 - 2 * h),
        lambda w, h, _: h * (1 - h),
        lambda w, h, _: -2 * w + 0 * h,
        lambda w, h, _: 1 - 2 * h,
        lambda w, h, _: 0 * h,
    ),
    "quadratic": Rule(
        lambda w, h: h * h + w,
        lambda w, h, _: 2 * h,
        lambda w, h, _: 0 * h + 1,
        lambda w, h, _: 0 * h + 2,
        lambda w, h, _: 0 * h,
        lambda w, h, _: 0 * h,
    ),
}


@dataclass(frozen=True)
class IteratedMap(Cell):
    """A map applied again and again; the state is h."""

    rule: Name = "identity"

    name: ClassVar[str] = "iterated_map"
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "CSC321"

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        return {"w": (H,)}

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        """Nothing drives a map: x itself, (T, B, 0)."""
        return x

    def drive_vjp(self, p: dict[str, Any], x: Any, dz: Any) -> tuple[Any, dict[str, Any]]:
        """Nothing comes back."""
        return zeros_like(x), {}

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is not looked at."""
        (h_prev,) = state  # (B, H)
        h = RULES[self.rule].value(p["w"], h_prev)
        return (h,), (h_prev, h, z)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, h, z = saved
        (dh,) = dstate
        rule, w = RULES[self.rule], p["w"]
        shares: dict[str, Share] = {"w": Total(dh * rule.by_w(w, h_prev, h))}  # h' = f(w, h)
        return zeros_like(z), (dh * rule.by_h(w, h_prev, h),), shares
