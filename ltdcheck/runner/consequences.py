"""Which failures follow from which: one root cause is one finding, and the rest is listed as what follows from it."""

from __future__ import annotations

from ltdcheck.problem import PRECISIONS
from ltdcheck.properties.law import Property
from ltdcheck.result import Finding

# what follows from a failure would be reported twice: a wrong forward pass has a wrong gradient
CONSEQUENCES = {
    "gradients.present": ("values.forward_agrees",),
    "gradients.backward_agrees": ("values.forward_agrees", "gradients.present"),
    "gradients.adjoint_identity": ("values.forward_agrees", "gradients.present", "gradients.backward_agrees"),
    "lags.long_memory": ("values.forward_agrees", "gradients.present", "gradients.backward_agrees"),
    "values.one_step": ("values.forward_agrees", "gradients.present", "gradients.backward_agrees"),
    "sequence.pieces_equal_whole": ("sequence.causal",),
    "ragged.agrees": ("values.forward_agrees", "gradients.present", "gradients.backward_agrees"),
    "ragged.after_the_end": ("ragged.agrees",),
    "ragged.padding_has_no_effect": ("ragged.agrees",),
    "ragged.full_lengths_change_nothing": ("ragged.agrees",),
    "pair.forward_agrees": ("pair.same_function",),
    "pair.gradients_agree": ("pair.same_function", "pair.forward_agrees"),
    "calls.earlier_shapes": ("values.forward_agrees", "gradients.present", "gradients.backward_agrees"),
    "protocol.sizes_of_zero": ("sequence.zero_steps",),
    "protocol.numbers_survive": ("sequence.zero_steps", "protocol.sizes_of_zero"),  # they are seen at no steps
    "protocol.starts_again": ("calls.repeatable",),
    "protocol.reads_json": ("calls.repeatable", "protocol.starts_again"),
}

# what these find is that earlier calls leave something behind; every other law may then fail too, on instances that
# have been called before, and the first of these that fails tells it best
OF_HISTORY = (
    "calls.repeatable",
    "calls.earlier_shapes",
    "calls.instances_agree",
    "calls.answers_stay",
    "calls.backward_again",
    "calls.memory_order",
)

# what these find on a problem follows from an answer that is wrong on that problem; elsewhere it may be on its own
OF_ANSWERS = {
    "effects.every_parameter": ("values.forward_agrees",),
    "effects.every_input": ("values.forward_agrees",),
    "effects.every_state": ("values.forward_agrees",),
    "effects.every_cotangent": ("values.forward_agrees", "gradients.backward_agrees"),
}

# these hold two answers of the target against each other, within the rounding of the reference: nobody knows that of a
# target which fails what says that it is the reference. Agreement is agreement all the same
BOUNDED_BY = {
    "precision.single_agrees_with_double": ("values.forward_agrees", "gradients.backward_agrees"),
    "sequence.pieces_equal_whole": ("values.forward_agrees",),
    "batch.rows_are_independent": ("values.forward_agrees",),
    "batch.order_does_not_matter": ("values.forward_agrees", "gradients.backward_agrees"),
}


def bounding(prop: Property, finding: Finding) -> set[str]:
    """The laws without which the bound of this finding means nothing; a wrong type has no bound."""
    laws = set(BOUNDED_BY.get(prop.id, ()))
    if finding.expected in PRECISIONS:
        return set()
    forward = finding.where.block == "y" or finding.where.block.endswith("_T")
    return laws - {"gradients.backward_agrees"} if forward else laws
