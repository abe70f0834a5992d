"""One right network for each convention of the frameworks, written out in torch one step at a time.

Every class says in its first line whose convention it is. Arrays lie as that framework has them.
"""

import torch
from torch import nn

sg, tanh, relu = torch.sigmoid, torch.tanh, torch.relu


def hard(a):
    """Of Keras before 3 and TensorFlow 1."""
    return torch.clip(0.2 * a + 0.5, 0, 1)


def hard6(a):
    """Of jax and Keras 3."""
    return nn.functional.relu6(a + 3) / 6


def softsign(a):
    return a / (1 + a.abs())


class Network(nn.Module):
    """Arrays by name and shape; ``step(p, x, *state)`` answers (y, *state)."""

    states, batch_first = 1, False

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        for name, shape in self.shapes(input_size, hidden_size).items():
            setattr(self, name, nn.Parameter(0.3 * torch.randn(*shape)))

    def steps(self, x):
        return x.unbind(1 if self.batch_first else 0)

    def forward(self, x, state=None):
        rows = x.shape[0 if self.batch_first else 1]
        zero = x.new_zeros(rows, self.hidden_size)
        state = (zero,) * self.states if state is None else state if isinstance(state, tuple) else (state,)
        ys = []
        for x_t in self.steps(x):
            y, *state = self.step(x_t, *state)
            ys.append(y)
        ys = self.answered(ys)
        y = torch.stack(ys, 1 if self.batch_first else 0) if ys else x.new_zeros(*x.shape[:2], self.hidden_size)
        return y, tuple(state) if self.states > 1 else state[0]

    def answered(self, ys):
        return ys


class LSTM(Network):
    """torch: (4H, I) and (4H, H), order i f g o, two biases."""

    states = 2
    order = "ifgo"
    gate, candidate, output = staticmethod(sg), staticmethod(tanh), staticmethod(tanh)
    forget = 0.0

    def shapes(self, I, H):
        return {"ih": (4 * H, I), "hh": (4 * H, H), "bi": (4 * H,), "bh": (4 * H,)}

    def drive(self, x, h):
        return x @ self.ih.T + self.bi + h @ self.hh.T + self.bh

    def peep(self, gate, c):
        return 0.0

    def step(self, x, h, c):
        a = dict(zip(self.order, self.drive(x, h).chunk(4, 1), strict=True))
        i, f = self.gate(a["i"] + self.peep("i", c)), self.gate(a["f"] + self.forget + self.peep("f", c))
        c = f * c + i * self.candidate(a["g"])
        h = self.gate(a["o"] + self.peep("o", c)) * self.output(c)
        return h, h, c


class KerasLSTM(LSTM):
    """Keras: kernel (I, 4H), recurrent_kernel (H, 4H), bias (4H,), order i f c o, batch first."""

    batch_first = True

    def shapes(self, I, H):
        return {"kernel": (I, 4 * H), "recurrent_kernel": (H, 4 * H), "bias": (4 * H,)}

    def drive(self, x, h):
        return x @ self.kernel + h @ self.recurrent_kernel + self.bias


class KerasHardLSTM(KerasLSTM):
    """Keras before 2.3: recurrent_activation="hard_sigmoid"."""

    gate = staticmethod(hard)


class KerasReluLSTM(KerasLSTM):
    """Keras: activation="relu" is that of the candidate and of the output."""

    candidate = output = staticmethod(relu)


class SoftsignLSTM(KerasLSTM):
    """Keras: activation="softsign", recurrent_activation="hard_sigmoid" of Keras 3."""

    gate, candidate, output = staticmethod(hard6), staticmethod(softsign), staticmethod(softsign)


class LinearOutputLSTM(KerasLSTM):
    """ONNX: the third activation h is any; here none."""

    output = staticmethod(lambda c: c)


class GoBackwardsLSTM(KerasLSTM):
    """Keras: go_backwards, outputs in the order in which they are made."""

    def steps(self, x):
        return x.flip(1).unbind(1)


class TensorFlow1LSTM(LSTM):
    """TensorFlow 1: one kernel (I + H, 4H) on [x, h], order i j f o, forget bias 1 added, state (c, h)."""

    order, forget = "igfo", 1.0

    def shapes(self, I, H):
        return {"kernel": (I + H, 4 * H), "bias": (4 * H,)}

    def drive(self, x, h):
        return torch.cat([x, h], 1) @ self.kernel + self.bias

    def forward(self, x, state=None):
        y, (h, c) = super().forward(x, None if state is None else (state[1], state[0]))
        return y, (c, h)


class HiddenFirstLSTM(TensorFlow1LSTM):
    """Sonnet 1: one kernel on [h, x]."""

    def drive(self, x, h):
        return torch.cat([h, x], 1) @ self.kernel + self.bias


class HaikuLSTM(LSTM):
    """haiku and Sonnet: one matrix on [x, h], order i g f o, forget bias 1 added."""

    order, forget = "igfo", 1.0

    def shapes(self, I, H):
        return {"w": (I + H, 4 * H), "b": (4 * H,)}

    def drive(self, x, h):
        return torch.cat([x, h], 1) @ self.w + self.b


class OpenVINOLSTM(KerasLSTM):
    """OpenVINO: order f i c o, matrices (4H, I) and (4H, H), batch first."""

    order = "figo"

    def shapes(self, I, H):
        return {"W": (4 * H, I), "R": (4 * H, H), "B": (4 * H,)}

    def drive(self, x, h):
        return x @ self.W.T + h @ self.R.T + self.B


class CoreMLLSTM(OpenVINOLSTM):
    """Core ML: order i f o z."""

    order = "ifog"


class ONNXLSTM(LSTM):
    """ONNX: W (1, 4H, I), R (1, 4H, H), B (1, 8H), P (1, 3H); order i o f c, peepholes i o f."""

    order = "iofg"

    def shapes(self, I, H):
        return {"W": (1, 4 * H, I), "R": (1, 4 * H, H), "B": (1, 8 * H), "P": (1, 3 * H)}

    def drive(self, x, h):
        Wb, Rb = self.B[0].chunk(2)
        return x @ self.W[0].T + h @ self.R[0].T + Wb + Rb

    def peep(self, gate, c):
        return self.P[0].chunk(3)["iof".index(gate)] * c


class ONNXReverseLSTM(ONNXLSTM):
    """ONNX: direction="reverse", outputs in the order of the input."""

    def steps(self, x):
        return x.flip(0).unbind(0)

    def answered(self, ys):
        return ys[::-1]


class FlaxLSTM(LSTM):
    """flax: a Dense for each gate and source, biases at the hidden ones, state (c, h)."""

    def shapes(self, I, H):
        return {f"{s}{g}": shape for g in "ifgo" for s, shape in (("i", (I, H)), ("h", (H, H)), ("bias_", (H,)))}

    def drive(self, x, h):
        p = dict(self.named_parameters())
        return torch.cat([x @ p[f"i{g}"] + h @ p[f"h{g}"] + p[f"bias_{g}"] for g in "ifgo"], 1)

    def forward(self, x, state=None):
        y, (h, c) = super().forward(x, None if state is None else (state[1], state[0]))
        return y, (c, h)


class CoupledLSTM(Network):
    """Greff et al., and ONNX's input_forget: f = 1 - i."""

    states = 2

    def shapes(self, I, H):
        return {"W": (3 * H, I), "R": (3 * H, H), "B": (3 * H,)}

    def step(self, x, h, c):
        i, o, g = (x @ self.W.T + h @ self.R.T + self.B).chunk(3, 1)
        c = (1 - sg(i)) * c + sg(i) * tanh(g)
        h = sg(o) * tanh(c)
        return h, h, c


class GRU(Network):
    """torch and cuDNN: order r z n, two biases, reset after the product, (1 - z)*n + z*h."""

    order, before, keeps = "rzn", False, True
    gate, candidate = staticmethod(sg), staticmethod(tanh)

    def shapes(self, I, H):
        return {"ih": (3 * H, I), "hh": (3 * H, H), "bi": (3 * H,), "bh": (3 * H,)}

    def parts(self):
        """Matrices (I, 3H) and (H, 3H), and both biases."""
        return self.ih.T, self.hh.T, self.bi, self.bh

    def step(self, x, h):
        U, W, b, b_h = (dict(zip(self.order, a.chunk(3, -1), strict=True)) for a in self.parts())
        r, z = (self.gate(x @ U[k] + b[k] + h @ W[k] + b_h[k]) for k in "rz")
        after = r * (h @ W["n"] + b_h["n"])
        n = self.candidate(x @ U["n"] + b["n"] + ((r * h) @ W["n"] + b_h["n"] if self.before else after))
        h = z * h + (1 - z) * n if self.keeps else (1 - z) * h + z * n
        return h, h


class KerasGRU(GRU):
    """Keras 3: order z r h, reset_after, bias (2, 3H), batch first."""

    order, batch_first = "zrn", True

    def shapes(self, I, H):
        return {"kernel": (I, 3 * H), "recurrent_kernel": (H, 3 * H), "bias": (2, 3 * H)}

    def parts(self):
        return self.kernel, self.recurrent_kernel, *self.bias


class KerasBeforeGRU(KerasGRU):
    """Keras 2: reset_after=False, bias (3H,), hard_sigmoid."""

    before, gate = True, staticmethod(hard)

    def shapes(self, I, H):
        return {**super().shapes(I, H), "bias": (3 * H,)}

    def parts(self):
        return self.kernel, self.recurrent_kernel, self.bias, torch.zeros_like(self.bias)


class ReluGRU(KerasGRU):
    """Keras: activation="relu"."""

    candidate = staticmethod(relu)


class ONNXGRU(GRU):
    """ONNX: W (1, 3H, I), R (1, 3H, H), B (1, 6H), order z r h, linear_before_reset=0."""

    order, before = "zrn", True

    def shapes(self, I, H):
        return {"W": (1, 3 * H, I), "R": (1, 3 * H, H), "B": (1, 6 * H)}

    def parts(self):
        return self.W[0].T, self.R[0].T, *self.B[0].chunk(2)


class ONNXLinearGRU(ONNXGRU):
    """ONNX: linear_before_reset=1, hard sigmoids as ONNX has them by default."""

    before, gate = False, staticmethod(hard)


class HaikuGRU(GRU):
    """haiku: w_i (I, 3H), w_h (H, 3H), b (3H,), order z r a, reset before, (1 - z)*h + z*a."""

    order, before, keeps = "zrn", True, False

    def shapes(self, I, H):
        return {"w_i": (I, 3 * H), "w_h": (H, 3 * H), "b": (3 * H,)}

    def parts(self):
        return self.w_i, self.w_h, self.b, torch.zeros_like(self.b)


class FlaxGRU(GRU):
    """flax: a Dense for each gate and source; one bias for each gate, and that of the hidden candidate."""

    def shapes(self, I, H):
        arrays = {f"{s}{g}": shape for g in "rzn" for s, shape in (("i", (I, H)), ("h", (H, H)), ("bias_i", (H,)))}
        return {**arrays, "bias_hn": (H,)}

    def parts(self):
        p = dict(self.named_parameters())
        none = torch.zeros_like(self.bias_hn)
        joined = [torch.cat([p[f"{s}{g}"] for g in "rzn"], -1) for s in ("i", "h", "bias_i")]
        return *joined, torch.cat([none, none, self.bias_hn])


class EquinoxGRU(GRU):
    """equinox: weight_ih (3H, I), weight_hh (3H, H), bias (3H,), and bias_n (H,) inside the reset."""

    def shapes(self, I, H):
        return {"weight_ih": (3 * H, I), "weight_hh": (3 * H, H), "bias": (3 * H,), "bias_n": (H,)}

    def parts(self):
        none = torch.zeros_like(self.bias_n)
        return self.weight_ih.T, self.weight_hh.T, self.bias, torch.cat([none, none, self.bias_n])


class OneDNNGRU(GRU):
    """oneDNN: order u r o, no bias inside, reset before the product."""

    order, before = "zrn", True

    def shapes(self, I, H):
        return {"layer": (I, 3, H), "iter": (H, 3, H), "bias": (3, H)}

    def parts(self):
        return self.layer.flatten(1), self.iter.flatten(1), self.bias.flatten(), torch.zeros_like(self.bias.flatten())


class HaikuRNN(Network):
    """haiku: VanillaRNN is relu; two linear maps, one bias each."""

    phi = staticmethod(relu)

    def shapes(self, I, H):
        return {"i_w": (I, H), "i_b": (H,), "h_w": (H, H), "h_b": (H,)}

    def step(self, x, h):
        h = self.phi(x @ self.i_w + self.i_b + h @ self.h_w + self.h_b)
        return h, h


class SoftsignRNN(HaikuRNN):
    """Keras, ONNX: any activation; softsign."""

    phi = staticmethod(softsign)


class ONNXRNN(HaikuRNN):
    """ONNX: W (1, H, I), R (1, H, H), B (1, 2H)."""

    phi = staticmethod(tanh)

    def shapes(self, I, H):
        return {"W": (1, H, I), "R": (1, H, H), "B": (1, 2 * H)}

    def step(self, x, h):
        h = self.phi(x @ self.W[0].T + h @ self.R[0].T + sum(self.B[0].chunk(2)))
        return h, h
