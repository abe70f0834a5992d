"""A program that speaks the protocol of ``ltdcheck explain protocol``: h' = tanh(W x + U h + b), in plain Python.

``python program_elman.py [FAULT]``; a fault is one of the protocol, and the network is right. Where the environment
names a file ELMAN_PIDS, its process number goes there, and a word when it falls asleep.
"""

import json
import math
import os
import signal
import sys
import time
from pathlib import Path

FAULT = sys.argv[1] if len(sys.argv) > 1 else ""


def read(array, *shape):
    if array["shape"] != list(shape) or len(array["values"]) != math.prod(shape):
        raise ValueError(f"an array must have shape {shape}")
    values = iter(array["values"])

    def part(sizes):
        return [part(sizes[1:]) for _ in range(sizes[0])] if sizes else float(next(values))

    return part(shape)


def spell(v):
    if FAULT == "loses-minus-zero":
        v = v or 0.0
    if FAULT == "six-digits":
        return float(f"{v:.6g}") if math.isfinite(v) else str(v)
    if FAULT == "bare-nan":
        return v
    return v if math.isfinite(v) else str(v)


def write(nested, *shape):
    values = nested
    for _ in shape[1:]:
        values = [v for part in values for v in part]
    return {"shape": list(shape), "values": [spell(v) for v in values]}


def dot(u, v):
    return sum(a * b for a, b in zip(u, v, strict=True))


def zeros(*shape):
    return [zeros(*shape[1:]) for _ in range(shape[0])] if shape else 0.0


class Elman:
    def __init__(self):
        self.sizes = self.last = None
        self.bias = 0.0

    def start(self, message):
        self.sizes = I, H = message["input_size"], message["hidden_size"]
        self.last = None
        return {
            "name": "elman.py",
            "version": f"1, as {message['cell']}" if FAULT == "two-cells" else "1",
            "cells": ["elman", "gru"] if FAULT == "two-cells" else ["elman"],
            "precisions": ["float64", "float32"],
            "numbers": "decimal",
            "parameters": {"W": [H, I], "U": [H, H], "b": [H]},
            "states": 1,
            "backward": True,
        }

    def forward(self, message):
        I, H = self.sizes
        T, B, _ = message["x"]["shape"]
        if FAULT == "no-empty-sequence" and T == 0:
            raise ValueError("there must be a step")
        p = message["params"]
        W, U, b = read(p["W"], H, I), read(p["U"], H, H), read(p["b"], H)
        x = read(message["x"], T, B, I)
        hs = [zeros(B, H) if message["state"] is None else read(message["state"][0], B, H)]
        for x_t in x:
            a = [[dot(W[k], r) + dot(U[k], h) + b[k] for k in range(H)] for r, h in zip(x_t, hs[-1], strict=True)]
            hs.append([[math.tanh(v + self.bias) for v in row] for row in a])
        if FAULT == "remembers":
            self.bias += 0.125
        self.last = (T, B, W, U, x, hs)
        return {"y": write(hs[1:], T, B, H), "state": [write(hs[-1], B, H)]}

    def backward(self, message):
        T, B, W, U, x, hs = self.last
        I, H = self.sizes
        dy, dh = read(message["dy"], T, B, H), read(message["dstate"][0], B, H)
        dx, dW, dU, db = zeros(T, B, I), zeros(H, I), zeros(H, H), zeros(H)
        for t in reversed(range(T)):
            for r in range(B):
                h, old = hs[t + 1][r], hs[t][r]
                da = [(dh[r][k] + dy[t][r][k]) * (1 - h[k] * h[k]) for k in range(H)]
                for k in range(H):
                    db[k] += da[k]
                    for j in range(I):
                        dW[k][j] += da[k] * x[t][r][j]
                    for j in range(H):
                        dU[k][j] += da[k] * old[j]
                dx[t][r] = [sum(da[k] * W[k][j] for k in range(H)) for j in range(I)]
                dh[r] = [sum(da[k] * U[k][j] for k in range(H)) for j in range(H)]
        dparams = {"W": write(dW, H, I), "U": write(dU, H, H), "b": write(db, H)}
        if FAULT == "no-gradient":
            del dparams["b"]
        return {"dx": write(dx, T, B, I), "dstate": [write(dh, B, H)], "dparams": dparams}

    def stop(self, message):
        return {}


def say(answer):
    text = answer if isinstance(answer, str) else json.dumps(answer)
    log = "computing ..\n" if FAULT == "logs" and '"y"' in text else ""
    again = f"{text}\n" if FAULT == "repeats" and '"y"' in text else ""
    sys.stdout.write(f"{log}{text}\n{again}")  # at once, so that both lines are there when one is read
    sys.stdout.flush()


def note(what):
    if "ELMAN_PIDS" in os.environ:
        with Path(os.environ["ELMAN_PIDS"]).open("a") as file:
            file.write(f"{what}\n")


def at_forward():
    """What goes wrong in a call."""
    if FAULT == "dies":
        sys.stderr.write("no memory left\n")
        sys.exit(3)
    if FAULT == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if FAULT == "sleeps":
        sys.stderr.write("asleep\n")
        sys.stderr.flush()
        note("asleep")
        time.sleep(600)
    if FAULT == "closes":
        os.close(1)
        time.sleep(600)
    while FAULT == "floods":
        os.write(1, b"x" * 65536)
    while FAULT == "floods-errors":
        os.write(2, b"x" * 65536)
    if FAULT == "refuses":
        raise ValueError("not today")


def at_start():
    """What goes wrong before anything is known of it."""
    if FAULT == "greets":
        say("Hello!")
    if FAULT == "silent":
        time.sleep(600)
    if FAULT == "starts-dead":
        sys.stderr.write("libnet.so: cannot open shared object file\n")
        sys.exit(127)


def answer(net, line):
    message = json.loads(line)
    id, what = message.get("id"), message["message"]
    if FAULT == "order" and list(message)[:2] != ["id", "message"]:
        raise ValueError("no message")
    if what == "forward":
        at_forward()
    told = {"id": id, **getattr(net, what)(message)}
    if FAULT == "other-id":
        told["id"] = 7
    if FAULT == "list":
        told = [told]
    if FAULT == "undeclared" and what == "start":
        del told["precisions"]
    return told


def main():
    note(os.getpid())
    at_start()
    net = Elman()
    for line in sys.stdin if FAULT != "short-lines" else iter(lambda: sys.stdin.readline(4096), ""):
        try:
            say(answer(net, line))
        except Exception as error:
            if FAULT == "dies-when-asked":
                raise
            try:
                id = json.loads(line)["id"]
            except (ValueError, KeyError, TypeError):
                id = None
            say({"id": id, "error": f"{type(error).__name__}: {error}"})
        if '"stop"' in line and FAULT != "stays":
            return
    while FAULT == "stays":
        time.sleep(1)


main()
