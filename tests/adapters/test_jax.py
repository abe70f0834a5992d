"""Functions of jax: an object with init and apply is right where it is, and what it does wrong is told as it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from adapters.cases import B, H, I, T, identical, problem_for
from adapters.conforming import words_if_right
from jax import lax

from ltdcheck.adapters import jax_versions
from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.jax_fold import LEAST, Given, allotted
from ltdcheck.adapters.state import Leading
from ltdcheck.errors import TargetAnswer, TargetRaised, TargetUnusableError
from ltdcheck.problem import PRECISIONS


class Tanh:
    """A right layer, to be spoilt."""

    def init(self, key: Any, input_size: int, hidden_size: int) -> Any:
        shapes = (input_size, hidden_size), (hidden_size, hidden_size)
        return {"into": {"U": jnp.zeros(shapes[0])}, "W": jax.random.normal(key, shapes[1]), "steps": jnp.arange(3)}

    def step(self, params: Any, h: Any, x_t: Any) -> Any:
        return jnp.tanh(x_t @ params["into"]["U"] + h @ params["W"])

    def apply(self, params: Any, x: Any, state: Any = None) -> Any:
        def both(h: Any, x_t: Any) -> Any:
            h = self.step(params, h, x_t)
            return h, h

        first = jnp.zeros((x.shape[1], len(params["W"])), x.dtype) if state is None else state
        h, y = lax.scan(both, first, x)
        return y, h


class TanhCell(Tanh):
    """One step of it."""

    def apply(self, params: Any, x: Any, state: Any = None) -> Any:
        return self.step(params, jnp.zeros((len(x), len(params["W"])), x.dtype) if state is None else state, x)


class Counts(TanhCell):
    """It keeps something of every call."""

    def __init__(self) -> None:
        self.calls = 0

    def step(self, params: Any, h: Any, x_t: Any) -> Any:
        self.calls += 1
        return super().step(params, h, x_t) * self.calls


@pytest.mark.parametrize("make", [Tanh, Tanh(), TanhCell], ids=["class", "object", "cell"])
def test_an_object_with_init_and_apply_is_a_network(make: Any) -> None:
    """It is identified, and its outputs and gradients are the reference's, in both precisions."""
    assert words_if_right(make) == "elman(biases=0)"


def test_parameters_are_the_real_arrays_of_the_tree_by_their_paths() -> None:
    """Whole numbers are none; sizes are free, and precisions are those of jax with 64 bits and without."""
    it = adapt(Tanh(), "it")
    assert it.parameters(I, H) == {"W": (H, H), "into.U": (I, H)}
    assert it.fixed_sizes is None
    assert tuple(it.precisions) == PRECISIONS
    for precision in PRECISIONS:
        assert it.run(problem_for(it, precision=precision)).y.dtype == precision
    assert not jax.config.jax_enable_x64


def test_a_cell_of_every_length_is_one_program() -> None:
    """Shorter ones end where they end: the first steps are those of the longer one, and none leave the state."""
    it = adapt(TanhCell, "it")
    long = problem_for(it)
    whole = it.run(long)
    cut = it.run(long.with_(x=long.x[:2], dy=long.dy[:2]))
    none = it.run(long.with_(x=long.x[:0], dy=long.dy[:0]))
    assert (cut.y.shape, none.y.shape, none.dx.shape) == ((2, B, H), (0, B, H), (0, B, I))  # type: ignore[union-attr]
    assert np.array_equal(cut.y, whole.y[:2])
    assert np.array_equal(none.state[0], long.given_state[0])
    assert none.dstate is not None
    assert np.array_equal(none.dstate[0], long.dstate[0])
    far = problem_for(it, T=40)
    assert np.array_equal(it.run(far).state[0], it.run(far.with_(x=far.x[32:], dy=far.dy[32:], state=(it.run(
        far.with_(x=far.x[:32], dy=far.dy[:32])).state[0],))).state[0])  # fmt: skip


def test_what_gets_no_gradient_is_named() -> None:
    """A parameter that nothing depends on, an output that is cut off, and an answer in another precision are facts."""

    class Idle(TanhCell):
        def init(self, key: Any, i: int, h: int) -> Any:
            return {**super().init(key, i, h), "idle": jnp.zeros(h)}

    class Cut(Tanh):
        def apply(self, params: Any, x: Any, state: Any = None) -> Any:
            y, h = super().apply(params, x, state)
            return lax.stop_gradient(y), h

    class Single(Tanh):
        def apply(self, params: Any, x: Any, state: Any = None) -> Any:
            y, h = super().apply(params, x, state)
            return y.astype("float32"), h

    def facts(make: Any) -> Any:
        it = adapt(make, "it")
        return it.run(problem_for(it)).facts

    assert facts(TanhCell) == {}
    assert facts(Idle) == {"missing": ["idle"]}
    assert facts(Cut) == {"detached": ["y"]}
    assert facts(Single) == {"dtype": ["y: float32"]}


def test_lines_that_keep_something_run_at_every_call() -> None:
    """Under jit they would run once; two traces differ, so every call has a trace of its own, and shows the change."""
    it, right = adapt(Counts, "it"), adapt(TanhCell, "it")
    problem = problem_for(it)
    assert not identical(it.run(problem), it.run(problem))
    assert identical(right.run(problem), right.run(problem))
    assert identical(right.run(problem), right.run(problem, fresh=True))


def test_gradients_are_those_of_the_lines_that_ran_forwards() -> None:
    """The lines of a step run once for both loops: what changes at every run scales y and its gradient alike."""
    it, right = adapt(Counts, "it"), adapt(TanhCell, "it")
    problem = problem_for(right, T=1)
    due = right.run(problem)
    for _ in range(2):
        got = it.run(problem)
        times = np.rint(got.y / due.y)
        assert times.min() == times.max() > 1
        assert got.dx is not None
        assert due.dx is not None
        # either is off by a rounding of the scale, the sum with dstate, the slope, and each of H terms
        terms = (np.abs(problem.dy) + np.abs(problem.dstate[0])) @ np.abs(problem.params["into.U"]).T
        bound = (H + 3) * np.finfo(np.float64).eps * times.max() * terms
        assert np.all(np.abs(got.dx - due.dx * times.max()) <= bound)


def test_one_program_is_compiled_as_for_users() -> None:
    """The first one in single precision, at whatever size; it stays the one."""
    it = adapt(TanhCell, "it")
    it.run(problem_for(it))
    compiler = it.compiler  # type: ignore[attr-defined]
    assert compiler.as_for_users is None
    it.run(problem_for(it, precision="float32"))
    chosen = compiler.as_for_users
    assert chosen[0] == (I, H, "float32")
    it.run(problem_for(it, sizes=(2, 3), precision="float32"))
    assert (compiler.as_for_users, compiler.programs) == (chosen, 3)


def test_a_branch_on_a_number_raises() -> None:
    """jit does not know the number; what jax says is what the target raised."""

    class Branches(Tanh):
        def apply(self, params: Any, x: Any, state: Any = None) -> Any:
            return super().apply(params, x if x.sum() > 0 else -x, state)

    with pytest.raises(TargetRaised, match="TracerBoolConversionError"):
        adapt(Branches, "it")


def test_answers_that_are_no_network_are_refused() -> None:
    """Whole numbers as an output, a tree without real arrays, and other parameters than those asked about."""

    class Whole(Tanh):
        def apply(self, params: Any, x: Any, state: Any = None) -> Any:
            y, h = super().apply(params, x, state)
            return jnp.sign(y).astype(int), h

    it = adapt(Whole, "it")
    with pytest.raises(TargetAnswer, match="y must hold real numbers"):
        it.run(problem_for(it))
    empty = SimpleNamespace(
        init=lambda key, i, h: {},
        apply=lambda params, x, state=None: (x[..., :1] * jnp.ones(5), x[0, :, :1] * jnp.ones(5)),
    )
    with pytest.raises(TargetUnusableError, match="no parameters"):
        adapt(empty, "it")
    right = adapt(Tanh, "it")
    with pytest.raises(TargetAnswer, match="has the parameters"):
        right.run(problem_for(right).with_(params={}))


def test_jax_that_is_too_old_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version that is needed, and what installs it."""
    monkeypatch.setitem(jax_versions.OLDEST, "jax", (99, 1))
    with pytest.raises(
        TargetUnusableError, match=r"is too old: 99\.1 or newer is needed.*pip install -U 'ltdcheck\[jax\]'"
    ):
        adapt(Tanh, "it")


def test_a_state_of_nothing_is_a_leading_axis_of_none() -> None:
    """The state is h alone, and the steps are the first axis."""
    form = adapt(Tanh, "it").form  # type: ignore[attr-defined]
    assert (form.kind, form.state, form.batch_first) == ("layer", Leading(), False)
    assert T > 1


def test_a_program_of_many_steps_is_taken_for_few() -> None:
    """One of a thousand; a longer one costs more than it saves, and sequences that are longer have their own."""
    sequence = [np.ones((T, B, 1)) for T in (900, 5, 3000)]
    given = [Given({}, x, [], x, []) for x in sequence]
    known: set[int] = set()
    steps = [len(allotted(one, known).x) for one in (*given, given[1])]
    assert steps == [1024, 1024, 4096, 1024]
    assert [len(allotted(given[1], set()).x), len(allotted(given[1], {4096}).x)] == [LEAST, LEAST]
    padded = allotted(given[1], known).x
    assert padded[:5].all()
    assert not padded[5:].any()


def test_a_precision_in_which_it_raises_is_refused() -> None:
    """Beside one in which it can be called; the call is that which was found to fit."""

    class Double(Tanh):
        def apply(self, params: Any, x: Any, state: Any = None) -> Any:
            if x.dtype != jnp.float64:
                raise TypeError("only double precision")
            return super().apply(params, x, state)

    it = adapt(Double, "it")
    assert (it.precisions, list(it.refused)) == (("float64",), ["float32"])
    assert "only double precision" in it.refused["float32"]
