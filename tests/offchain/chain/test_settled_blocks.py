"""`SettledBlocks`: every block is read for good once, and read anew where the chain below it has changed."""

from __future__ import annotations

import pytest
from liqpass.adapters.chain.errors import RpcAnswerError
from liqpass.adapters.chain.rpc import Block, BlockId
from liqpass.adapters.chain.settled_blocks import CHUNK, OVERLAP_BLOCKS, SettledBlocks, Walked, pieces

FIRST = 100
HEAD = FIRST + 2 * CHUNK + OVERLAP_BLOCKS + 4  # two whole pieces and one of five blocks are deep enough


class Node:
    """A chain of `head` blocks; from `changed` on their hashes are of fork `fork`."""

    def __init__(self, head: int) -> None:
        self.head, self.settled, self.changed, self.fork = head, head, head, 0

    def block(self, block: BlockId) -> Block | None:
        number = {"latest": self.head, "safe": self.settled}.get(block, block)
        assert isinstance(number, int)
        if number > self.head:
            return None
        fork = self.fork if number >= self.changed else 0
        return Block(number, f"0x{fork:02x}{number:062x}", 0, 1_000 + number)


class Reading:
    """What was kept, forgotten and told; raises once at the piece that begins at `fails_at`."""

    def __init__(self, node: Node) -> None:
        self.kept: list[tuple[int, int]] = []
        self.told: list[tuple[int, int]] = []
        self.forgotten = 0
        self.fails_at: int | None = None
        self.blocks = SettledBlocks(
            node,
            first_block=FIRST,
            settled="safe",
            progress=lambda block, last: self.told.append((block, last)),
        )

    def walk(self) -> Walked:
        return self.blocks.walk(self._keep, self._forget)

    def _keep(self, first: int, last: int) -> None:
        if first == self.fails_at:
            self.fails_at = None
            raise RpcAnswerError("eth_getLogs", 0, "not now")
        self.kept.append((first, last))

    def _forget(self) -> None:
        self.forgotten += 1
        self.kept.clear()


@pytest.fixture
def node() -> Node:
    return Node(HEAD)


@pytest.fixture
def reading(node: Node) -> Reading:
    return Reading(node)


ALL = [(FIRST, FIRST + CHUNK - 1), (FIRST + CHUNK, FIRST + 2 * CHUNK - 1), (FIRST + 2 * CHUNK, HEAD - 64)]


def test_walk__first__pieces_up_to_the_overlap(node: Node, reading: Reading) -> None:
    walked = reading.walk()

    assert reading.kept == ALL
    assert reading.told == [(last, HEAD - OVERLAP_BLOCKS) for _, last in ALL]
    assert walked == Walked(node.block("latest"), HEAD - OVERLAP_BLOCKS, HEAD - OVERLAP_BLOCKS + 1)


def test_walk__again__only_what_is_new(node: Node, reading: Reading) -> None:
    reading.walk()
    same = reading.walk()
    node.head += 3
    node.settled = node.head
    reading.walk()

    assert same.unread == HEAD - OVERLAP_BLOCKS + 1
    assert reading.kept == [*ALL, (HEAD - OVERLAP_BLOCKS + 1, HEAD - OVERLAP_BLOCKS + 3)]
    assert reading.forgotten == 0


def test_walk__settled_block_below_the_overlap__not_beyond_it(node: Node, reading: Reading) -> None:
    node.settled = FIRST + 7

    walked = reading.walk()

    assert (reading.kept, walked.deep, walked.unread) == ([(FIRST, FIRST + 7)], FIRST + 7, FIRST + 8)


def test_walk__chain_shorter_than_the_overlap__all_of_it_unread() -> None:
    reading = Reading(Node(FIRST + OVERLAP_BLOCKS - 1))

    walked = reading.walk()

    assert (reading.kept, walked.unread) == ([], FIRST)


def test_walk__settled_block_fell_back__what_was_read_stays(node: Node, reading: Reading) -> None:
    reading.walk()
    node.settled = FIRST

    walked = reading.walk()

    assert (reading.kept, walked.unread) == (ALL, HEAD - OVERLAP_BLOCKS + 1)


def test_walk__reorganised_above_what_was_read__nothing_forgotten(node: Node, reading: Reading) -> None:
    reading.walk()
    node.changed, node.fork = HEAD - OVERLAP_BLOCKS + 1, 1

    reading.walk()

    assert (reading.kept, reading.forgotten) == (ALL, 0)


def test_walk__reorganised_below__forgotten_and_read_anew(node: Node, reading: Reading) -> None:
    reading.walk()
    node.changed, node.fork = HEAD - OVERLAP_BLOCKS, 1

    reading.walk()

    assert (reading.kept, reading.forgotten) == (ALL, 1)


def test_walk__reorganised_between_two_pieces__read_anew_and_nothing_of_the_old_chain_kept(
    node: Node, reading: Reading
) -> None:
    """Looked at after the walk only, the last block is of the new chain, and what was kept first is not."""

    def reorganise(first: int, _: int) -> None:
        reading.kept.append((first, node.fork))
        node.changed, node.fork = FIRST, 1

    with pytest.raises(RpcAnswerError, match=f"the chain below block {FIRST + CHUNK} has changed"):
        reading.blocks.walk(reorganise, lambda: None)
    before = [*reading.kept]

    reading.walk()

    assert (before, reading.kept, reading.forgotten) == ([(FIRST, 0)], ALL, 1)


def test_walk__reading_fails__goes_on_with_the_same_piece(reading: Reading) -> None:
    reading.fails_at = FIRST + CHUNK
    with pytest.raises(RpcAnswerError):
        reading.walk()
    before = [*reading.kept]

    reading.walk()

    assert (before, reading.kept) == (ALL[:1], ALL)


def test_walk__node_without_the_block_read_last__raises_and_forgets_nothing(
    node: Node, reading: Reading
) -> None:
    reading.walk()
    node.head = node.settled = FIRST

    with pytest.raises(RpcAnswerError, match=f"the node has no block {HEAD - OVERLAP_BLOCKS}"):
        reading.walk()

    assert (reading.kept, reading.forgotten) == (ALL, 0)


@pytest.mark.parametrize(
    ("last", "found"),
    [(4, []), (5, [(5, 5)]), (CHUNK + 4, [(5, CHUNK + 4)]), (CHUNK + 5, [(5, CHUNK + 4), (CHUNK + 5,) * 2])],
)
def test_pieces__around_a_chunk__no_gap_and_no_overlap(last: int, found: list[tuple[int, int]]) -> None:
    assert list(pieces(5, last)) == found
