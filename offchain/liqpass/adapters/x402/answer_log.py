"""Each answer of the facilitator as a line of the log, and for whoever counts them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.x402.insured_settlement import InsuredSettlement

OK = "ok"
log = logging.getLogger("liqpass.x402")


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: `what` is verify or settle, `code` is `ok` or why not.

    `settler` is the lane of a settlement, None where it came to none.
    """

    what: str
    provider: str
    code: str
    took_s: float
    settler: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerLog:
    """For any thread."""

    on_answer: Callable[[Answered], None]

    def tell(self, answered: Answered, settlement: InsuredSettlement | None, detail: str | None) -> None:
        """One line: decoded reasons, no keys, no signatures."""
        log.log(
            logging.INFO if answered.code == OK else logging.WARNING,
            "%s provider=%s commitment=%s payer=%s settler=%s code=%s took_ms=%d %s=%s",
            answered.what,
            checksum_address(answered.provider),
            "-" if settlement is None else format_bytes32(settlement.commitment),
            "-" if settlement is None else checksum_address(settlement.authorization.client),
            answered.settler or "-",
            answered.code,
            round(answered.took_s * 1000),
            "tx" if answered.code == OK else "reason",
            detail or "-",
        )
        self.on_answer(answered)
