"""What changed, and whether a change helped: spend divided into causes, and tasks before against tasks after.

`spend_terms` divides the change of spend between two periods, `token_weights` says what kinds of tokens cost.
"""
