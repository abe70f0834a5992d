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


_FACTORIES = "ltdcheck.adapters"  # where what takes more than a class and its keywords is made
_ON_EACH = (  # what a backend may have an implementation of its own for, or may spoil
    *(f"keras.layers:{layer}" for layer in ("SimpleRNN", "LSTM", "GRU", "GRU(reset_after=False)")),
    f"{_FACTORIES}.keras_factories:bidirectional_gru",
    *(f"keras.optimizers:SGD({option}=1.0)" for option in ("clipnorm", "global_clipnorm", "clipvalue")),
)
_STATEFUL = "keras.layers:GRU(stateful=True)"  # on TensorFlow no call that keeps a state is a graph: a minute
_ON_ONE = (  # their code is that of every backend
    "keras.layers:LSTM(go_backwards=True)",
    "keras.layers:GRU(unroll=True)",
    f"{_FACTORIES}.keras_factories:stacked_lstm",
    *(f"keras.layers:{cell}" for cell in ("SimpleRNNCell", "LSTMCell", "GRUCell")),
)


def _keras(backend: str, *more: str) -> Framework:
    specs = [f"KERAS_BACKEND={backend} {name}" for name in (*_ON_EACH, *more)]
    return Framework(f"keras on {backend}", _targets(*specs), (backend,))


_TORCH = (
    *("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "RNN(nonlinearity='relu')"),
    "LSTM(num_layers=2, bidirectional=True)",
    "GRU(bidirectional=True, batch_first=True, bias=False)",
    "LSTM(proj_size=2)",
)
_LINEN = ("SimpleCell", "LSTMCell", "OptimizedLSTMCell", "GRUCell", "MGUCell")
_NNX = ("SimpleCell", "LSTMCell", "OptimizedLSTMCell", "GRUCell")
_ONNX = (
    *("RNN", "LSTM", "GRU", "RNN(activations=['Relu'], direction='reverse')"),
    "LSTM(direction='bidirectional', peepholes=True)",
    "LSTM(activations=['HardSigmoid', 'Softsign', 'Tanh'], biases=False)",
    "LSTM(input_forget=1, sequence_lens=True)",
    "GRU(linear_before_reset=1, sequence_lens=True)",
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
    Framework(
        "flax",
        _targets(
            *(f"flax.linen:{name}" for name in _LINEN),
            *(f"{_FACTORIES}.flax_factories:{name}" for name in ("linen_rnn", "linen_bidirectional")),
        ),
        ("jax",),
    ),
    Framework(
        "flax nnx",
        _targets(*(f"flax.nnx:{name}" for name in _NNX), f"{_FACTORIES}.flax_factories:nnx_rnn"),
        ("jax",),
    ),
    Framework("equinox", _targets("equinox.nn:LSTMCell", "equinox.nn:GRUCell"), ("jax",)),
    Framework(
        "haiku",
        _targets("haiku:VanillaRNN", "haiku:LSTM", "haiku:GRU", f"{_FACTORIES}.haiku_factories:unrolled_lstm"),
        ("jax",),
    ),
    _keras("jax", _STATEFUL),
    _keras("tensorflow"),
    _keras("torch", _STATEFUL, *_ON_ONE),  # the fastest to check
    Framework("onnxruntime", _targets(*(f"{_FACTORIES}.onnx:{name}" for name in _ONNX)), ("onnx",)),
    Framework("reservoirpy", _targets("reservoirpy.nodes:Reservoir", "reservoirpy.nodes:Reservoir(lr=0.25)")),
    Framework(
        "optax",
        (*_targets("optax:clip_by_global_norm", cell="clip-norm"), *_targets("optax:clip", cell="clip-value")),
        ("jax",),
    ),
    Framework(
        "tensorflow",
        (
            *_targets(*(f"{_FACTORIES}.tensorflow_factories:{name}" for name in ("block_lstm", "block_lstm_v2"))),
            *_targets("tensorflow:clip_by_global_norm", "tensorflow:clip_by_norm", cell="clip-norm"),
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
