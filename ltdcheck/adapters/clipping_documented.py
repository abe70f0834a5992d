"""What frameworks are known, or say themselves, to do at the edges of clipping, by what a finding calls it."""

from __future__ import annotations

_NAN_AT_ZERO = "a threshold of 0 and a gradient of 0 give 0/0, which is NaN"
_NAN_AT_INF = "an infinite threshold gives NaN, from Inf/Inf"
_TURNED = "a negative threshold turns the step around, as {} is known to do"
DOCUMENTED = {
    "torch": {
        "zero-beside-nonfinite": "one Inf gives NaN there and 0 elsewhere, as torch is known to do (pytorch#46849); "
        "error_if_nonfinite=True raises instead",
        "sign-flip-at-negative-threshold": f"{_TURNED.format('torch')} (pytorch#31367)",
    },
    "optax": {
        "zero-beside-nonfinite": "one Inf gives NaN there and 0 elsewhere, as optax is known to do",
        "sign-flip-at-negative-threshold": _TURNED.format("optax"),
        "nan-at-zero": _NAN_AT_ZERO,
    },
    "tensorflow": {
        "zero-beside-nonfinite": "one Inf gives NaN there and 0 elsewhere, in the array that holds it",
        "sign-flip-at-negative-threshold": "the lower bound is above the upper one, which TensorFlow's documentation "
        "excludes",
        "nan-at-zero": _NAN_AT_ZERO,
        "nan-at-infinite-threshold": _NAN_AT_INF,
        "nan-beyond-range": "an infinite norm makes all NaN, as TensorFlow's documentation says",
    },
    "keras": {
        "zero-beside-nonfinite": "one Inf gives NaN there and 0 elsewhere, in the variable that holds it",
        "nan-at-infinite-threshold": _NAN_AT_INF,
        "nan-beyond-range": "an infinite norm makes all NaN, on TensorFlow",
    },
}
