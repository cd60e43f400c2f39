"""Keys of the REST API: who has one, and that a wrong one is told at the start."""

import hmac

import pytest

from emosense.asgi import api_keys
from emosense.asgi.api_keys import ApiKeys, read_api_keys
from emosense.errors import EmoSenseError

A, B = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture(autouse=True)
def none_set(monkeypatch):
    for name in ("EMOSENSE_API_KEY", "EMOSENSE_API"):
        monkeypatch.delenv(name, raising=False)


def test_without_keys_there_is_no_api():
    keys = read_api_keys()
    assert not keys.is_on
    assert keys.holder("") is None
    assert keys.holder("Bearer ") is None


def test_local_opens_it_only_where_there_is_no_key(monkeypatch):
    monkeypatch.setenv("EMOSENSE_API", "local")
    assert read_api_keys().is_on
    assert read_api_keys().holder("") == read_api_keys().holder(f"Bearer {A}") == "local"
    monkeypatch.setenv("EMOSENSE_API_KEY", A)
    assert read_api_keys().holder("") is None


@pytest.mark.parametrize(
    "text", [f"{A},{B}", f" {A} , {B} ", f"{A}\n{B}", f"{A},,{B},", f",{A} {B}"]
)
def test_keys_are_separated(monkeypatch, text):
    monkeypatch.setenv("EMOSENSE_API_KEY", text)
    assert read_api_keys().keys == (A, B)


@pytest.mark.parametrize("key", [A[:-1], A + "é", A + "\x7f", A + '"', "password", "=" * 16])
def test_weak_and_malformed_keys_end_the_start_without_being_told(monkeypatch, key):
    monkeypatch.setenv("EMOSENSE_API_KEY", f"{A},{key}")
    with pytest.raises(EmoSenseError, match=r"EMOSENSE_API_KEY: expected .* as key 2") as error:
        read_api_keys()
    assert key not in str(error.value)


def test_an_unknown_mode_ends_the_start(monkeypatch):
    monkeypatch.setenv("EMOSENSE_API", "yes")
    with pytest.raises(EmoSenseError, match=r"expected key or local\. Received: 'yes'"):
        read_api_keys()


def test_holders_have_names_that_do_not_tell_the_key():
    keys = ApiKeys((A, B))
    names = {keys.holder(f"Bearer {key}") for key in (A, B)}
    assert len(names) == 2
    assert not any(key[:4] in name for key in (A, B) for name in names)


@pytest.mark.parametrize("given", [A, B, "", "x", A[:-1]])
def test_every_key_is_compared_in_constant_time(monkeypatch, given):
    """Whichever is right: how long it takes tells nothing."""
    compared, compare_digest = [], hmac.compare_digest

    def compare(left, right):
        compared.append((len(left), len(right)))
        return compare_digest(left, right)

    monkeypatch.setattr(api_keys.hmac, "compare_digest", compare)
    ApiKeys((A, B)).holder(f"Bearer {given}")
    assert compared == [(32, 32), (32, 32)]


@pytest.mark.parametrize("given", ["é", "\udcff", "a" * 100_000, "\x00"])
def test_any_text_is_compared(given):
    assert ApiKeys((A,)).holder(f"Bearer {given}") is None


def test_an_open_api_and_a_login_do_not_go_together(monkeypatch):
    from emosense.ui import application

    monkeypatch.setenv("EMOSENSE_API", "local")
    monkeypatch.setenv("EMOSENSE_LOGIN", "yes")
    with pytest.raises(EmoSenseError, match="Expected only one of them"):
        application.routes()
    monkeypatch.setenv("EMOSENSE_API_KEY", A)
    assert [route.path for route in application.routes()][-1] == "/api/v1"
    monkeypatch.delenv("EMOSENSE_API_KEY")
    monkeypatch.setenv("EMOSENSE_LOGIN", "no")
    assert [route.path for route in application.routes()][-1] == "/api/v1"
