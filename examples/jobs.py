"""Paid jobs: the payment first, 202 at once, and the result when a worker has it.

A job that is not delivered within its 30 minutes is claimed out of the bond: the client has its money back.
"""

import asyncio
import logging
import os

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from liqpass.x402.provider import commitment_of, insure, insured_service

logging.basicConfig(level=logging.INFO)
app = FastAPI()
results: dict[str, str] = {}  # of a real one: in a database, as its jobs
working: set[asyncio.Task[None]] = set()


@app.get("/job", status_code=202)
async def begin(request: Request, seconds: float = 1.0) -> dict[str, str]:
    commitment = commitment_of(request, service)
    task = asyncio.create_task(work(commitment, seconds))
    working.add(task)
    task.add_done_callback(working.discard)
    return {"job": commitment.hex()}


async def work(commitment: bytes, seconds: float) -> None:
    await asyncio.sleep(seconds)
    results[commitment.hex()] = "42"
    await asyncio.to_thread(service.delivered, commitment)  # it waits for the disk


@app.get("/job/{job}")
async def result(job: str) -> dict[str, str]:
    if job not in results:
        raise HTTPException(404, "not there yet")
    return {"result": results[job]}


with insured_service(keyfile="provider.json") as service:
    insure(app, {"GET /job": service.paid("0.10", upfront=True, timeout_minutes=30)}, service)
    uvicorn.run(app, port=int(os.environ.get("PORT", "8403")))
