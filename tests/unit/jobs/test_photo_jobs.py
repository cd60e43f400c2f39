"""Jobs over many photos: order, failures, a killed process, cancellation, taking turns."""

import os
import signal
from dataclasses import replace

import pytest
from support.gates import Gate
from support.pools import pool_of
from support.waiting import wait_until

from emosense.errors import DamagedMedia, NoRoom, ServerBusy
from emosense.jobs.photo_jobs import PhotoItem, PhotoJob
from emosense.jobs.queue import JobQueue
from emosense.results import PhotoFailure
from emosense.samples import sample_photo
from emosense.worker.usage import Account


def photo(name):
    return PhotoItem(name, sample_photo)


def ended(job):
    wait_until(
        lambda: job.is_finished, lambda: f"{len(job.done)} of {job.total} photos", timeout=200
    )
    return job


def photo_job(*items):
    return PhotoJob(name="photos", items=items, model="cnn8")


def test_every_photo_gets_its_answer_or_its_reason(worker):
    def broken():
        raise DamagedMedia("It cannot be unpacked.")

    def surprising():
        raise ZeroDivisionError("by chance")

    items = (
        photo("a.jpg"),
        PhotoItem("b.jpg", broken),
        PhotoItem("c.jpg", lambda: b"no photo"),
        PhotoItem("d.jpg", surprising),
        photo("e.jpg"),
    )
    job = photo_job(*items)
    JobQueue(pool_of(worker)).submit(job)
    results = [done.result for done in ended(job).done]
    assert [result.source for result in results] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert [isinstance(r, PhotoFailure) for r in results] == [False, True, True, True, False]
    assert results[1].message == "It cannot be unpacked."
    assert "Expected a photo" in results[2].message
    assert "by chance" in results[3].message
    assert results[4].faces[0].emotion == "happy"
    assert job.done[4].preview.startswith(b"\xff\xd8")
    assert len(job.done[4].crops) == 1
    assert job.items == ()  # the uploads can go


def test_a_killed_process_costs_no_photo(worker, gates):
    job = photo_job(*(photo(f"{i}.jpg") for i in range(60)))
    with Gate(gates, "5.jpg") as gate:
        JobQueue(pool_of(worker)).submit(job)
        gate.wait()
        assert len(job.done) == 5
        os.kill(worker.pid, signal.SIGKILL)
    assert [done.result.source for done in ended(job).done] == [f"{i}.jpg" for i in range(60)]
    assert not any(isinstance(done.result, PhotoFailure) for done in job.done)


def test_cancelled_jobs_keep_what_is_done(worker, gates):
    job = photo_job(*(photo(f"{i}.jpg") for i in range(200)))
    with Gate(gates, "3.jpg") as gate:
        JobQueue(pool_of(worker)).submit(job)
        gate.wait()
        assert job.seconds_left > 0
        job.cancelled.set()
    assert len(ended(job).done) == 4  # the one at work is still answered


def test_two_jobs_take_turns(worker, gates):
    first = photo_job(*(photo(f"{i}.jpg") for i in range(60)))
    second = photo_job(*(photo(f"{i}.jpg") for i in range(10)))
    queue = JobQueue(pool_of(worker))
    with Gate(gates, "photo") as gate:
        queue.submit(first)
        gate.wait()
        queue.submit(second)
        for turn in range(20):
            gate.wait()
            wait_until(
                lambda: len(queue.pool.lanes["all"].scheduler.waiting) == 1,
                "the other job does not wait its turn",
            )
            assert (len(first.done), len(second.done)) == ((turn + 1) // 2, turn // 2)
            gate.let_one_through()
        assert len(ended(second).done) == 10
        assert len(first.done) == 10
    ended(first)


def test_a_job_that_is_cancelled_while_it_waits_ends_without_results(worker, gates):
    first, waiting = photo_job(photo("a.jpg")), photo_job(photo("b.jpg"))
    queue = JobQueue(pool_of(worker))
    with Gate(gates, "a.jpg") as gate:
        queue.submit(first)
        gate.wait()
        queue.submit(waiting)
        wait_until(lambda: waiting.wait is not None, "it does not say that it waits")
        assert waiting.wait.ahead == 1
        queue.cancel(waiting)
        assert not ended(waiting).done
        assert not first.is_finished
    assert len(ended(first).done) == 1


def test_jobs_are_bounded_per_page_and_per_user(worker, gates):
    queue = JobQueue(pool_of(worker), max_session=1, max_user=2)
    ann = [Account("ann", tab) for tab in ("1", "1", "2", "3")]
    jobs = [replace(photo_job(photo("a.jpg")), account=account) for account in ann]
    with Gate(gates, "a.jpg"):
        queue.submit(jobs[0])
        with pytest.raises(ServerBusy, match="at most 1 unfinished analyses of one page"):
            queue.submit(jobs[1])
        queue.submit(jobs[2])
        with pytest.raises(ServerBusy, match="at most 2 unfinished analyses of one user"):
            queue.submit(jobs[3])
        queue.submit(other := replace(photo_job(photo("b.jpg")), account=Account("bob", "1")))
    for job in (jobs[0], jobs[2], other):
        ended(job)
    wait_until(lambda: not queue.unfinished, "ended jobs still count")
    queue.submit(jobs[1])
    ended(jobs[1])


def test_without_room_a_job_ends_with_what_it_has(worker):
    kept = []

    def keep(size):
        if len(kept) == 3:
            raise NoRoom("There is no room.")
        kept.append(size)

    job = photo_job(*(photo(f"{i}.jpg") for i in range(10)))
    job.keep = keep
    JobQueue(pool_of(worker)).submit(job)
    assert len(ended(job).done) == 3
    assert job.problem == "There is no room."
    assert job.error is None
    for size, done in zip(kept, job.done, strict=True):
        pictures = len(done.preview) + sum(map(len, done.crops))
        assert pictures < size < pictures + 10_000


def test_names_and_messages_count(worker):
    def broken():
        raise DamagedMedia("m" * 5000)

    kept = []
    job = photo_job(PhotoItem("n" * 60_000, broken))
    job.keep = kept.append
    JobQueue(pool_of(worker)).submit(job)
    ended(job)
    assert sum(kept) > 65_000


def test_a_fault_of_what_follows_leaves_the_job_finished(worker):
    queue, job = JobQueue(pool_of(worker)), photo_job(photo("a.jpg"))
    job.on_end = lambda: 1 / 0
    queue.submit(job)
    assert len(ended(job).done) == 1
    assert not queue.unfinished
