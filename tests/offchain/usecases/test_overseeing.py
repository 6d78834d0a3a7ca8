"""What operators look at: the queue, one claim, gauges, warnings, days."""

from typing import Any

import pytest
from audit_triggers import drop_audit_triggers
from liqpass.adapters.database.tables import claims
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.claims.submit import LEASE_MS
from liqpass.domain.claim_state import ClaimState
from liqpass.domain.identifiers import checksum_address
from liqpass.entrypoints.oversight_answers import (
    claim_detail_answer,
    overview_answer,
    per_day_answer,
    queue_answer,
)
from liqpass.overseeing import Overseeing, QueuePage
from liqpass.ports import ChainError
from liqpass.ports.oversight import JournalsError, StuckIntent
from liqpass.records import Act, UnmatchedPayment
from liqpass.refusals import InvalidInputError, NotFoundError
from liqpass.request_id import serving_request
from paper_chain import BUYER, CHECKOUT, OTHER_BUYER, STRANGER, hash32
from payout_steps import approve_and_execute, build
from sqlalchemy import update
from worlds import World

NO_ID = "00000000-0000-4000-8000-000000000000"


def queue(world: World, **asked: Any) -> QueuePage:
    wanted = {"state": None, "verdict": None, "search": "", "cursor": "", "limit": 50, **asked}
    return world.do.overseeing.queue(**wanted)


def codes(world: World) -> list[str]:
    return [str(alert.code) for alert in world.do.overseeing.alerts(world.do.overseeing.overview())]


def synced(world: World) -> World:
    """Read so far just now: the newest blocks are deep enough."""
    world.chain.mine(10)
    world.do.syncing.sync()
    return world


# the queue


def test_queue__open_state__oldest_first_without_bundles_a_page_at_a_time(world: World) -> None:
    claims = [world.claimed(name, f"0x{number:040x}") for number, name in enumerate("abcde", 1)]

    seen: list[str] = []
    cursor = ""
    sizes = []
    while True:
        page = queue(world, state=ClaimState.PENDING, cursor=cursor, limit=2)
        seen += [row.claim.id for row in page.rows]
        sizes.append(len(page.rows))
        assert all(row.claim.bundle is None for row in page.rows)
        cursor = page.next
        if not cursor:
            break

    assert (seen, sizes, page.newest_first) == ([claim.id for claim in claims], [2, 2, 1], False)


def test_queue__claims_that_are_over_and_all__newest_first(world: World) -> None:
    claims = [world.claimed(name, f"0x{number:040x}") for number, name in enumerate("abc", 1)]
    for claim in claims:
        world.do.reviewing.reject(claim.id, reviewer="rita", reason="x", final=True)
    newest = [claim.id for claim in reversed(claims)]

    for state in (ClaimState.REJECTED, None):
        first = queue(world, state=state, limit=2)
        second = queue(world, state=state, limit=2, cursor=first.next)
        assert [row.claim.id for row in (*first.rows, *second.rows)] == newest
        assert (first.newest_first, second.next) == (True, "")


def test_queue__claims_of_one_moment__each_listed_once(world: World) -> None:
    claims = [world.claimed(name, f"0x{number:040x}") for number, name in enumerate("abcd", 1)]
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claims SET requested_at_ms = 5")

    first = queue(world, state=ClaimState.PENDING, limit=2)
    second = queue(world, state=ClaimState.PENDING, limit=2, cursor=first.next)

    ids = [row.claim.id for row in (*first.rows, *second.rows)]
    assert ids == sorted(claim.id for claim in claims)


def test_queue__row__buyer_instrument_age_and_words_so_far(world: World) -> None:
    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)
    world.do.reviewing.approve(claim.id, reviewer="rita", reason="half was liquidated")
    world.chain.mine(seconds=60)

    (row,) = queue(world).rows

    assert (row.buyer, row.inst_id) == (BUYER, "BTC-USDT-SWAP")
    assert row.age_ms == world.clock.now_ms() - claim.requested_at_ms
    assert [(word.reviewer, word.reason) for word in row.words] == [("rita", "half was liquidated")]
    assert (row.approvals, row.takes_two, row.needs_second) == (1, True, True)


def test_queue__approval_that_was_voided__counts_no_more(world: World) -> None:
    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)
    world.do.reviewing.approve(claim.id, reviewer="rita", reason="x")
    world.do.claiming.refetch(claim.id, actor="op")

    (row,) = queue(world).rows

    assert (row.approvals, row.takes_two, row.needs_second, len(row.words)) == (0, True, False, 1)


def test_queue__verdict__only_those_with_and_without_a_state(world: World) -> None:
    world.claimed("alice")
    doubtful = world.claimed("bob", OTHER_BUYER, kind=Close.PARTIAL_LIQUIDATION)

    for state in (None, ClaimState.PENDING):
        rows = queue(world, state=state, verdict="NEEDS_REVIEW").rows
        assert [row.claim.id for row in rows] == [doubtful.id]
    assert queue(world, state=ClaimState.HELD, verdict="NEEDS_REVIEW").rows == ()


def test_queue__counts__of_every_state_whatever_is_filtered(world: World) -> None:
    world.claimed("alice")
    world.approved("bob", OTHER_BUYER)

    counts = queue(world, search="1", state=ClaimState.PAID).counts

    assert set(counts) == {str(state) for state in ClaimState}
    assert {state: count for state, count in counts.items() if count} == {"PENDING": 1, "APPROVED": 1}


def test_queue__search__by_policy_claim_order_and_buyer(world: World) -> None:
    claim = world.claimed("alice")
    world.claimed("bob", OTHER_BUYER)

    for text in (str(claim.policy_no), claim.id, claim.order_id, BUYER, f" {checksum_address(BUYER)} "):
        assert [row.claim.id for row in queue(world, search=text).rows] == [claim.id], text
    for text in ("99", "9" * 30, STRANGER, NO_ID):
        assert queue(world, search=text).rows == ()
    assert queue(world, search=BUYER, state=ClaimState.PAID).rows == ()


@pytest.mark.parametrize("text", ["alice", "0x12", "-1", "1.5", "%", "'; DROP TABLE claims; --"])
def test_queue__search_that_means_nothing__invalid(world: World, text: str) -> None:
    with pytest.raises(InvalidInputError):
        queue(world, search=text)


@pytest.mark.parametrize("cursor", ["x", "1", "1.x", "-1.0", f"{10**30}.{NO_ID}"])
def test_queue__cursor_of_somewhere_else__invalid(world: World, cursor: str) -> None:
    with pytest.raises(InvalidInputError):
        queue(world, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_queue__page_of_no_size__invalid(world: World, limit: int) -> None:
    with pytest.raises(InvalidInputError):
        queue(world, limit=limit)


def test_queue_answer__row__as_a_claim_and_who_waits(world: World) -> None:
    claim = world.claimed("alice")

    answer = queue_answer(queue(world, state=ClaimState.PENDING))

    (row,) = answer["claims"]
    assert (row["claimId"], row["buyer"], row["ageS"]) == (claim.id, checksum_address(BUYER), 0)
    assert (row["payoutUsdc"], row["approvals"], row["needsSecondReviewer"]) == ("50.00", 0, False)
    assert (answer["next"], answer["newestFirst"], answer["counts"]["PENDING"]) == (None, False, 1)


# one claim


def test_claim__fetched_twice__every_answer_and_the_whole_history(world: World) -> None:
    claim = world.claimed("alice")
    with serving_request("req-7"):
        world.do.claiming.refetch(claim.id, actor="rita")

    view = world.do.overseeing.claim(claim.id)

    assert [attempt for attempt, _ in view.attempts] == [0, 1, 2]
    assert all(len(responses) > 0 for _, responses in view.attempts)
    assert all(len(each.sha256) == 64 and each.body for _, some in view.attempts for each in some)
    actions = [entry.action for entry in view.history]
    assert (actions[0], actions[-1]) == ("ORDER_CREATED", "CLAIM_VERIFIED")
    assert view.history[-1].details["requestId"] == "req-7"
    assert view.replayed is not None
    assert view.replayed.agrees
    assert (view.other_orders, view.other_claims, view.batch, view.payout) == (0, 0, None, None)


def test_claim__stored_payout_or_bundle_changed__said(world: World) -> None:
    claim = world.claimed("alice")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claims SET payout = payout + 1")
    changed = world.do.overseeing.claim(claim.id).replayed
    with world.engine.begin() as connection:
        connection.execute(update(claims).values(bundle=b"{}"))
    broken = world.do.overseeing.claim(claim.id).replayed

    assert changed is not None
    assert (changed.differences, changed.fault, changed.agrees) == (("payout",), None, False)
    assert broken is not None
    assert (broken.fault is not None, broken.agrees) == (True, False)


def test_claim__paid__batch_item_payout_and_the_persons_other_claims(world: World) -> None:
    other = world.claimed("bob")
    world.do.reviewing.reject(other.id, reviewer="rita", reason="x", final=True)
    claim = world.approved("alice")
    built = build(world)
    tx_hash = approve_and_execute(world, built)
    world.chain.settle()
    world.do.reconciling.reconcile()

    view = world.do.overseeing.claim(claim.id)

    assert view.batch is not None
    assert view.item is not None
    assert view.payout is not None
    assert (view.batch.id, view.item.claim_id, view.payout.tx_hash) == (built.batch.id, claim.id, tx_hash)
    assert (view.other_orders, view.other_claims) == (1, 1)
    answer = claim_detail_answer(view, world.clock.now_ms())
    assert (answer["payout"]["transaction"], answer["payout"]["amountUsdc"]) == (tx_hash, "50.00")
    assert answer["samePerson"] == {"otherOrders": 1, "otherClaims": 1}
    assert answer["replay"] == {"agrees": True, "differences": [], "fault": None}


def test_claim__unknown__not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.do.overseeing.claim("none")


def test_claim_detail_answer__no_key_and_no_id_of_a_person(world: World) -> None:
    claim = world.claimed("alice")
    order = world.do.selling.show(claim.order_id)
    key = world.credentials("alice")

    text = repr(claim_detail_answer(world.do.overseeing.claim(claim.id), world.clock.now_ms()))

    for secret in (key.api_key, key.secret, key.passphrase, order.uid_hmac, order.main_uid_hmac):
        assert secret is not None
        assert secret not in text


# gauges and warnings


def test_overview__quiet_book__figures_and_no_warning(world: World) -> None:
    seen = synced(world).do.overseeing.overview()

    assert (seen.book.used_today, seen.book.held, seen.book.unmatched) == (0, 0, 0)
    assert seen.book.open_batches == ()
    assert (seen.book.oldest_pending_ms, seen.stuck, seen.audit.fault) == (None, None, None)
    assert seen.vault_balance == world.chain.balance
    assert codes(world) == []


def test_overview__day_of_a_batch__promised_then_paid(world: World) -> None:
    world.approved("alice")
    built = build(world)
    promised = world.do.overseeing.overview().book
    approve_and_execute(world, built)
    world.chain.settle()
    world.do.reconciling.reconcile()
    paid = world.do.overseeing.overview().book

    assert (promised.to_pay, promised.paid_today, promised.used_today) == (50_000_000, 0, 50_000_000)
    assert [batch.id for batch in promised.open_batches] == [built.batch.id]
    assert (paid.to_pay, paid.paid_today, paid.open_batches) == (0, 50_000_000, ())
    world.chain.mine(seconds=86_400)
    assert world.do.overseeing.overview().book.used_today == 0


def test_overview__open_claims__by_state_and_first_reason(world: World) -> None:
    world.claimed("alice")
    rejected = world.claimed("bob", OTHER_BUYER)
    world.do.reviewing.reject(rejected.id, reviewer="rita", reason="x", final=True)

    book = world.do.overseeing.overview().book

    assert {state: count for state, count in book.claims_by_state.items() if count} == {
        "PENDING": 1,
        "REJECTED": 1,
    }
    assert book.open_by_reason == {"LIQUIDATED_IN_WINDOW": 1}
    assert book.open_exposure == 50_000_000


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        (550_000_000, []),
        (550_000_001, ["HOT_WALLET_ABOVE_MAX"]),
        (50_000_000, []),
        (49_999_999, ["HOT_WALLET_BELOW_BATCH"]),
    ],
)
def test_alerts__balance_of_the_vault__above_max_or_below_the_batch(
    world: World, balance: int, expected: list[str]
) -> None:
    world.approved("alice")
    build(world)
    world.chain.balance = balance

    assert codes(synced(world)) == expected


def test_overview__chain_down__balance_unknown_and_said(world: World) -> None:
    synced(world)

    def down() -> int:
        raise ChainError("the node does not answer")

    world.chain.vault_balance = down  # type: ignore[method-assign]

    assert world.do.overseeing.overview().vault_balance is None
    assert codes(world) == ["CHAIN_UNREADABLE"]
    assert overview_answer(world.do.overseeing.overview())["hotWallet"]["balanceUsdc"] is None


@pytest.mark.parametrize(("amount", "warned"), [(399_999_999, False), (400_000_000, True)])
def test_alerts__share_of_the_cap__from_eighty_percent_on(world: World, amount: int, warned: bool) -> None:
    world.approved("alice")
    build(world)
    with world.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE batch_items SET amount = {amount}")

    assert ("DAILY_CAP_NEARLY_USED" in codes(synced(world))) is warned


@pytest.mark.parametrize(("hours_ms", "warned"), [(24 * 3_600_000, False), (24 * 3_600_000 + 1, True)])
def test_alerts__oldest_claim__after_a_day(world: World, hours_ms: int, warned: bool) -> None:
    world.claimed("alice")
    world.clock.ahead_ms += hours_ms

    assert ("CLAIM_WAITS_LONG" in codes(world)) is warned
    assert world.do.overseeing.overview().book.oldest_pending_ms == hours_ms


@pytest.mark.parametrize(("age_ms", "count"), [(LEASE_MS - 1, 0), (LEASE_MS, 1)])
def test_alerts__fetch_without_an_end__from_its_lease_on(world: World, age_ms: int, count: int) -> None:
    world.claimed("alice")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claims SET state = 'VERIFYING'")
    world.clock.ahead_ms += age_ms

    assert world.do.overseeing.overview().book.dead_fetches == count
    assert ("FETCHES_DEAD" in codes(world)) is bool(count)


def test_alerts__payment_that_covers_nothing__until_it_is_resolved(world: World) -> None:
    tx_hash = hash32("lost")
    with synced(world).store.write() as unit:
        payment = UnmatchedPayment(tx_hash, 0, "PAYMENT_WRONG_AMOUNT", "x", 1)
        unit.payments.note_unmatched(payment, Act("sync", "PAYMENT_UNMATCHED", 1, {}))
    before = codes(world)
    world.do.paying.resolve_unmatched(tx_hash, 0, actor="op", resolution="refunded")

    assert (before, codes(world)) == (["PAYMENTS_UNMATCHED"], [])


def test_alerts__blocks_not_read__never_or_ten_minutes_ago(world: World) -> None:
    never = codes(world)
    now = codes(synced(world))
    world.chain.mine(seconds=601)
    late = codes(world)

    assert (never, now, late) == (["SYNC_LATE"], [], ["SYNC_LATE"])
    assert world.outside.site.checkout == CHECKOUT


class PaperJournals:
    def __init__(self, fault: str | None = None) -> None:
        self.fault = fault

    def stuck(self, *, for_ms: int) -> list[StuckIntent]:
        if self.fault is not None:
            raise JournalsError(self.fault)
        return [StuckIntent("execute-20260922", STRANGER, "sent", for_ms)]


@pytest.mark.parametrize(("fault", "code"), [(None, "INTENTS_STUCK"), ("unreadable", "JOURNALS_UNREADABLE")])
def test_alerts__journals_on_this_machine__stuck_or_unreadable(
    world: World, fault: str | None, code: str
) -> None:
    synced(world)
    outside = world.outside
    overseeing = Overseeing(
        outside.store,
        outside.clock,
        outside.chain,
        site=outside.site,
        parameters=outside.parameters,
        journals=PaperJournals(fault),
    )

    seen = overseeing.overview()

    assert [str(alert.code) for alert in overseeing.alerts(seen)] == [code]
    assert (overview_answer(seen)["stuckIntents"] is None) is (fault is not None)


def test_alerts__audit_entry_changed__said(world: World) -> None:
    synced(world).claimed("alice")
    with world.engine.begin() as connection:
        drop_audit_triggers(connection)
        connection.exec_driver_sql("UPDATE audit SET actor = 'mallory' WHERE seq = 2")

    assert "AUDIT_FAULT" in codes(world)


def test_overview_answer__every_gauge__money_as_decimal_strings(world: World) -> None:
    world.approved("alice")
    build(world)

    answer = overview_answer(synced(world).do.overseeing.overview())

    assert answer["dailyCap"] == {
        "capUsdc": "500.00",
        "paidTodayUsdc": "0.00",
        "toPayUsdc": "50.00",
        "usedUsdc": "50.00",
        "usedPercent": 10,
    }
    assert answer["exposure"] == {"openUsdc": "50.00", "maxUsdc": "2500.00"}
    assert (answer["audit"]["fault"], answer["warnings"]) == (None, [])
    assert answer["openBatches"][0]["ageS"] >= 0


# days


def test_per_day__claims_and_payouts__of_each_utc_day_today_last(world: World) -> None:
    world.approved("alice")
    approve_and_execute(world, build(world))
    world.chain.settle()
    world.do.reconciling.reconcile()

    days = world.do.overseeing.per_day(3)

    assert [(day.claims, day.payouts, day.paid) for day in days] == [
        (0, 0, 0),
        (1, 0, 0),
        (0, 1, 50_000_000),
    ]
    assert [day.day for day in days] == sorted(day.day for day in days)
    assert per_day_answer(days)[-1]["paidUsdc"] == "50.00"


@pytest.mark.parametrize("days", [0, -1, 367])
def test_per_day__no_such_span__invalid(world: World, days: int) -> None:
    with pytest.raises(InvalidInputError):
        world.do.overseeing.per_day(days)
