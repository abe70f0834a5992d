"""NumPy classes whose ``forward`` and ``backward`` are answered by something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ltdcheck.adapters.form import Form
from ltdcheck.adapters.stand_in import (
    CannotStandInError,
    Pull,
    Shapes,
    Standing,
    arguments,
    give_back,
    question,
    views_of,
    widened,
)
from ltdcheck.adapters.state import arrays_of, build
from ltdcheck.adapters.views import swap
from ltdcheck.problem import Array


class NumpyPasses:
    """The two passes of a class, for every instance of it; ``start`` makes what an instance's calls are handed to."""

    def __init__(self, original: Any, form: Form, shapes: Shapes, start: Callable[[], Standing]) -> None:
        self.original, self.form, self.shapes, self.start = original, form, shapes, start
        self._standing: WeakKeyDictionary[Any, Standing] = WeakKeyDictionary()
        self._last: WeakKeyDictionary[Any, tuple[Pull, tuple[int, int]]] = WeakKeyDictionary()

    def methods(self) -> dict[str, Callable[..., Any]]:
        """What is to be set on the class."""
        passes = self

        def forward(self: Any, *given: Any, **named: Any) -> Any:
            return passes.forward(self, *arguments(passes.original.forward, self, given, named))

        def backward(self: Any, dy: Array, dstate: Any = None) -> Any:
            return passes.backward(self, dy, dstate)

        found: dict[str, Callable[..., Any]] = {"forward": forward}
        return found | ({"backward": backward} if hasattr(self.original, "backward") else {})

    def forward(self, instance: Any, x: Array, state: Any) -> Any:
        """``(y, state)``, or what a cell answers."""
        form, cell = self.form, self.form.kind == "cell"
        steps = x[None] if cell else swap(x, batch_first=form.batch_first)
        if steps.ndim != 3:
            raise CannotStandInError(f"x has the shape {x.shape}")
        B = steps.shape[1]
        own = {name: np.asarray(value) for name, value in instance.params.items()}
        params = {name: widened(value) for name, value in own.items()}
        wide = widened(steps)
        H = question(form, self.shapes, params, wide, None, {}).sizes["H"]
        given = None if state is None else arrays_of(form.state, state, (B, H), "the state")
        views = views_of(x=np.asarray(x), state=given[0] if given else None)
        standing = self._standing.setdefault(instance, self.start())
        states = None if given is None else [widened(s) for s in given]
        out, pull = standing.forward(question(form, self.shapes, params, wide, states, views))
        lent = [*zip(own.values(), params.values(), strict=True), *zip(given or (), states or (), strict=True)]
        for array, copied in [(steps, wide), *lent]:
            give_back(array, copied)
        self._last[instance] = pull, (B, H)
        y, *ends = (np.asarray(a, x.dtype) for a in (out.y, *out.state))
        final = build(form.state, ends, np.stack)
        if cell:
            return (y[0], final) if form.emits else final
        return swap(y, batch_first=form.batch_first), final

    def backward(self, instance: Any, dy: Array, dstate: Any) -> Any:
        """``(dx, dstate0)``; the gradients of the parameters go to ``grads``."""
        form, cell = self.form, self.form.kind == "cell"
        if instance not in self._last:
            raise CannotStandInError("backward is called before forward")
        pull, shape = self._last[instance]
        ends = [np.zeros(shape, dy.dtype) for _ in range(self.states)]
        if dstate is not None:
            ends = arrays_of(form.state, dstate, shape, "dstate")
        steps = dy[None] if cell else swap(dy, batch_first=form.batch_first)
        wide = widened(steps)
        out = pull(wide, tuple(map(widened, ends)), views_of(dy=np.asarray(dy), dstate=ends[0]))
        give_back(steps, wide)
        missing = set(out.facts.get("missing", ()))
        found = (out.dparams or {}).items()
        instance.grads = {name: np.asarray(g, dy.dtype) for name, g in found if name not in missing}
        assert out.dx is not None
        dx, *initial = (np.asarray(a, dy.dtype) for a in (out.dx, *(out.dstate or ())))
        start = None if missing & {"state[0]", "state"} else build(form.state, initial, np.stack)
        return (dx[0] if cell else swap(dx, batch_first=form.batch_first)), start

    @property
    def states(self) -> int:
        """How many arrays a state has."""
        from ltdcheck.adapters.state import count

        return count(self.form.state)
