"""The OKX client as the use cases' OkxAccounts: its answers and errors in their words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.errors import KeyBrokenError, OkxError, PagingError, UnreadableError
from liqpass.adapters.okx.responses import RawResponse
from liqpass.adapters.okx.signing import Credentials
from liqpass.domain.reasons import Reason
from liqpass.ports import Clock, OkxAccount, OkxCredentials, OkxFetchError, OkxIdentity
from liqpass.records import OkxResponse

Answer = TypeVar("Answer")


class HttpOkxAccounts:
    """Opens one client for each use; credentials live no longer than it."""

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        *,
        allow_any_host: bool,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._base_url = base_url
        self._clock = clock
        self._allow_any_host = allow_any_host

    @contextmanager
    def open(self, credentials: OkxCredentials) -> Iterator[OkxAccount]:
        """The account behind these credentials; raises OkxFetchError."""
        client = _in_our_words(
            lambda: OkxClient(
                self._base_url,
                Credentials(
                    credentials.api_key, credentials.secret, credentials.passphrase, credentials.demo
                ),
                self._clock,
                allow_any_host=self._allow_any_host,
                sleep=self._sleep,
            )
        )
        with client:
            yield _HttpOkxAccount(client)


class _HttpOkxAccount:
    def __init__(self, client: OkxClient) -> None:
        self._client = client

    def identity(self) -> OkxIdentity:
        config = _in_our_words(self._client.account_config)
        return OkxIdentity(config.uid, config.main_uid, config.permissions)

    def positions(self) -> OkxResponse:
        return _stored(_in_our_words(self._client.positions).responses[0])

    def order(self, inst_id: str, ord_id: str) -> OkxResponse:
        return _stored(_in_our_words(lambda: self._client.order(inst_id, ord_id)).responses[0])

    def claim_responses(self, inst_id: str, pos_id: str, begin_ms: int) -> list[OkxResponse]:
        raw = _in_our_words(lambda: self._client.claim_responses(inst_id, pos_id, begin_ms))
        return [_stored(response) for response in raw]


def _stored(raw: RawResponse) -> OkxResponse:
    return OkxResponse(
        raw.method, raw.path, raw.http_status, raw.requested_at_ms, raw.received_at_ms, raw.body
    )


def _in_our_words(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except UnreadableError as error:
        raise OkxFetchError(Reason.EVIDENCE_UNREADABLE, str(error)) from None
    except PagingError as error:
        raise OkxFetchError(Reason.EVIDENCE_INCOMPLETE, str(error)) from None
    except OkxError as error:
        raise OkxFetchError(
            Reason.FETCH_FAILED, str(error), key_broken=isinstance(error, KeyBrokenError)
        ) from None
