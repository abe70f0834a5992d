"""Modules of torch that are compiled, scripted, traced, frozen, functional or elsewhere are modules like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from adapters.cases import H, I, identical, problem_for
from adapters.conforming import words_if_right
from torch import nn

import ltdcheck
from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.torch_arrays import Given
from ltdcheck.adapters.torch_compiled import translating
from ltdcheck.errors import TargetUnusableError
from ltdcheck.problem import PRECISIONS

pytestmark = pytest.mark.filterwarnings("ignore")  # torch deprecates scripts, and warns as it traces and compiles


class Cell(nn.Module):
    """A right cell, which torch can compile and script."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.U = nn.Parameter(torch.randn(hidden_size, input_size))
        self.W = nn.Parameter(torch.randn(hidden_size, hidden_size))

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """One step."""
        return torch.tanh(x @ self.U.T + h @ self.W.T)


class Layer(nn.Module):
    """torch's layer in a module of one's own."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.layer = nn.GRU(input_size, hidden_size)

    def forward(self, x: torch.Tensor, state: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """All steps."""
        y, final = self.layer(x, state)
        return y, final


class Functional(nn.Module):
    """The form of ``torch.func``: parameters of its own, and a skeleton without numbers that is called with them."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        made = nn.LSTM(input_size, hidden_size)
        self.weights = nn.ParameterDict(dict(made.named_parameters()))
        self.skeleton = (nn.LSTM(input_size, hidden_size, device="meta"),)  # in a tuple: none of its parameters count

    def forward(self, x: Any, state: Any = None) -> Any:
        """What the skeleton computes with them."""
        return torch.func.functional_call(self.skeleton[0], dict(self.weights), (x, state))


def traced(i: int, h: int) -> Any:
    """A layer without lines to read its arguments from; a state is among them."""
    return torch.jit.trace(Layer(i, h), (torch.zeros(3, 2, i), torch.zeros(1, 2, h)))


@pytest.mark.parametrize(
    ("make", "plain"),
    [
        (lambda i, h: torch.jit.script(Cell(i, h)), Cell),
        (lambda i, h: torch.jit.script(Layer(i, h)), Layer),
        (lambda i, h: torch.compile(Cell(i, h), backend="eager"), Cell),
        (lambda i, h: Layer(i, h).requires_grad_(requires_grad=False), Layer),
    ],
    ids=["script cell", "script layer", "compile", "frozen"],
)
def test_a_translated_module_answers_as_it_does_untranslated(make: Any, plain: type[nn.Module]) -> None:
    """Outputs and gradients of the same numbers, in both precisions, with the same names of parameters."""
    other = adapt(plain, "it")
    for it in (adapt(make, "it"), adapt(make(I, H), "it")):
        assert tuple(it.precisions) == PRECISIONS
        assert it.parameters(I, H) == other.parameters(I, H)
        for precision in PRECISIONS:
            problem = problem_for(it, precision=precision)
            out = it.run(problem)
            assert out.facts == {}
            assert identical(out, other.run(problem))


def test_a_traced_layer_is_called_as_its_schema_says() -> None:
    """Its own signature is unknown; with the state that its schema asks for it is the layer itself."""
    it, other = adapt(traced, "it"), adapt(Layer, "it")
    problem = problem_for(it)
    assert identical(it.run(problem), other.run(problem))


def test_the_functional_form_is_a_module_of_its_parameters() -> None:
    """``functional_call`` on a skeleton is the layer itself, with every gradient."""
    it, other = adapt(Functional, "it"), adapt(nn.LSTM, "it")
    problem = problem_for(other)
    params = {f"weights.{name}": value for name, value in problem.params.items()}
    out, due = it.run(problem.with_(params=params)), other.run(problem)
    assert np.array_equal(out.y, due.y)
    assert out.dparams is not None
    assert due.dparams is not None
    assert {n.removeprefix("weights."): g.tolist() for n, g in out.dparams.items()} == {
        n: g.tolist() for n, g in due.dparams.items()
    }


def test_what_is_compiled_is_what_runs_at_every_size() -> None:
    """torch stops compiling after eight programs of the same lines; while a module is asked, it does not."""
    programs: list[Any] = []

    def counting(graph: Any, _inputs: Any) -> Callable[..., Any]:
        programs.append(graph)
        return graph.forward  # type: ignore[no-any-return]

    module = torch.compile(Cell(I, H).double(), backend=counting, dynamic=False)
    torch.compiler.reset()
    with translating():
        for rows in range(1, 12):
            module(torch.zeros(rows, I).double(), torch.zeros(rows, H).double())
    assert len(programs) == 11


@pytest.mark.quality
def test_what_the_default_compiler_makes_is_right() -> None:
    """Inductor's programs, for the shapes that are asked, in both precisions, within the bounds of the reference."""
    assert words_if_right(lambda i, h: torch.compile(Cell(i, h))) == "elman(biases=0)"


@pytest.mark.parametrize("module", [nn.LSTM, nn.GRU, nn.RNN])
def test_torch_does_not_compile_its_own_layers(module: type[nn.Module]) -> None:
    """No program is made of them, so that what is checked of a compiled one is the layer itself."""
    programs: list[Any] = []

    def counting(graph: Any, _inputs: Any) -> Callable[..., Any]:
        programs.append(graph)
        return graph.forward  # type: ignore[no-any-return]

    torch.compile(module(I, H), backend=counting)(torch.zeros(3, 2, I))
    assert not programs


def test_a_module_that_torch_cannot_call_is_refused() -> None:
    """Layers of torch have forward passes in two versions, of which a script of one alone has neither."""
    with pytest.raises(TargetUnusableError, match="Script a module that holds it"):
        adapt(torch.jit.script(nn.GRU(I, H)), "it")


def test_a_quantised_module_is_refused() -> None:
    """Its weights are integers, and the message says so."""

    class Quantised(Layer):
        def __init__(self, i: int, h: int) -> None:
            super().__init__(i, h)
            self.layer = torch.ao.quantization.quantize_dynamic(nn.Sequential(self.layer), {nn.GRU})[0]

    with pytest.raises(TargetUnusableError, match="it is quantised"):
        adapt(Quantised, "it")


def test_arguments_go_where_the_parameters_are() -> None:
    """An array is handed over on the device that is asked for, and so is its leaf."""
    given = Given.of(np.ones((2, 3)), "float32", "strided", gradient=True, device="meta")
    assert (given.leaf.device.type, given.handed.device.type) == ("meta", "meta")
    assert given.handed.requires_grad


def test_dropout_in_training_has_a_right_gradient_for_a_fixed_mask() -> None:
    """With the generator at a fixed seed the mask of ``nn.LSTM`` is the same at every call, and a constant."""
    layer = nn.LSTM(3, 4, num_layers=2, dropout=0.5).double().train()

    def masked(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(0)
        return layer(x)[0].sum()  # type: ignore[no-any-return]

    x = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(4, 2, 3)
    assert not torch.equal(masked(x), layer.eval()(x)[0].sum())
    layer.train()
    assert ltdcheck.check_gradient(masked, x).ok
