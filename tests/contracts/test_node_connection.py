"""The connection to ape's own node: one socket a thread, and the errors that `requests` has."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import ape_ethereum.provider
import pytest
import requests
from node_connection import NodeProvider, own_node
from web3 import HTTPProvider, Web3

OK = '{"jsonrpc": "2.0", "id": 1, "result": "0x1"}'


@dataclass
class _Node:
    """An HTTP server that answers each request with `status` and OK, and says whom it talked to."""

    status: int = 200
    hangs_up: bool = False
    silent: threading.Event | None = None
    bodies: list[bytes] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def node() -> Iterator[_Node]:
    told = _Node()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            told.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            told.lines.append(self.client_address)
            if told.silent is not None:
                told.silent.wait()
                return
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(OK)))
            self.end_headers()
            self.wfile.write(OK.encode())
            self.close_connection = told.hangs_up

        def log_message(self, *_arguments: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        told.url = f"http://127.0.0.1:{server.server_port}"
        yield told
        server.shutdown()
        serving.join()


def ask(provider: NodeProvider) -> Any:
    return provider.make_request("anvil_mine", [])["result"]


def provider_of(node: _Node, timeout_s: float = 10) -> NodeProvider:
    return NodeProvider(node.url, request_kwargs={"timeout": timeout_s})


def test_ask__again__on_the_same_line(node: _Node) -> None:
    provider = provider_of(node)

    assert [ask(provider), ask(provider)] == ["0x1", "0x1"]

    assert len(set(node.lines)) == 1
    assert node.bodies[0].startswith(b'{"jsonrpc": "2.0", "method": "anvil_mine", "params": []')
    provider._request_session_manager._drop()


def test_ask__node_has_hung_up__on_a_new_line(node: _Node) -> None:
    node.hangs_up = True
    provider = provider_of(node)
    ask(provider)
    line = provider._request_session_manager._kept.line
    assert line.recv(1, socket.MSG_PEEK) == b""  # it has: the end arrived

    assert ask(provider) == "0x1"

    assert len(set(node.lines)) == 2
    provider._request_session_manager._drop()


def test_ask__from_two_threads__on_a_line_each(node: _Node) -> None:
    provider = provider_of(node)
    both = threading.Barrier(2)

    def one(_number: int) -> Any:
        both.wait()
        answer = ask(provider)
        both.wait()
        provider._request_session_manager._drop()
        return answer

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(one, range(2)))

    assert answers == ["0x1", "0x1"]
    assert len(set(node.lines)) == 2


def test_ask__node_does_not_answer__times_out_and_leaves_the_line(node: _Node) -> None:
    node.silent = threading.Event()
    provider = provider_of(node, timeout_s=0.05)

    with pytest.raises(requests.ReadTimeout):
        provider.make_request("anvil_mine", [])

    assert provider._request_session_manager._kept.line is None
    assert len(node.bodies) == 1  # nothing is sent twice
    node.silent.set()


def test_ask__node_answers_with_an_error_of_http__raises(node: _Node) -> None:
    node.status = 502
    provider = provider_of(node)

    with pytest.raises(requests.HTTPError, match="status 502"):
        provider.make_request("anvil_mine", [])

    provider._request_session_manager._drop()


def test_ask__no_node__is_not_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    provider = NodeProvider(f"http://127.0.0.1:{port}", request_kwargs={"timeout": 10})

    with pytest.raises(requests.ConnectionError):
        provider.make_request("anvil_mine", [])
    assert provider.is_connected() is False


def test_provider_of_ape__asks_its_node_through_it(chain: Any) -> None:
    assert type(chain.provider.web3.provider) is NodeProvider


def test_web3__several_calls__asks_for_the_chains_id_once(node: _Node) -> None:
    eth = Web3(provider_of(node)).eth

    assert [eth.chain_id, eth.chain_id, eth.block_number, eth.block_number] == [1, 1, 1, 1]

    assert [json.loads(body)["method"] for body in node.bodies] == [
        "eth_chainId",
        "eth_blockNumber",
        "eth_blockNumber",
    ]
    eth.w3.provider._request_session_manager._drop()


def test_own_node__while_it_is_the_tests_own__commands_use_it(node: _Node) -> None:
    def kind() -> type:
        return type(ape_ethereum.provider.HTTPProvider(endpoint_uri=node.url, request_kwargs={"timeout": 1}))

    before = kind()
    with own_node(node.url):
        meanwhile = kind()

    assert (before, meanwhile, kind()) == (HTTPProvider, NodeProvider, HTTPProvider)
