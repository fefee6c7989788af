"""Joins the store with the statistics of `effects`: why a period cost more, and what a change did.

`spend_change` answers the first question, `spend_history` says whether the difference is ordinary scatter.
"""
