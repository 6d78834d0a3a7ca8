"""The insured facilitator over HTTP."""
