"""The REST API's videos: whose they are, what they take, and when they go."""

import io

import pytest
from support.waiting import wait_until

from emosense.errors import Cancelled, MediaTooLarge, NoRoom, ServerBusy, UnsupportedMedia
from emosense.media.sample_clip import write_sample_clip
from emosense.rest.video_store import VideoStore
from emosense.services import Services
from emosense.video.options import VideoOptions
from emosense.worker.usage import Account

ANN, BOB = (Account(name, name, "API key") for name in ("ann", "bob"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_sample_clip(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    services = Services(tmp_path_factory.mktemp("spool"))
    yield services
    services.close()


@pytest.fixture
def store(shared):
    store = VideoStore(shared)
    yield store
    store.close()


def add(store, content, account=ANN, size=None, is_cancelled=lambda: False):
    return store.add(
        account,
        "clip.mp4",
        io.BytesIO(content),
        len(content) if size is None else size,
        "emosense-s",
        VideoOptions(per_second=1),
        is_cancelled,
    )


def nothing_is_left(shared):
    assert shared.spool_budget.held() == 0
    assert shared.memory.held() == 0
    assert not list(shared.spool.folder.rglob("video"))


def ended(video):
    wait_until(lambda: video.job.is_finished, "the job runs", 200)
    assert video.job.error is None
    return video


def test_a_video_is_its_holders_and_takes_room_until_it_is_removed(store, shared, clip):
    video = ended(add(store, clip))
    assert len(video.id) == 22
    assert store.videos.find(video.id, "ann") is video
    assert store.videos.find(video.id, "bob") is None
    assert store.videos.find("", "ann") is None
    assert store.videos.of_owner("ann") == [video]
    assert store.videos.of_owner("bob") == []
    assert shared.spool_budget.held() == len(clip)
    assert shared.memory.held() > 0
    store.remove(video)
    store.remove(video)
    assert store.videos.find(video.id, "ann") is None
    nothing_is_left(shared)


@pytest.mark.parametrize("when", ["at once", "once it is stored"])
def test_a_video_whose_sender_hung_up_is_not_kept(store, shared, clip, when):
    def is_cancelled():
        return when == "at once" or bool(store.videos.of_owner("ann"))

    with pytest.raises(Cancelled):
        add(store, clip, is_cancelled=is_cancelled)
    assert store.videos.all() == []
    wait_until(lambda: not shared.videos.unfinished, "its job runs", 200)
    nothing_is_left(shared)


def test_a_video_expires_some_time_after_its_end(store, shared, clip, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_API_RESULT_MINUTES", "60")
    video = ended(add(store, clip))
    wait_until(lambda: video.expires is not None, "it does not expire", 20)
    assert 3500 < (video.expires - video.created).total_seconds() < 4000
    monkeypatch.setenv("EMOSENSE_MAX_API_RESULT_MINUTES", "0.0001")
    short = add(store, clip)
    wait_until(lambda: store.videos.find(short.id, "ann") is None, "it stays", 200)
    assert store.videos.of_owner("ann") == [video]
    store.remove(video)
    nothing_is_left(shared)


def test_a_video_with_boxes_is_made_once_and_removed_with_it(store, shared, clip):
    video = ended(add(store, clip))
    encoding = store.annotated(video)
    assert store.annotated(video) is encoding
    wait_until(lambda: encoding.is_finished, "the encoding runs", 200)
    assert encoding.is_ready
    assert store.annotated(video) is encoding
    encoding.failure = OSError("It failed.")
    assert store.annotated(video) is encoding  # once, so that it is told
    again = store.annotated(video)
    assert again is not encoding
    wait_until(lambda: again.is_finished, "the encoding runs", 200)
    assert [again.target] == list(video.job.path.parent.glob("annotated*"))
    store.remove(video)
    assert store.annotated(video) is None
    nothing_is_left(shared)


def test_what_is_no_video_leaves_nothing(store, shared, clip, monkeypatch):
    with pytest.raises(UnsupportedMedia):
        add(store, b"rubbish")
    with pytest.raises(MediaTooLarge, match=r"at most 500 MB\. Received: 600\.0 MB"):
        add(store, b"", size=600 * 2**20)
    nothing_is_left(shared)
    assert store.videos.of_owner("ann") == []


def test_one_holder_cannot_take_the_place_of_others(store, shared, clip, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_RESULTS", "1")
    video = ended(add(store, clip))
    with pytest.raises(NoRoom, match="at most 1 videos that are kept for one API key"):
        add(store, clip)
    ended(add(store, clip, BOB))
    with monkeypatch.context() as patch:  # another one came while this one was opened
        patch.setattr(store, "_check", lambda *arguments: None)
        with pytest.raises(NoRoom, match="at most 1 videos"):
            add(store, clip)
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_RESULTS", "9")
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_SPOOL_MB", "0.1")
    with pytest.raises(NoRoom, match="of one API key") as error:
        add(store, bytes(2**21))
    assert "page" not in str(error.value)
    monkeypatch.setattr(shared.videos, "_max_session", 0)
    monkeypatch.delenv("EMOSENSE_MAX_SESSION_SPOOL_MB")
    with pytest.raises(ServerBusy, match="at most 0 unfinished analyses of one API key"):
        add(store, clip)
    assert store.videos.of_owner("ann") == [video]


def test_the_end_of_the_server_removes_all(shared, clip):
    store = VideoStore(shared)
    for account in (ANN, BOB):
        add(store, clip, account)
    store.close()
    assert store.videos.of_owner("ann") == store.videos.of_owner("bob") == []
    assert not list(shared.spool.folder.rglob("video"))
