"""The jobs of a browser session: how many are kept, and what they hold."""

import pytest

from emosense.errors import NoRoom, ServerBusy
from emosense.jobs.job import Job, JobState
from emosense.ui.session.jobs import SessionJobs
from emosense.worker.usage import Account


class Nothing(Job):
    fraction = None

    def run(self, client):
        pass


class Queue:
    def __init__(self):
        self.busy = False

    def submit(self, job):
        if self.busy:
            raise ServerBusy("too many wait")
        job.state = JobState.DONE

    def cancel(self, job):
        job.cancelled.set()


@pytest.fixture
def jobs(memory, monkeypatch):
    monkeypatch.setattr("emosense.ui.session.jobs.session_account", lambda: Account("ann", "tab 1"))
    jobs = SessionJobs(Queue())
    yield jobs
    jobs.close()
    assert memory.held() == 0


def test_beyond_the_limit_the_visitor_is_asked_and_nothing_is_removed(jobs, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_RESULTS", "3")
    for number in range(3):
        jobs.submit(Nothing(name=str(number)))
    refused = Nothing(name="refused")
    with pytest.raises(NoRoom, match="at most 3 analyses that are kept"):
        jobs.submit(refused)
    assert refused.state is JobState.WAITING
    assert [job.name for job in jobs.jobs.values()] == ["0", "1", "2"]
    assert jobs.oldest_finished == 1
    jobs.discard(1)
    jobs.discard(1)  # a button that is pressed twice
    assert jobs.submit(refused) == 4


def test_what_jobs_keep_counts_until_they_are_removed(jobs, memory):
    first, second = Nothing(name="1"), Nothing(name="2")
    jobs.submit(first)
    jobs.submit(second)
    first.keep(200 * 2**20)
    with pytest.raises(NoRoom):
        second.keep(101 * 2**20)
    second.keep(100 * 2**20)
    jobs.remove(1)
    assert memory.held() == 100 * 2**20
    with pytest.raises(NoRoom, match="were removed"):  # it may be at work yet
        first.keep(1)


def test_a_job_that_was_not_taken_holds_nothing(jobs):
    jobs._queue.busy = True
    job = Nothing(name="1")
    with pytest.raises(ServerBusy, match="too many wait"):
        jobs.submit(job)
    assert jobs.oldest_finished is None
    with pytest.raises(NoRoom):
        job.keep(1)


def test_uploads_of_a_job_are_held_until_its_end(jobs):
    ended = []
    job = Nothing(name="1", on_end=lambda: ended.append("1"))
    jobs.submit(job, [b"photo"])
    jobs.submit(Nothing(name="2"))
    assert jobs.held_buffers() == [b"photo"]
    job.on_end()
    assert (jobs._uploads, ended) == ({}, ["1"])  # not only once somebody asks


def test_uploads_of_a_job_that_was_removed_are_held_until_its_end(jobs):
    job = Nothing(name="1")
    jobs.submit(job, [b"photo"])
    jobs.remove(1)
    assert jobs.held_buffers() == [b"photo"]  # it may be reading one yet
    job.on_end()
    assert jobs.held_buffers() == []


def test_uploads_of_a_job_that_was_not_taken_are_not_held(jobs):
    jobs._queue.busy = True
    job = Nothing(name="1")
    with pytest.raises(ServerBusy, match="too many wait"):
        jobs.submit(job, [b"photo"])
    assert jobs.held_buffers() == []
