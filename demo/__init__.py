"""`make demo`: LiqPass's three products on a chain of its own, every part real but exchange and airport."""
