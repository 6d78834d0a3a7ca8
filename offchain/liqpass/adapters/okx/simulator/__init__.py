"""An exchange that speaks the part of OKX's API that LiqPass reads.

Modelled after the documentation gathered in the project's notes on OKX, never measured on a live account: it
shows that our client and our rules do what the documents ask, not that OKX behaves so.
"""
