"""How keras' recurrent layers and cells are built and called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from ltdcheck.adapters.adapted import Adapted, Kit
from ltdcheck.adapters.expected import check_names
from ltdcheck.adapters.keras_layers import is_cell, is_layer, own
from ltdcheck.adapters.keras_stateful import begin, remembers
from ltdcheck.adapters.views import swap
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem


def prepared(layer: Any, input_size: int) -> Any:
    """The layer with its weights, returning sequences and states whether it was made to or not."""
    for part in (layer, *(getattr(layer, f"{way}_layer", None) for way in ("forward", "backward"))):
        if is_layer(part):
            part.return_sequences = part.return_state = True
    if not layer.built:
        _build(layer, input_size)
    return layer


def _build(layer: Any, input_size: int) -> None:
    """Make the weights: keras' own layers can do so by a shape, a person's may do so when they are first called."""
    if own(type(layer)):
        rows = 1 if remembers(layer) else None
        layer.build((rows, None, input_size) if is_layer(layer) else (None, input_size))
        return
    raised_by(layer, input_size)


def raised_by(layer: Any, input_size: int) -> Exception | None:
    """What it raises, given a sequence; None where it answers one, or one step."""
    raised: list[Exception] = []
    for shape in ((1, 1, input_size), (1, input_size)):
        try:
            call_of(layer)(keras.ops.zeros(shape))
        except Exception as error:  # noqa: BLE001  (told where the layer cannot be used; else it needs a state, say)
            raised.append(error)
        else:
            return None
    return raised[0]


def call_of(layer: Any, called: Callable[..., Any] | None = None, *, anew: bool = True) -> Callable[..., Any]:
    """``(x, state=None) -> (y, state)`` of a layer, or of a cell, whose first state is what it says itself.

    A layer takes a ``mask`` as well, (B, T), false after each row's end. One that keeps its state is made to forget it
    before a call that gives none, unless that call is not to begin ``anew``. ``called`` is what to call for it.
    """

    def asked(x: Any, state: Any, mask: Any) -> Any:
        if remembers(layer):
            begin(layer, x.shape, anew=anew and state is None)
        return (called or layer)(x, initial_state=state, mask=mask)

    def of_layer(x: Any, state: Any = None, mask: Any = None) -> Any:
        y, *final = asked(x, state, mask)
        return y, final

    def of_two(x: Any, state: Any = None, mask: Any = None) -> Any:
        ahead, back, *final = asked(x, state, mask)
        return keras.ops.concatenate([ahead, back], axis=-1), final

    def of_cell(x: Any, state: Any = None) -> Any:
        state = layer.get_initial_state(batch_size=x.shape[0]) if state is None else state
        if len(keras.tree.flatten(state)) != len(keras.tree.flatten(layer.state_size)):
            raise TypeError(f"its state_size is {layer.state_size}, and it is given {len(state)} states")
        return layer(x, state)

    if is_cell(layer):
        return of_cell
    if not is_layer(layer):
        return layer  # type: ignore[no-any-return]
    return of_two if getattr(layer, "merge_mode", "") is None else of_layer


def run_on(
    network: Adapted,
    call: Callable[..., Callable[..., Any]],
    variables: Mapping[str, Any],
    problems: Sequence[Problem],
    numbers: Callable[[Any], Array],
) -> list[Outputs]:
    """The forward passes of the problems, each but the first from the state that the layer keeps of the one before.

    ``call`` is :func:`call_of` the layer, the ``variables`` are its own, and ``numbers`` reads arrays of the backend.
    """
    first, precision = network.form.batch_first, problems[0].precision
    check_names(set(variables), problems[0])
    for name, variable in variables.items():
        variable.assign(_tensor(problems[0].params[name], precision))
    found = []
    for k, problem in enumerate(problems):
        x = _tensor(swap(problem.x, batch_first=first), precision)
        state = [_tensor(array, precision) for array in problem.state or ()]
        y, *final = _flat(network.forward(call(anew=k == 0), x, state, problem, _kit(precision)), numbers)
        found.append(Outputs(swap(y, batch_first=first).copy(order="C"), tuple(final)))
    return found


def _kit(precision: str) -> Kit:
    return Kit(lambda shape: keras.ops.zeros(shape, precision), keras.ops.stack)


def _tensor(array: Array, precision: str) -> Any:
    return keras.ops.convert_to_tensor(array, dtype=precision)


def _flat(answer: tuple[Any, Sequence[Any]], numbers: Callable[[Any], Array]) -> list[Array]:
    """Copies of y and the arrays of the state."""
    return [numbers(array).copy(order="C") for array in (answer[0], *answer[1])]
