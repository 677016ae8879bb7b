"""The account at the exchange, out of a secret: a file, the environment, Secret Manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.cloud.secretmanager_v1 import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretManagerServiceClient,
)
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcTransport,
)

from hydrobid.adapters.secrets import secret_at
from hydrobid.bootstrap.exchange import account_in, nord_pool_of
from hydrobid.bootstrap.settings import ExchangeSettings
from hydrobid.domain.errors import ExchangeDenied, InvalidInput, NotFound, ServiceUnavailable

VERSION = "projects/p/secrets/exchange/versions/latest"
ACCOUNT = {
    "client_id": "a",
    "client_secret": "planted-secret",
    "username": "c",
    "password": "planted-password",
}


class Manager:
    """Secret Manager on loopback, as far as a secret's version is read; `answer` is what it says."""

    def __init__(self) -> None:
        self.answer: str | grpc.StatusCode = json.dumps(ACCOUNT)
        self.server = grpc.server(ThreadPoolExecutor(1))
        method = grpc.unary_unary_rpc_method_handler(
            self._access,
            AccessSecretVersionRequest.deserialize,
            AccessSecretVersionResponse.serialize,
        )
        service = "google.cloud.secretmanager.v1.SecretManagerService"
        handlers = {"AccessSecretVersion": method}
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, handlers),)
        )
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def client(self) -> SecretManagerServiceClient:
        channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        return SecretManagerServiceClient(
            transport=SecretManagerServiceGrpcTransport(channel=channel)
        )

    def _access(self, request, context):
        if isinstance(self.answer, grpc.StatusCode):
            context.abort(self.answer, "planted-secret is not for you")
        assert request.name == VERSION
        return AccessSecretVersionResponse(
            name=request.name, payload={"data": self.answer.encode()}
        )


@pytest.fixture
def manager() -> Iterator[Manager]:
    made = Manager()
    yield made
    made.server.stop(None)


@pytest.mark.parametrize("source", ["file", "env", "secret"])
def test_account__out_of_each_source_and_anew_each_time(
    source: str, tmp_path, monkeypatch: pytest.MonkeyPatch, manager: Manager
):
    file = tmp_path / "account.json"

    def keep(account: dict[str, str]) -> None:
        text = json.dumps(account)
        file.write_text(f"{text}\n")
        monkeypatch.setenv("PLANTED_ACCOUNT", text)
        manager.answer = text

    references = {
        "file": f"file:{file}",
        "env": "env:PLANTED_ACCOUNT",
        "secret": f"secret:{VERSION}",
    }
    secret = secret_at(references[source], manager.client)

    keep(ACCOUNT)
    assert account_in(secret).password.get_secret_value() == "planted-password"
    keep({**ACCOUNT, "password": "changed"})
    assert account_in(secret).password.get_secret_value() == "changed"


@pytest.mark.parametrize("reference", ["planted-secret", "file:", "secret:planted", "vault:x", ""])
def test_secret_at__a_text_that_is_no_reference_is_refused_and_not_shown(reference: str):
    with pytest.raises(InvalidInput, match="file:PATH, env:NAME or secret:") as caught:
        secret_at(reference)
    assert "planted" not in json.dumps(caught.value.as_document())


def test_secret_at__what_is_not_there_is_named(tmp_path):
    for reference, name in (
        (f"file:{tmp_path / 'none.json'}", "none.json"),
        ("env:NO_SUCH", "NO_SUCH"),
    ):
        with pytest.raises(NotFound, match=name):
            secret_at(reference)()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (grpc.StatusCode.NOT_FOUND, NotFound),
        (grpc.StatusCode.PERMISSION_DENIED, NotFound),
        (grpc.StatusCode.INTERNAL, ServiceUnavailable),
    ],
)
def test_secret_at__what_secret_manager_refuses_is_told_without_its_words(
    manager: Manager, status: grpc.StatusCode, error: type[Exception]
):
    manager.answer = status
    with pytest.raises(error) as caught:
        secret_at(f"secret:{VERSION}", manager.client)()
    assert "planted" not in f"{caught.value} {caught.value.as_document()}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "content", ['{"client_id": "a", "client_secret": "planted"}', "planted", "[]"]
)
def test_account__a_secret_without_one_is_refused_without_a_word_of_it(tmp_path, content: str):
    file = tmp_path / "account.json"
    file.write_text(content)

    with pytest.raises(ExchangeDenied, match="holds no account") as caught:
        account_in(secret_at(f"file:{file}"))

    assert "planted" not in json.dumps(caught.value.as_document())
    assert caught.value.__cause__ is None


def test_nord_pool_of__the_setting_has_to_be_a_reference():
    settings = ExchangeSettings(
        exchange_url="http://127.0.0.1:1",
        exchange_token_url="http://127.0.0.1:1",
        exchange_credentials="planted-secret",
    )
    with pytest.raises(InvalidInput) as caught:
        nord_pool_of(settings)
    assert "planted" not in str(caught.value)
