"""What a process is told by its environment; secrets come as files and are never shown."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from hydrobid.domain.identifiers import ClientId


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


class SolverSettings(FunctionSettings):
    """solver_workers: tasks solved at once, each in a process of its own."""

    solver_workers: int = Field(default=1, ge=1)


class ExchangeSettings(CloudSettings):
    """The exchange's addresses, and the file that holds the account at it.

    The file is JSON: client_id, client_secret, username, password.
    """

    exchange_url: str
    exchange_token_url: str
    exchange_credentials_file: Path


class SubmissionSettings(FunctionSettings, ExchangeSettings):
    """What submission knows: its client, and the exchange."""
