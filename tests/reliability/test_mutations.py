"""Mutated photos and videos, straight to an inference process: what they cost and how they end.

benchmarks/fuzz.py sends 20,000 photos and 2,000 videos.
"""

import random

import pytest
from support.file_cost import ANSWERED, CostMeter, MeasuredWorker
from support.fuzz_series import measure, told
from support.mutation.cases import PHOTOS, VIDEOS, Case, Corpus
from support.mutation.jpeg import large_baseline

from emosense.errors import WorkerDied
from emosense.samples import sample_photo
from emosense.worker.messages import MeasureThroughput

pytestmark = pytest.mark.timeout(900)  # a minute on a machine that does nothing else

# Forms are large pictures: a few of them take most of the time.
FORM_SHARE = 0.01


@pytest.fixture(scope="module")
def corpus(astronaut, tmp_path_factory):
    return Corpus(11, astronaut, tmp_path_factory.mktemp("sound"), FORM_SHARE)


@pytest.fixture(scope="module")
def worker():
    with MeasuredWorker() as started:
        yield started


def test_photos(corpus, worker):
    costs = [measure(worker, corpus.photo(number), number) for number in range(200)]
    assert [told(cost) for cost in costs if cost.is_failure] == []
    outcomes = [cost.outcome for cost in costs]
    assert outcomes.count(ANSWERED) > 30
    assert outcomes.count("DamagedMedia") > 30
    assert {cost.kind for cost in costs} == set(PHOTOS)


def test_videos(corpus, worker):
    costs = [measure(worker, corpus.video(number), number) for number in range(30)]
    assert [told(cost) for cost in costs if cost.is_failure] == []
    outcomes = [cost.outcome for cost in costs]
    assert outcomes.count(ANSWERED) > 3
    assert outcomes.count("DamagedMedia") > 3
    assert {cost.kind for cost in costs} == set(VIDEOS)


def test_the_same_number_is_the_same_file(corpus, astronaut, tmp_path):
    again = Corpus(11, astronaut, tmp_path, FORM_SHARE)
    for number in range(0, 60, 3):
        assert again.photo(number) == corpus.photo(number)


def test_peak_memory_and_time_are_of_one_request_only(corpus, worker):
    small, large = corpus.photo(1), Case("large.jpg", "jpeg", large_baseline(random.Random(6)))
    first, dear, again = (measure(worker, case, 1) for case in (small, large, small))
    assert dear.megabytes > first.megabytes + 100
    assert again.megabytes < dear.megabytes - 100
    assert dear.seconds > again.seconds


def test_a_process_that_takes_too_long_is_ended(worker):
    with CostMeter(worker.pid, most_seconds=0.0), pytest.raises(WorkerDied):
        worker._worker.request(MeasureThroughput(model="cnn8"))
    assert worker.photo("again.png", "png", sample_photo()).outcome == ANSWERED
