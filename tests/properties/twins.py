"""Each equality that a target without an answer of its own could satisfy, and the property that such a target fails."""

from __future__ import annotations

# a property that holds for a target which always answers the same, and its twins: what that target fails
TWINS: dict[str, tuple[str, ...]] = {
    "sequence.causal": ("effects.every_input",),
    "sequence.pieces_equal_whole": ("effects.every_state", "effects.every_input"),
    "calls.repeatable": ("effects.every_parameter", "effects.every_input", "effects.every_state"),
    "calls.instances_agree": ("effects.every_parameter", "effects.every_input", "effects.every_state"),
    "calls.answers_stay": ("effects.every_input",),
    "calls.arguments_stay": ("effects.every_input",),
    "calls.backward_again": ("effects.every_cotangent",),
    "calls.memory_order": ("effects.every_input", "effects.every_state", "effects.every_cotangent"),
    "precision.single_agrees_with_double": ("effects.every_parameter",),
    "batch.order_does_not_matter": ("effects.every_input", "effects.every_cotangent"),
    "batch.rows_are_independent": ("effects.every_input",),
    "ragged.padding_has_no_effect": ("ragged.agrees",),
    "ragged.after_the_end": ("ragged.agrees",),
    "ragged.full_lengths_change_nothing": ("ragged.agrees",),
    "gradients.present": ("effects.every_cotangent",),
}
AGAINST_THE_REFERENCE = (
    "values.forward_agrees",
    "values.one_step",
    "gradients.backward_agrees",
    "gradients.adjoint_identity",
    "lags.long_memory",
    "sequence.zero_steps",
    "calls.earlier_shapes",
    "ragged.agrees",
)
OF_THE_LAYOUT = ("layout.consistent", "layout.as_declared")  # of what was identified: no numbers are compared
TELLING = ("effects.every_parameter", "effects.every_input", "effects.every_state", "effects.every_cotangent")
