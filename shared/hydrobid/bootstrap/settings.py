"""What a process is told by its environment; secrets come as files and are never shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hydrobid.domain.configuration import COMMITMENT_SOLVER, OWN_SOLVER
from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.domain.identifiers import ClientId, Identifier
from hydrobid.domain.plan import SOLVES_DAYS_MAX, SOLVES_DAYS_MIN


class CloudSettings(BaseSettings):
    """Where the cloud is. Variables begin with HYDROBID_, as HYDROBID_PROJECT.

    workflows_host: a Workflows server other than Google's, spoken to without TLS. Firestore and
    Pub/Sub follow FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST, as their clients do.
    scheduler_host: a local Scheduler; without one, jobs are made by whoever deploys to Google.
    clock_file: the offset of a local cloud's market time; market time is real time without one.
    """

    model_config = SettingsConfigDict(env_prefix="HYDROBID_")

    project: str = "hydrobid-local"
    location: str = "europe-north1"
    workflows_host: str | None = None
    scheduler_host: str | None = None
    clock_file: Path | None = None


class FunctionSettings(CloudSettings):
    """What every function knows: its cloud, and the one client that it serves."""

    client: ClientId


class DispatcherSettings(FunctionSettings):
    """solves_days: how long after its gate what was solved for a run is kept; for ever if not said.

    Only a database that deletes by it forgets anything: `retention` of the client's file in
    terraform/clients sets both.
    """

    solves_days: Annotated[int, Field(ge=SOLVES_DAYS_MIN, le=SOLVES_DAYS_MAX)] | None = None


class ExternalSolverSettings(BaseSettings):
    """external_solvers: JSON, a program and its arguments by the name that assets ask for.

    What is run is the deployment's to say: a client's document holds the name alone.
    """

    model_config = SettingsConfigDict(env_prefix="HYDROBID_")

    external_solvers: dict[Identifier, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )

    @field_validator("external_solvers")
    @classmethod
    def _others_than_ours(
        cls, value: dict[Identifier, tuple[str, ...]]
    ) -> dict[Identifier, tuple[str, ...]]:
        for ours in {OWN_SOLVER, COMMITMENT_SOLVER} & set(value):
            raise ValueError(f"other names than those of our own solvers, not {ours}")
        return value


class SolverSettings(FunctionSettings, ExternalSolverSettings):
    """solver_workers: tasks solved at once, each in a process of its own."""

    solver_workers: int = Field(default=1, ge=1)


class ExchangeSettings(CloudSettings):
    """The exchange's addresses, and where the secret is that holds the account at it.

    exchange_credentials: `file:`, `env:` or `secret:` and a place, as adapters/secrets.py has it. The
    secret is JSON: client_id, client_secret, username, password. exchange_rehearsal: nothing is sent;
    orders are kept in the client's own documents. reserve_folder: of an endpoint of the system
    operators' network, for clients whose market is of reserves.
    """

    exchange_url: str
    exchange_token_url: str
    exchange_credentials: str
    exchange_rehearsal: bool = False
    reserve_folder: Path | None = None


class SubmissionSettings(FunctionSettings, ExchangeSettings):
    """What submission knows: its client, and the exchange."""


class DeskSettings(FunctionSettings):
    """What the desk knows: its client, and how people show who they are, in one of two ways.

    desk_iap_audience: Identity-Aware Proxy's, as `/projects/NUMBER/locations/REGION/services/NAME`.
    desk_tokens_file: JSON, the digest of each person's token, for a local cloud.
    """

    desk_iap_audience: str | None = None
    desk_tokens_file: Path | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.desk_iap_audience is None) == (self.desk_tokens_file is None):
            raise ValueError("one of HYDROBID_DESK_IAP_AUDIENCE and HYDROBID_DESK_TOKENS_FILE")
        return self


class AlertSettings(BaseSettings):
    """Where alerts are told; nowhere unless an address is set. Empty variables count as not set.

    alert_webhook_url: secret, since a webhook's address often is all that it takes to use it.
    alert_webhook_secret_file: holds the key that signs what is posted. alert_email_to: addresses,
    separated by commas. smtp_credentials_file: JSON with username and password.
    """

    model_config = SettingsConfigDict(env_prefix="HYDROBID_", env_ignore_empty=True)

    alert_webhook_url: SecretStr | None = None
    alert_webhook_secret_file: Path | None = None
    alert_email_to: Annotated[tuple[str, ...], NoDecode] = ()
    alert_email_from: str = ""
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_credentials_file: Path | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Return the settings; raise InvalidInput naming each variable at fault, and no value."""
        try:
            return cls()
        except ValidationError as error:
            raise InvalidInput(
                [
                    Problem(
                        "environment",
                        f"HYDROBID_{'_'.join(map(str, fault['loc'])) or 'ALERT_EMAIL_TO'}".upper(),
                        "not shown",
                        fault["msg"],
                    )
                    for fault in error.errors(include_url=False, include_input=False)
                ]
            ) from None

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return the variables that are set, for a process that is to tell alerts.

        Secret as a whole: it is for a process's environment alone. Raises:
            InvalidInput: as `from_environment`.
        """
        cls.from_environment()
        names = (f"HYDROBID_{field.upper()}" for field in cls.model_fields)
        return {name: value for name in names if (value := os.environ.get(name))}

    @field_validator("alert_email_to", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.alert_email_to and not (self.alert_email_from and self.smtp_host):
            raise ValueError(
                "HYDROBID_ALERT_EMAIL_TO needs HYDROBID_ALERT_EMAIL_FROM and HYDROBID_SMTP_HOST"
            )
        return self
