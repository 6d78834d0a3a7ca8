"""Terms of an insured request, and Hypothesis strategies for them."""

from hypothesis import strategies as st
from liqpass.domain.x402.insurance import Insurance

LOCAL = Insurance(31337, "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512")
BASE = Insurance(8453, LOCAL.contract)
PROVIDER = "0x" + "a1" * 20
CLIENT = "0x" + "c2" * 20
NONCE = b"\x0e" * 32

# What a contract deployed at that address on each chain answered for these terms.
SETTLEMENTS = {
    LOCAL: bytes.fromhex("c302796de46251259c969f8f1177453a6699ecd156b516ab755af76b68b62728"),
    BASE: bytes.fromhex("c3d41e3fc288b2349538bbe6aa0b4b9e83e966e66e36b72577aaec5461086b13"),
}

addresses = st.integers(1, 2**160 - 1).map(lambda number: f"0x{number:040x}")
insurances = st.builds(Insurance, st.integers(1, 2**256 - 1), addresses)
nonces = st.binary(min_size=32, max_size=32)
