"""Eight processes run on one file at once: each waits for the others' transactions, and none is disturbed."""

import asyncio

from backedge.checkpoints import SqliteJournal

RUNS = [f"run{number}" for number in range(8)]


async def records(place):
    async with await SqliteJournal.open(place.database) as journal:
        return {run_id: await journal.read(run_id) for run_id in RUNS}


def test_eight_processes_that_make_and_write_one_file_all_end_right(warm, place, expected):
    ended = warm.run_all(place, RUNS)
    assert [each.errors for each in ended] == [""] * 8
    assert all(each.code == 0 and each.completed for each in ended)
    assert {each.output.splitlines()[-1] for each in ended} == {expected[0].model_dump_json()}
    for each, there in zip(ended, asyncio.run(records(place)).values(), strict=True):
        assert each.kept == {record.seq for record in there} == set(range(len(there)))
    for run_id in RUNS:
        assert sorted((place.folder / f"{run_id}.log").read_text().split()) == expected[1]
    assert place.intact()
