"""A right cell that the catalogue does not list, in NumPy, and what can be wrong with it."""

import numpy as np


class SineRNN:
    """h' = sin(W h + U x + b)."""

    def __init__(self, input_size, hidden_size):
        rng = np.random.default_rng(0)
        self.hidden = hidden_size
        self.params = {
            "U": rng.standard_normal((hidden_size, input_size)),
            "W": rng.standard_normal((hidden_size, hidden_size)),
            "b": np.zeros(hidden_size),
        }
        self.grads = {}

    def drive(self, x, h):
        p = self.params
        return x @ p["U"].T + h @ p["W"].T + p["b"]

    def forward(self, x, state=None):
        h = np.zeros((x.shape[1], self.hidden), x.dtype) if state is None else state
        self.x, self.hs, self.slopes = x, [h], []
        for x_t in x:
            a = self.drive(x_t, h)
            h = np.sin(a)
            self.hs.append(h)
            self.slopes.append(np.cos(a))
        y = np.stack(self.hs[1:]) if len(x) else np.zeros((0, *h.shape), x.dtype)
        return y, h

    def backward(self, dy, dstate=None):
        p = self.params
        dh = np.zeros_like(self.hs[0]) if dstate is None else dstate
        grads = {name: np.zeros_like(value) for name, value in p.items()}
        dx = np.zeros_like(self.x)
        for t in reversed(range(len(dy))):
            dh = self.arriving(dh, t) + dy[t]
            da = dh * self.slopes[t]
            grads["U"] += da.T @ self.x[t]
            grads["W"] += da.T @ self.hs[t]
            grads["b"] += da.sum(axis=0)
            dx[t] = da @ p["U"]
            dh = da @ p["W"]
        self.grads = self.summed(grads)
        return dx, dh

    def arriving(self, dh, t):
        return dh

    def summed(self, grads):
        return grads


class SineRNN_carry_dropped(SineRNN):
    """What comes back from the third step is not handed on."""

    def arriving(self, dh, t):
        return np.zeros_like(dh) if t == 2 and t + 1 < len(self.x) else dh


class SineRNN_gradient_scaled(SineRNN):
    """The recurrent weights' gradient is 1 % too large."""

    def summed(self, grads):
        return {**grads, "W": 1.01 * grads["W"]}


class SineRNN_future_leak(SineRNN):
    """Each step reads a little of the next input."""

    def forward(self, x, state=None):
        return super().forward(x + 0.01 * np.concatenate([x[1:], x[:1]]), state)

    def backward(self, dy, dstate=None):
        dx, dh = super().backward(dy, dstate)
        return dx + 0.01 * np.concatenate([dx[-1:], dx[:-1]]), dh


class SineRNN_state_kept(SineRNN):
    """Without a given state, a call goes on where the last one of its size ended."""

    last = None

    def forward(self, x, state=None):
        if state is None and self.last is not None and len(self.last) == x.shape[1]:
            state = self.last
        y, h = super().forward(x, state)
        self.last = h.copy()
        return y, h


class SineRNN_rows_coupled(SineRNN):
    """The mean of the rows is added to each; the backward pass knows it."""

    def forward(self, x, state=None):
        return super().forward(x + 0.01 * x.mean(axis=1, keepdims=True), state)

    def backward(self, dy, dstate=None):
        dx, dh = super().backward(dy, dstate)
        return dx + 0.01 * dx.mean(axis=1, keepdims=True), dh


class SineRNN_input_mutated(SineRNN):
    """The input is scaled in place."""

    def forward(self, x, state=None):
        answer = super().forward(x.copy(), state)
        x *= 2
        return answer


class SineRNN_restless(SineRNN):
    """Noise is added to the outputs, another one at every call."""

    def forward(self, x, state=None):
        y, h = super().forward(x, state)
        return y + np.random.default_rng().normal(0, 1e-3, y.shape).astype(x.dtype), h
