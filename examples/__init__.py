"""`make example NAME=…`: insured x402 payments on a private chain, in the files that a user would copy."""
