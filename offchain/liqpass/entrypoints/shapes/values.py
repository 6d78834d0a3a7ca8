"""The values that answers are made of, with examples."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, with_config

UUID_EXAMPLE = "5b0c1a52-7d0e-4c39-9d53-0f9f4f0f7a11"
WALLET_EXAMPLE = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
HASH_EXAMPLE = "0x" + "5e" * 32
TIME_EXAMPLE = "2026-01-22T12:00:00Z"

Address = Annotated[str, Field(examples=[WALLET_EXAMPLE])]
Amount = Annotated[str, Field(description="USDC, decimal", examples=["50.00"])]
ChainId = Annotated[int, Field(examples=[8453])]
DayId = Annotated[int, Field(description="UTC date YYYYMMDD", examples=[20260122])]
Hash = Annotated[str, Field(examples=[HASH_EXAMPLE])]
Id = Annotated[str, Field(examples=[UUID_EXAMPLE])]
PolicyNo = Annotated[int, Field(examples=[7])]
Seconds = Annotated[int, Field(description="seconds")]
Time = Annotated[str, Field(examples=[TIME_EXAMPLE])]
UnixTime = Annotated[int, Field(description="unix seconds", examples=[1769083801])]
Version = Annotated[str, Field(description="of the parameters", examples=["0123456789abcdef"])]

exact = with_config(ConfigDict(extra="forbid"))
"""A shape with these fields and no other."""
