"""The recurrent layers, cells and clipping functions of the frameworks that are installed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from ltdcheck.errors import UnknownNameError
from ltdcheck.runner.subjects import Target


@dataclass(frozen=True)
class Framework:
    """A package and what of it is checked; ``needs`` are other packages without which it cannot run."""

    name: str
    targets: tuple[Target, ...]
    needs: tuple[str, ...] = ()

    @property
    def installed(self) -> bool:
        """All of its packages are found, without importing them."""
        return all(find_spec(package) is not None for package in (self.name.partition(" ")[0], *self.needs))


def _targets(*specs: str, cell: str | None = None) -> tuple[Target, ...]:
    return tuple(Target(spec, None, cell) for spec in specs)


def _keras(backend: str, *more: str) -> Framework:
    named = *(f"keras.layers:{layer}" for layer in ("SimpleRNN", "LSTM", "GRU")), *more
    specs = [f"KERAS_BACKEND={backend} {name}" for name in named]
    return Framework(f"keras on {backend}", _targets(*specs), (backend,))


_TORCH = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
_LINEN = ("SimpleCell", "LSTMCell", "OptimizedLSTMCell", "GRUCell", "MGUCell")
_KERAS_MORE = (
    *(f"keras.layers:{cell}" for cell in ("SimpleRNNCell", "LSTMCell", "GRUCell")),
    *(
        f"ltdcheck.adapters.keras_factories:{made}"
        for made in ("backwards_lstm", "bidirectional_gru", "reset_before_gru")
    ),
)
FRAMEWORKS = (
    Framework(
        "torch",
        _targets(
            *(f"torch.nn:{name}" for name in _TORCH),
            "torch.nn.utils:clip_grad_norm_",
            "torch.nn.utils:clip_grad_value_",
        ),
    ),
    Framework("flax", _targets(*(f"flax.linen:{name}" for name in _LINEN)), ("jax",)),
    Framework(
        "flax nnx",
        _targets(*(f"flax.nnx:{name}" for name in ("SimpleCell", "LSTMCell", "OptimizedLSTMCell", "GRUCell"))),
        ("jax",),
    ),
    Framework("equinox", _targets("equinox.nn:LSTMCell", "equinox.nn:GRUCell"), ("jax",)),
    Framework("haiku", _targets("haiku:VanillaRNN", "haiku:LSTM", "haiku:GRU"), ("jax",)),
    _keras("jax"),
    _keras("tensorflow"),
    _keras("torch", *_KERAS_MORE),  # their code is that of every backend, and this one is the fastest to check
    Framework(
        "onnxruntime", _targets(*(f"ltdcheck.adapters.onnx:{name}" for name in ("RNN", "LSTM", "GRU"))), ("onnx",)
    ),
    Framework("reservoirpy", _targets("reservoirpy.nodes:Reservoir")),
    Framework(
        "optax",
        (*_targets("optax:clip_by_global_norm", cell="clip-norm"), *_targets("optax:clip", cell="clip-value")),
        ("jax",),
    ),
    Framework(
        "tensorflow",
        (
            *_targets("tensorflow:clip_by_global_norm", cell="clip-norm"),
            *_targets("tensorflow:clip_by_value", cell="clip-value"),
        ),
    ),
)


def installed(names: Sequence[str] = ()) -> list[Framework]:
    """The frameworks that are here, or those of them that are named.

    Raises
    ------
    UnknownNameError
        When a name is no framework that is known and installed.
    """
    here = [framework for framework in FRAMEWORKS if framework.installed]
    for name in names:
        if name not in {known for f in here for known in (f.name, f.name.partition(" ")[0])}:
            raise UnknownNameError("installed framework", name, sorted(f.name for f in here))
    return [f for f in here if not names or f.name in names or f.name.partition(" ")[0] in names]
