"""The shapes of what the ways in show: `answers.py` makes them, the OpenAPI document is made of them.

Exact: a field that is not here is in no answer. Times are UTC, amounts decimal strings of USDC; null: not
known, or there is none.
"""
