"""What people write: so long at most, in one line, the same rule wherever a use case takes it."""

from collections.abc import Callable

import pytest
from liqpass.free_text import MAX_CHARACTERS, free_text, required_text
from liqpass.refusals import InvalidInputError
from paper_chain import STRANGER
from worlds import World

REFUSED = ["two\nlines", "\x00", "a\x1b[31mred", "\x7f", "\x85", "\ud800", "\u2028", "pay \u202eecila"]


@pytest.mark.parametrize("text", ["", "  ", "plain", "é 上海 🙂", "=1+1", "<b>", "x" * MAX_CHARACTERS])
def test_free_text__what_people_write__kept_without_the_space_around_it(text: str) -> None:
    assert free_text(f" {text}\n", "the reason") == text.strip()


@pytest.mark.parametrize("text", [*REFUSED[1:], "two\nlines", "x" * (MAX_CHARACTERS + 1)])
def test_free_text__too_long_or_with_control_characters__invalid(text: str) -> None:
    with pytest.raises(InvalidInputError, match="the reason"):
        free_text(f"a{text}b", "the reason")


@pytest.mark.parametrize("text", ["", " \t\n"])
def test_required_text__nothing_said__invalid(text: str) -> None:
    with pytest.raises(InvalidInputError, match="the reason is missing"):
        required_text(text, "the reason")


Write = Callable[[World, str], object]
WRITERS: dict[str, Write] = {
    "reviewer": lambda world, text: world.do.reviewing.approve("claim", reviewer=f"r{text}t"),
    "approve": lambda world, text: world.do.reviewing.approve("claim", reviewer="rita", reason=text),
    "reject": lambda world, text: world.do.reviewing.reject("claim", reviewer="r", reason=text, final=True),
    "reopen": lambda world, text: world.do.reviewing.reopen("claim", reviewer="rita", reason=text),
    "release": lambda world, text: world.do.releasing.release("claim", actor="op", reason=text),
    "mark_paid": lambda world, text: world.do.paying.mark_paid("order", actor="op", reason=text),
    "cancel": lambda world, text: world.do.selling.cancel("order", actor="op", reason=text),
    "resolve": lambda world, text: world.do.paying.resolve_unmatched("tx", 0, actor="op", resolution=text),
    "pause": lambda world, text: world.controlling.pause(actor="op", reason=text),
    "resume": lambda world, text: world.controlling.resume(actor="op", reason=text),
    "block": lambda world, text: world.controlling.block("wallet", STRANGER, actor="op", reason=text),
    "unblock": lambda world, text: world.controlling.unblock("wallet", STRANGER, actor="op", reason=text),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("text", ["two\nlines", "x" * (MAX_CHARACTERS + 1)])
def test_use_case__text_that_nobody_may_write__invalid_and_nothing_changed(
    world: World, write: Write, text: str
) -> None:
    before = world.snapshot()

    with pytest.raises(InvalidInputError):
        write(world, text)

    assert world.snapshot() == before
