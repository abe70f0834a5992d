"""A clipping function of which a call that was made once is not made again: many laws ask for the same one."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ltdcheck.implementation import ClippingAnswer, ClippingRule
from ltdcheck.problem import ClippingCall

REMEMBERED = 512


class Remembered(ClippingRule):
    """The same answers; those of the law about earlier calls have to come from the function itself."""

    def __init__(self, rule: ClippingRule) -> None:
        self.rule, self.name, self.kind = rule, rule.name, rule.kind
        self.framework, self.form = rule.framework, rule.form
        self.containers, self.documented = rule.containers, rule.documented
        self._memory: OrderedDict[Any, ClippingAnswer] = OrderedDict()

    def clip(self, call: ClippingCall) -> ClippingAnswer:
        """The answer to this call, whatever its label."""
        groups = ((name, group.shape, group.tobytes()) for name, group in call.groups.items())
        key = call.precision, call.container, repr(call.threshold), *groups
        if key not in self._memory:
            self._memory[key] = self.rule.clip(call)
            while len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)
        return self._memory[key]
