from __future__ import annotations

from pathlib import Path

from chaos.book import Arrival, Book, Execution, read


def test_what_was_written_is_read(tmp_path: Path) -> None:
    arrival = Arrival(1, 2.5, "k", "p0000007", whole=True)
    execution = Execution(1, 2.6, "k", "p0000007", 10_007, "eur")
    book = Book(tmp_path / "book")
    book.begins(2.0)
    book.arrived(arrival)
    book.executed(execution)
    book.taken(2, "k2", "p0000008", 9.0)
    book.declined(3, "k3")
    book.declared(4)
    book.looked_up("k", "paid")
    book.close()

    pages = read(tmp_path / "book")

    assert (pages.arrivals, pages.executions) == ([arrival], [execution])
    assert (set(pages.taken), pages.declined, pages.declared) == ({2}, {"k3": 3}, {4})
    assert (pages.looked_up, pages.lives) == ({"k": 1}, 1)


def test_a_line_that_a_kill_cut_off_was_never_acted_on(tmp_path: Path) -> None:
    book = Book(tmp_path / "book")
    book.begins(1.0)
    book.close()
    with (tmp_path / "book").open("a") as file:
        file.write('{"what":"execu')

    assert read(tmp_path / "book").executions == []
    assert read(tmp_path / "none").lives == 0
