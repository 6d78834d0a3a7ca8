"""A paid API whose clients are covered by its provider's bond: the work first, the payment after it."""

import logging
import os

import uvicorn
from fastapi import FastAPI
from liqpass.x402.provider import insure, insured_service

logging.basicConfig(level=logging.INFO)
app = FastAPI()


@app.get("/work")
def work() -> dict[str, str]:
    return {"result": "42"}


with insured_service(keyfile="provider.json") as service:
    insure(app, {"GET /work": service.paid("0.10")}, service)
    uvicorn.run(app, port=int(os.environ.get("PORT", "8403")))
