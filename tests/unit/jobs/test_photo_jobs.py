"""Jobs over many photos: order, failures, a killed process, cancellation, taking turns."""

import os
import signal
import threading

import pytest
from support.gates import Gate
from support.waiting import wait_until

from emosense.errors import DamagedMedia
from emosense.jobs.photo_jobs import PhotoItem, PhotoJob
from emosense.jobs.queue import JobQueue
from emosense.results import PhotoFailure
from emosense.samples import sample_photo
from emosense.worker.fair_lock import FairLock


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
    JobQueue(worker, parallel=None).submit(job)
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
        JobQueue(worker, parallel=None).submit(job)
        gate.wait()
        assert len(job.done) == 5
        os.kill(worker.pid, signal.SIGKILL)
    assert [done.result.source for done in ended(job).done] == [f"{i}.jpg" for i in range(60)]
    assert not any(isinstance(done.result, PhotoFailure) for done in job.done)


def test_cancelled_jobs_keep_what_is_done(worker, gates):
    job = photo_job(*(photo(f"{i}.jpg") for i in range(200)))
    with Gate(gates, "3.jpg") as gate:
        JobQueue(worker, parallel=None).submit(job)
        gate.wait()
        assert job.seconds_left > 0
        job.cancelled.set()
    assert len(ended(job).done) == 4  # the one at work is still answered


def test_two_jobs_take_turns(worker, gates):
    first = photo_job(*(photo(f"{i}.jpg") for i in range(60)))
    second = photo_job(*(photo(f"{i}.jpg") for i in range(10)))
    queue = JobQueue(worker, parallel=None)
    with Gate(gates, "photo") as gate:
        queue.submit(first)
        gate.wait()
        queue.submit(second)
        for turn in range(20):
            gate.wait()
            wait_until(lambda: len(worker._lock) == 1, "the other job does not wait its turn")
            assert (len(first.done), len(second.done)) == ((turn + 1) // 2, turn // 2)
            gate.let_one_through()
        assert len(ended(second).done) == 10
        assert len(first.done) == 10
    ended(first)


def test_turns_are_given_in_the_order_of_asking():
    turns, order = FairLock(), []

    def take(number):
        with turns:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(20)]
    with turns:
        for number, thread in enumerate(threads):
            thread.start()
            wait_until(lambda number=number: len(turns) > number, "a thread does not wait")
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_a_turn_ends_with_an_error():
    turns = FairLock()
    with pytest.raises(KeyError), turns:
        raise KeyError
    with turns:
        assert len(turns) == 0
