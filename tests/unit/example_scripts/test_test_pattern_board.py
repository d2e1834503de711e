"""What keys, pointer and clipboard do to the picture, with a clock of the test's own."""

from __future__ import annotations

import pytest
from test_pattern_board import MAX_TYPED, Board
from test_pattern_picture import MAX_CLICKS, Click
from test_pattern_protocol import CutText, Key, Pointer

from tests.clock import Clock

RETURN, BACKSPACE, KEYPAD_ENTER = 0xFF0D, 0xFF08, 0xFF8D


@pytest.fixture
def board(clock: Clock) -> Board:
    return Board("Test #0", 800, 600, clock)


def press(board: Board, *keysyms: int) -> None:
    for keysym in keysyms:
        board.key(Key(True, keysym))
        board.key(Key(False, keysym))


def test_a_new_board_is_empty(board: Board) -> None:
    scene = board.scene()
    assert (scene.width, scene.height, scene.title, scene.typed) == (800, 600, "Test #0", "")
    assert (scene.pointer, scene.buttons, scene.clicks, scene.tick) == (None, 0, (), 0)


def test_characters_are_typed_once_for_each_time_they_go_down(board: Board) -> None:
    press(board, *map(ord, "Hi ~!"), 0xE9, 0x010020AC)
    assert board.scene().typed == "Hi ~!é€"


def test_return_and_backspace_do_what_they_do(board: Board) -> None:
    press(board, ord("a"), RETURN, ord("b"), KEYPAD_ENTER, ord("c"), BACKSPACE, BACKSPACE, ord("d"))
    assert board.scene().typed == "a\nbd"


def test_backspace_on_nothing_is_nothing(board: Board) -> None:
    press(board, BACKSPACE)
    assert board.scene().typed == ""


def test_only_the_end_of_much_typing_is_kept(board: Board) -> None:
    press(board, *[ord("a")] * MAX_TYPED, ord("z"))
    assert board.scene().typed == "a" * (MAX_TYPED - 1) + "z"


@pytest.mark.parametrize(
    ("keysym", "note"),
    [
        (0xFF51, "Key Left 0xff51"),
        (0xFFC9, "Key F12 0xffc9"),
        (0xFE03, "Key  0xfe03"),
        (0x01110000, "Key  0x1110000"),
    ],
)
def test_other_keys_are_named_in_the_note(board: Board, keysym: int, note: str) -> None:
    press(board, keysym)
    assert (board.scene().note, board.scene().typed) == (note, "")


def test_the_pointer_is_where_it_was_last_and_within_the_screen(board: Board) -> None:
    board.pointer(Pointer(0, 12, 34))
    assert board.scene().pointer == (12, 34)
    board.pointer(Pointer(0, 65535, 65535))
    assert board.scene().pointer == (799, 599)


def test_a_click_is_marked_once_where_the_button_went_down(board: Board) -> None:
    board.pointer(Pointer(1, 10, 20))
    board.pointer(Pointer(1, 30, 40))
    board.pointer(Pointer(0, 30, 40))
    board.pointer(Pointer(0b110, 50, 60))
    assert board.scene().clicks == (Click(10, 20, 0), Click(50, 60, 1), Click(50, 60, 2))
    assert board.scene().buttons == 0b110


def test_only_the_last_clicks_are_kept(board: Board) -> None:
    for x in range(20):
        board.pointer(Pointer(1, x, 0))
        board.pointer(Pointer(0, x, 0))
    assert [click.x for click in board.scene().clicks] == list(range(20 - MAX_CLICKS, 20))


@pytest.mark.parametrize(
    ("buttons", "note"), [(8, "Wheel up"), (16, "Wheel down"), (32, "Wheel left"), (64, "Wheel right")]
)
def test_the_wheel_leaves_no_mark(board: Board, buttons: int, note: str) -> None:
    board.pointer(Pointer(buttons, 1, 1))
    assert (board.scene().note, board.scene().clicks) == (note, ())


def test_the_clipboard_is_shown_in_one_short_line(board: Board) -> None:
    board.cut_text(CutText("two\nlines  " + "x" * 99))
    assert board.scene().note == "Clipboard: two lines " + "x" * 50


def test_the_tick_counts_tenths_of_a_second(board: Board, clock: Clock) -> None:
    clock.now += 1.25
    assert board.scene().tick == 12
    assert board.until_next_tick() == pytest.approx(0.05)


def test_it_takes_a_new_size(board: Board) -> None:
    board.resize(1024, 768)
    assert (board.scene().width, board.scene().height) == (1024, 768)
