from collections.abc import Iterable

from racepage.stress import words
from racepage.stress.cell import Cell, Limits, Result, Surprise
from racepage.stress.plan import cells
from racepage.stress.summary import Summary, summed_up, to_data

LIMITS = Limits(100, None)
CORRECT = cells(("abba:correct",), ("random",), range(3))
RACY = cells(("abba:abba",), ("random",), range(3))  # a lock order, and a deadlock
SURPRISE = Surprise("data-race", "this races", 4, "racepage replay rp1:x")


def result(
    cell: Cell, *first: int | None, exhaustive: bool = False, surprises: Iterable[Surprise] = ()
) -> Result:
    return Result(cell, 100, 1000, 1.0, exhaustive, first, tuple(surprises))


def summary(wanted: list[Cell], *results: Result) -> Summary:
    return summed_up(wanted, {one.cell: one for one in results}, LIMITS, 9.0)


def told(of: Summary) -> str:
    return "\n".join(words.remarks(of))


def test_correct_and_nothing_found_is_clean() -> None:
    clean = summary(CORRECT, *map(result, CORRECT))
    assert clean.rows[0].outcome == "clean"
    assert clean.verdict == "expected"
    assert words.cells_of(clean.rows[0])[-1] == "clean, not all"
    assert "1 of 1 correct variants clean, 0 of them proved" in told(clean)


def test_correct_and_everything_seen_is_proved() -> None:
    proved = summary(CORRECT[:1], result(CORRECT[0], exhaustive=True))
    assert proved.rows[0].outcome == "proved"
    assert words.cells_of(proved.rows[0])[-1] == "proved clean: these are all"
    assert "1 of 1 correct variants clean, 1 of them proved" in told(proved)


def test_a_finding_where_nothing_is_expected_is_unexpected_and_has_its_command() -> None:
    first, *others = CORRECT
    wrong = summary(CORRECT, result(first, surprises=[SURPRISE]), *map(result, others))
    assert wrong.verdict == "unexpected"
    assert words.cells_of(wrong.rows[0])[-1] == "UNEXPECTED: data-race"
    assert (
        "abba:correct rounds=3 free=1, random seed 0, execution 4: RP001 data-race: this races\n"
        "    racepage replay rp1:x\n"
    ) in told(wrong)
    assert "0 of 1 correct variants clean" in told(wrong)


def test_the_first_execution_is_the_median_of_those_that_found_something() -> None:
    found = summary(
        RACY, result(RACY[0], 7, None), result(RACY[1], 9, 3), result(RACY[2], None, None)
    )
    row = found.rows[0]
    # Of 7 and 9 the lower one.
    assert (row.outcome, row.found, row.first) == ("found", [2, 1], [7, 3])
    assert words.cells_of(row)[2:] == (300, "2/3, 1/3", "7, 3", "found")
    assert found.verdict == "expected"
    assert "1 of 1 racy ones with all that they have and nothing else" in told(found)


def test_what_nobody_came_upon_is_incomplete() -> None:
    lacking = summary(RACY, *(result(cell, 1, None) for cell in RACY))
    assert lacking.verdict == "incomplete"
    assert [(one.expected.kind, one.refuted) for one in lacking.missing] == [("deadlock", False)]
    assert "nobody found the deadlock between send and send_back" in told(lacking)
    assert "0 of 1 racy ones" in told(lacking)


def test_what_a_search_that_saw_everything_did_not_come_upon_is_unexpected() -> None:
    (cell,) = cells(("abba:abba",), ("dpor",), [])
    refuted = summary([cell], result(cell, 1, None, exhaustive=True))
    assert refuted.verdict == "unexpected"
    assert "a search saw every execution" in told(refuted)


def test_what_one_strategy_missed_another_may_find() -> None:
    (cell,) = cells(("abba:abba",), ("round-robin",), [])
    both = summary([cell, *RACY], result(cell, 1, None), *(result(one, None, 2) for one in RACY))
    assert both.verdict == "expected"
    assert both.missing == []


def test_a_strategy_that_finds_nothing_missed_it() -> None:
    missed = summary(RACY, *(result(cell, None, None) for cell in RACY))
    assert words.cells_of(missed.rows[0])[2:] == (300, "0/3, 0/3", "-, -", "not found")


def test_a_cell_that_is_not_finished_makes_it_incomplete() -> None:
    half = summary(CORRECT, *map(result, CORRECT[:1]))
    assert half.verdict == "incomplete"
    assert half.unfinished == 2
    assert words.cells_of(half.rows[0])[-1] == "2 cells not finished"
    assert "3 cells of at most 100 executions, 2 cells not finished" in told(half)


def test_what_is_missing_is_not_asked_before_all_cells_are_finished() -> None:
    assert summary(RACY, result(RACY[0], None, None)).missing == []


def test_as_data_it_says_all_of_it() -> None:
    first, *others = CORRECT
    data = to_data(summary(CORRECT, result(first, surprises=[SURPRISE]), *map(result, others)))
    assert data["schema"] == "racepage-stress/1"
    assert data["verdict"] == "unexpected"
    (row,) = data["rows"]
    assert row["variant"] == "abba:correct"
    assert row["sizes"] == {"rounds": 3, "free": 1}
    assert [one["seed"] for one in row["results"]] == [0, 1, 2]
    assert row["results"][0]["surprises"] == [
        {
            "kind": "data-race",
            "message": "this races",
            "execution": 4,
            "command": "racepage replay rp1:x",
        }
    ]
