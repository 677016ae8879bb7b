"""What a local cloud keeps in its data folder: ports, credentials and a lock."""

from __future__ import annotations

import json
import socket
import stat

import pytest

from hydrobid.cli.local_cloud import ports
from hydrobid.cli.local_cloud.credentials import account_names, ensure_accounts
from hydrobid.cli.local_cloud.files import exclusive, write_atomically
from hydrobid.cli.local_cloud.layout import DataFolder
from hydrobid.domain.errors import Contended, InvalidInput
from hydrobid.domain.identifiers import ClientId, Portfolio

OWNERS = {"firestore": "firestore", "workflows": "workflows", "workflows-rest": "workflows"}


@pytest.fixture
def folder(tmp_path) -> DataFolder:
    return DataFolder(tmp_path)


def test_choose_ports__are_free_distinct_and_kept():
    first = ports.choose_ports(OWNERS, {}, [])
    assert len(set(first.values())) == len(OWNERS)
    assert all(ports.is_free(port) for port in first.values())
    assert ports.choose_ports(OWNERS, first, []) == first


def test_choose_ports__one_that_a_stranger_took_is_replaced(monkeypatch):
    monkeypatch.setattr(ports, "LET_GO_SECONDS", 0.0)
    kept = ports.choose_ports(OWNERS, {}, [])
    with socket.create_server((ports.LOOPBACK, kept["workflows-rest"])):
        chosen = ports.choose_ports(OWNERS, kept, ["firestore"])
        held = ports.choose_ports(OWNERS, kept, ["firestore", "workflows"])

    assert chosen["workflows-rest"] not in kept.values()
    assert {**chosen, "workflows-rest": kept["workflows-rest"]} == kept
    assert held == kept


def test_choose_ports__one_that_is_still_held_by_whoever_was_killed_is_waited_for(monkeypatch):
    kept = ports.choose_ports(OWNERS, {}, [])
    looks = iter([False, False, True])
    monkeypatch.setattr(ports, "is_free", lambda port: port not in held or next(looks))
    held = {kept["workflows-rest"]}

    assert ports.choose_ports(OWNERS, kept, []) == kept
    assert next(looks, None) is None


def test_choose_ports__one_that_is_set_is_used_or_refused(monkeypatch):
    port = ports.free_port([])
    monkeypatch.setenv("HYDROBID_WORKFLOWS_REST_PORT", str(port))

    assert ports.choose_ports(OWNERS, {}, [])["workflows-rest"] == port
    with (
        socket.create_server((ports.LOOPBACK, port)),
        pytest.raises(InvalidInput, match="HYDROBID_WORKFLOWS_REST_PORT"),
    ):
        ports.choose_ports(OWNERS, {}, [])


def test_ensure_accounts__makes_random_secrets_once_and_for_their_owner_only(folder):
    one, two = ClientId("one-client"), ClientId("two-client")
    ensure_accounts(folder, {one: Portfolio("first")})
    before = json.loads(folder.exchange_account(one).read_text())
    ensure_accounts(folder, {one: Portfolio("first"), two: Portfolio("second")})

    assert json.loads(folder.exchange_account(one).read_text()) == before
    known = json.loads(folder.exchange_accounts.read_text())
    assert known["users"]["one-client"]["password"] == before["password"]
    assert known["users"]["two-client"]["password"] != before["password"]
    assert len(before["password"]) >= 32
    assert account_names(folder) == ["one-client: first", "two-client: second"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.secrets.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o700


def test_exclusive__refuses_a_second_holder(folder):
    with (
        exclusive(folder.lock_file),
        pytest.raises(Contended, match="another hydrobid"),
        exclusive(folder.lock_file, seconds=0),
    ):
        pass
    with exclusive(folder.lock_file, seconds=0):
        pass


def test_write_atomically__a_failed_write_leaves_the_old_content(folder, monkeypatch):
    path = folder.root / "state.json"
    write_atomically(path, b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in folder.root.iterdir()] == ["state.json"]
