"""The OpenAPI document, corrected where FastAPI would promise what is never sent."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI


class Documented(FastAPI):
    """Errors are problem details alone; FastAPI writes `application/json` beside each."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        document = super().openapi()
        for item in document["paths"].values():
            for operation in item.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"].pop("application/json", None)
        return document
