"""The services that all sessions share: lazily started, ended with the server."""

import psutil
import streamlit as st

from emosense.services import Services, services


def test_nothing_starts_before_it_is_needed(tmp_path):
    shared = Services(tmp_path)
    shared.close()
    assert not list(tmp_path.iterdir())


def test_the_spool_is_removed_at_the_end_and_made_anew_when_it_is_needed_again(tmp_path):
    shared = Services(tmp_path)
    first = shared.spool.new_folder()
    shared.close()
    assert not first.exists()
    assert shared.spool.new_folder().is_dir()
    shared.close()


def test_queues_are_the_same_for_all_and_their_processes_end(tmp_path):
    shared = Services(tmp_path)
    assert shared.photos is shared.photos
    assert shared.photos is not shared.videos
    workers = [
        worker
        for queue in (shared.photos, shared.videos)
        for lane in queue.pool.lanes.values()
        for worker in lane.workers
    ]
    # Ordinary and dear photos, what is encoded, one short video and two long ones.
    assert len(workers) == 6
    for worker in workers:
        worker.start()
    assert all(worker.pid is not None for worker in workers)
    leave_the_gpu = ["--cpu" in psutil.Process(worker.pid).cmdline() for worker in workers]
    assert leave_the_gpu == [True, True, True, False, False, False]  # it is for videos
    shared.close()
    assert all(worker.pid is None for worker in workers)


def test_a_visitor_who_clears_streamlits_caches_makes_no_second_queue():
    before = services().videos
    st.cache_resource.clear()
    st.cache_data.clear()
    assert services().videos is before
