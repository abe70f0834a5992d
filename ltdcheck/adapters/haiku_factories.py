"""Networks that haiku makes of cores, as factories (input_size, hidden_size)."""

from __future__ import annotations

from typing import Any

import haiku as hk


def unrolled_lstm(_input_size: int, hidden_size: int) -> Any:
    """A layer: ``hk.dynamic_unroll`` of an LSTM."""

    def network(x: Any, state: Any) -> Any:
        core = hk.LSTM(hidden_size)
        return hk.dynamic_unroll(core, x, core.initial_state(x.shape[1]) if state is None else state)

    return hk.transform(network)
