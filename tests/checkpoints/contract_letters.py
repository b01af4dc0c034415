"""What every journal must do with letters. A part of `JournalContract`."""

import pytest

from backedge.engine.errors import FencedError, JournalWriteError, RunNotFoundError
from backedge.engine.records import LetterKind

from .samples import BIG, finished, header, letter, started


class LetterContract:
    async def test_letters_are_kept_in_the_order_they_were_posted_with_numbers_that_grow(self, journal):
        await journal.create(header(), started())
        sent = [letter(), letter("s", BIG, LetterKind.SIGNAL), letter("", b"null", LetterKind.CANCEL)]
        numbers = [await journal.post("demo", one) for one in sent]
        assert numbers == sorted(set(numbers))
        assert numbers[0] > 0
        found = await journal.letters("demo")
        assert found == [one._replace(number=number) for one, number in zip(sent, numbers, strict=True)]
        assert await journal.letters("demo", after=numbers[0]) == found[1:]
        assert await journal.letters("demo", after=numbers[2]) == []

    async def test_a_letter_reaches_its_run_alone_owned_or_not(self, journal):
        await journal.create(header("one"), started())
        two = await journal.create(header("two"), started())
        await two.release()
        await journal.post("two", letter("to two"))
        await journal.post("one", letter("to one"))
        assert [found.name for found in await journal.letters("one")] == ["to one"]
        assert [found.name for found in await journal.letters("two")] == ["to two"]

    async def test_a_letter_to_a_run_that_is_not_there_is_refused(self, journal):
        await journal.create(header("other"), started())
        with pytest.raises(RunNotFoundError, match="no run 'demo'; it holds 'other'"):
            await journal.post("demo", letter())
        with pytest.raises(RunNotFoundError, match="no run 'demo'"):
            await journal.letters("demo")
        assert await journal.letters("other") == []

    async def test_a_letter_whose_name_is_no_text_is_refused_and_disturbs_nobody(self, journal):
        log = await journal.create(header(), started())
        wait = log.append(finished(1))
        with pytest.raises(ValueError, match="surrogates"):
            await journal.post("demo", letter("\udc80"))
        await wait
        assert await journal.letters("demo") == []

    async def test_letters_that_were_taken_are_gone_with_the_records_that_took_them(self, journal):
        log = await journal.create(header(), started())
        first, second, third = [await journal.post("demo", letter(name)) for name in "abc"]
        await log.append(finished(1), finished(2), taken=[third, first])
        assert [found.number for found in await journal.letters("demo")] == [second]
        assert len(await journal.read("demo")) == 3

    async def test_letters_stay_when_the_records_that_take_them_are_refused(self, journal):
        log = await journal.create(header(), started())
        number = await journal.post("demo", letter())
        with pytest.raises(JournalWriteError, match="goes on with record 1"):
            await log.append(finished(5), taken=[number])
        assert [found.number for found in await journal.letters("demo")] == [number]

    async def test_a_fenced_owner_takes_no_letter(self, journal):
        old = await journal.create(header(), started())
        idle = await journal.acquire("demo", takeover=True)
        number = await journal.post("demo", letter())
        with pytest.raises(FencedError):
            await old.append(finished(1), taken=[number])
        await journal.acquire("demo", takeover=True)
        with pytest.raises(FencedError):
            await idle.append(taken=[number])
        assert len(await journal.letters("demo")) == 1

    async def test_a_letter_can_be_dropped_without_a_record(self, journal):
        log = await journal.create(header(), started())
        number = await journal.post("demo", letter())
        await log.append(taken=[number, number])
        assert await journal.letters("demo") == []
        assert len(await journal.read("demo")) == 1

    @pytest.mark.parametrize("whose", ["taken", "never sent", "another's"])
    async def test_a_letter_cannot_be_taken_that_is_not_there(self, journal, whose):
        log = await journal.create(header(), started())
        await journal.create(header("other"), started())
        number = await journal.post("other" if whose == "another's" else "demo", letter())
        if whose == "taken":
            await log.append(finished(1), taken=[number])
        before = len(await journal.read("demo"))
        missing = number + 1 if whose == "never sent" else number
        with pytest.raises(JournalWriteError, match=f"no letter {missing} to take"):
            await log.append(finished(before), taken=[missing])
        assert len(await journal.read("demo")) == before
        assert len(await journal.letters("other")) == (whose == "another's")

    async def test_a_number_is_not_used_again(self, journal):
        log = await journal.create(header(), started())
        number = await journal.post("demo", letter())
        await log.append(finished(1), taken=[number])
        assert await journal.post("demo", letter()) > number

    async def test_a_fork_has_letters_of_its_own(self, journal):
        from .samples import forked

        await journal.create(header(), started())
        await journal.post("demo", letter("before"))
        await journal.create(header("fork", parent=("demo", 0)), forked(1))
        await journal.post("fork", letter("after"))
        assert [found.name for found in await journal.letters("demo")] == ["before"]
        assert [found.name for found in await journal.letters("fork")] == ["after"]
