"""`python -m demo`: ends with 0 when every step was as it should be, 1 when not, 130 when interrupted."""

from __future__ import annotations

import argparse
import sys

from demo.interruption import EXIT_CODE, Interrupted, raise_on_interruption


def main() -> int:
    argparse.ArgumentParser(prog="make demo", description=__doc__).parse_args()
    raise_on_interruption()
    try:
        # Only now, because it takes seconds, in which an interruption has to be clean too.
        from demo.story import perform  # noqa: PLC0415

        return perform()
    except Interrupted:
        sys.stdout.write("interrupted: chain, simulator and files are gone\n")
        return EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())
