"""`python -m examples NAME`: ends with 0 when all was as it should be, 1 when not, 130 when interrupted."""

from __future__ import annotations

import argparse
import sys

from demo.interruption import EXIT_CODE, Interrupted, raise_on_interruption

NAMES = {
    "provider": "paid after the work, by the Python client",
    "jobs": "202 now, delivered later or never",
    "node": "paid after the work, by npm's client",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make example NAME=", description=__doc__)
    told = "; ".join(f"{name}: {what}" for name, what in NAMES.items())
    parser.add_argument("name", choices=NAMES, help=told)
    name = parser.parse_args().name
    raise_on_interruption()
    sys.stdout.write("loading; each program below takes some seconds to start, longer the first time\n")
    sys.stdout.flush()
    try:
        # Only now, because it takes seconds, in which an interruption has to be clean too.
        from examples.stories import perform  # noqa: PLC0415

        return perform(name)
    except Interrupted:
        sys.stdout.write("interrupted: everything is stopped\n")
        return EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())
