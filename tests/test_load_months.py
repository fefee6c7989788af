"""Dates whose month is a word in another language than English are read; an unknown word is refused with what to do."""

import pytest

from asp_analysis.importers.tables.months import _MONTHS, NUMBER_OF
from asp_analysis.importers.tables.times import TimeReader


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("3. März 2026", "2026-03-03T00:00:00"),
        ("14 août 2026 09:30", "2026-08-14T09:30:00"),
        ("5 de mayo de 2026", "2026-05-05T00:00:00"),
        ("1 Ottobre 2026 18:00:01", "2026-10-01T18:00:01"),
        ("24-dez-2026", "2026-12-24T00:00:00"),
        ("2 févr. 2026, 07:00", "2026-02-02T07:00:00"),
    ],
)
def test_a_month_in_words_is_read(text, instant):
    assert TimeReader((), None).repair(text).isoformat() == instant


def test_its_local_time_has_the_zone_that_was_said():
    assert TimeReader((), "Europe/Berlin").repair("3. März 2026 10:00").isoformat() == "2026-03-03T09:00:00+00:00"


def test_an_unknown_word_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="'listopad' is no month that is known; write the month as a number"):
        TimeReader((), None).repair("3 listopad 2026")
    with pytest.raises(ValueError, match="31 Februar 2026' is no date"):
        TimeReader((), None).repair("31 Februar 2026")


def test_no_name_means_two_months():
    assert sum(len(names.split()) for names in _MONTHS) == len(NUMBER_OF)


def test_a_table_with_such_dates_loads(run, empty_store, tmp_path):
    (tmp_path / "runs.csv").write_text("executed_at,task_id,agent_role,cost_usd\n3. März 2026 10:00,T,Code,1\n")
    ran = run("load", tmp_path / "runs.csv", "--json", "--db", empty_store)
    assert ran.json["written"] == 1, ran.err
