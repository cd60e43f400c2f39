"""Nobody can flood the log."""

import logging

import pytest

from emosense.ui import log_limit
from emosense.ui.log_limit import MAX_CHARACTERS, MAX_RECORDS, LogLimit


@pytest.fixture
def clock(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(log_limit.time, "monotonic", lambda: clock[0])
    return clock


@pytest.fixture
def log(clock, caplog):
    """A logger whose records are limited."""
    logger = logging.getLogger("emosense.test_log_limit")
    limit = LogLimit()
    logger.addFilter(limit)
    yield logger
    logger.removeFilter(limit)


def fail(log, error):
    try:
        raise error
    except Exception:
        log.exception("failed")


def test_the_rest_of_a_minute_is_counted(log, clock, caplog):
    for _ in range(2):
        for _ in range(100):
            log.warning("again %d", 1)
        clock[0] += 60
    assert len(caplog.messages) == 2 * MAX_RECORDS
    left_out = 100 - MAX_RECORDS
    assert caplog.messages[MAX_RECORDS] == f"again 1 ({left_out} more like this were left out)"
    assert caplog.messages.count("again 1") == 2 * MAX_RECORDS - 1


def test_other_places_have_records_of_their_own(log, caplog):
    for _ in range(100):
        fail(log, ValueError("a"))
        fail(log, KeyError("b"))
        log.warning("c")
    assert len(caplog.messages) == 3 * MAX_RECORDS
    assert all(record.exc_info for record in caplog.records if record.levelname == "ERROR")


def test_what_a_visitor_sent_does_not_make_a_record_long(log, caplog):
    log.warning("no fragment %s", "x" * 10**6)
    (told,) = caplog.messages
    assert told.startswith("no fragment xxx")
    assert len(told) < MAX_CHARACTERS + 100


def test_it_remembers_a_bounded_number_of_places(log):
    limit = LogLimit()
    for line in range(5000):
        limit.filter(logging.makeLogRecord({"pathname": "a.py", "lineno": line}))
    assert len(limit._since) == len(limit._counts) <= 1000
