"""Co-insured flight-delay policies, as OpenParametric rules them: terms, escrows, readings, life."""
