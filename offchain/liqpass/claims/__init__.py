"""Use cases of claims: submit and fetch evidence, review, replay."""

from liqpass.claims.evidence import Replay, Replaying
from liqpass.claims.review import Reviewing, ReviewResult
from liqpass.claims.submit import Claiming

__all__ = ["Claiming", "Replay", "Replaying", "ReviewResult", "Reviewing"]
