"""What torch and optax do at the edges of clipping by the norm, with these packages and NumPy alone.

- A negative threshold multiplies the gradient by a negative number: the step is turned around (pytorch#31367).
- One Inf in the gradient makes the norm Inf, and Inf/Inf NaN: that entry is NaN, and every other is 0
  (pytorch#46849; torch's ``error_if_nonfinite=True`` raises instead).
- torch divides by the norm plus 1e-6, so that what is clipped ends below the threshold.
"""

from __future__ import annotations

import numpy as np
import optax
import torch

GRADIENT = (3.0, 4.0)


def by_torch(gradient: tuple[float, ...], threshold: float) -> np.ndarray:
    """What ``clip_grad_norm_`` leaves, in float64."""
    parameter = torch.nn.Parameter(torch.zeros(len(gradient), dtype=torch.float64))
    parameter.grad = torch.tensor(gradient, dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_([parameter], threshold)
    return parameter.grad.numpy()


def by_optax(gradient: tuple[float, ...], threshold: float) -> np.ndarray:
    """What ``clip_by_global_norm`` returns, in float32."""
    clip = optax.clip_by_global_norm(threshold)
    return np.asarray(clip.update(np.array(gradient, np.float32), clip.init(None))[0])


if __name__ == "__main__":
    for clipped in (by_torch, by_optax):
        print(clipped.__name__, clipped(GRADIENT, -1.0), clipped((*GRADIENT, np.inf), 1.0), clipped(GRADIENT, 1.0))
