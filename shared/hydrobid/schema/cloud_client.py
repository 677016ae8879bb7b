"""A client's file under `terraform/clients`: what it is given in the cloud.

Terraform reads the same file by the same rules (`terraform/modules/client/variables.tf`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.plan import SOLVES_DAYS_MAX, SOLVES_DAYS_MIN
from hydrobid.domain.stages import Stages
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.forms import Form, Whole
from hydrobid.schema.market_rules import market_of
from hydrobid.schema.yaml_document import read_yaml

Https = Annotated[str, Field(pattern=r"^https://\S+$")]
Address = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
Member = Annotated[str, Field(pattern=r"^(user|group|serviceAccount):[^@\s]+@[^@\s]+$")]
Name = Annotated[str, Field(min_length=1, max_length=300)]


class ExchangeAddresses(Form):
    """Where the exchange's API is, and where its tokens come from."""

    url: Https
    token_url: Https


class SolverSize(Form):
    """What each instance of the solver has, and how many there may be."""

    memory: Annotated[str, Field(pattern=r"^[0-9]+(Mi|Gi)$")] = "2Gi"
    cpu: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")] = "1"
    max_instances: Annotated[Whole, Field(ge=1)] = 60


class Retention(Form):
    """Days that backups are kept; whether the database outlives the client.

    solves_days: after its gate, days that what was solved for a run is kept; for ever if not said.
    """

    backups_days: Annotated[Whole, Field(ge=1, le=98)] = 30
    solves_days: Annotated[Whole, Field(ge=SOLVES_DAYS_MIN, le=SOLVES_DAYS_MAX)] | None = None
    keep_data: Annotated[bool, Field(strict=True)] = True


class Standby(Form):
    """A second region with the same functions and workflows, for when the first is lost.

    active: whether they work there. vpc_connector: the way out to the exchange from there.
    """

    region: Name
    vpc_connector: Name | None = None
    active: Annotated[bool, Field(strict=True)] = False


class CloudClientForm(Form):
    """A client in the cloud.

    client: the name of its file. market: one that is shipped. region: the platform's if not said.
    database_location: of the database alone, as eur3 in two regions at once; the region if not said.
    standby: only with a database in several regions.
    shard: which project it is in, where clients are spread over several.
    bids: false makes everything and pauses its jobs. stages: as in the client's configuration.
    rehearsal: true keeps its orders to itself and sends none. traces: true sends spans to Cloud Trace.
    alert_emails: beside the platform's. desk: people and groups who may come to the desk.
    uploaders: who may put files into its buckets.
    vpc_connector: the way out to the exchange. kms_key: what its data is encrypted with.
    """

    client: ClientId
    market: Name
    region: Name | None = None
    database_location: Name | None = None
    standby: Standby | None = None
    shard: Name = "main"
    bids: Annotated[bool, Field(strict=True)] = True
    stages: Stages = Stages()
    exchange: ExchangeAddresses
    rehearsal: Annotated[bool, Field(strict=True)] = False
    traces: Annotated[bool, Field(strict=True)] = False
    solver: SolverSize = SolverSize()
    alert_emails: list[Address] = Field(default_factory=list)
    desk: list[Member] = Field(default_factory=list)
    uploaders: list[Member] = Field(default_factory=list)
    retention: Retention = Retention()
    vpc_connector: Name | None = None
    kms_key: Name | None = None


def read_cloud_client(content: bytes, name: str) -> CloudClientForm:
    """Return what a client's file says; `name` is that of the file, without its suffix.

    Raises:
        InvalidInput: everything that is wrong with it.
    """
    findings = Findings()
    place = Place(findings, f"{name}.yaml")
    form = findings.settled(checked(CloudClientForm, read_yaml(content, place.document), place))
    if form.client != name:
        (place / "client").refuse(form.client, f"the name of its file, {name}")
    market = market_of(form.market, place / "market")
    if market is not None and form.stages.daily_run >= market.gate_closure.local_time:
        run = place / "stages" / "daily_run"
        run.refuse(
            f"{form.stages.daily_run:%H:%M}", f"before {market.gate_closure.local_time:%H:%M}"
        )
    _check_places(form, place)
    findings.raise_if_any()
    return form


def _check_places(form: CloudClientForm, place: Place) -> None:
    """Find what cannot be together in one region, or has to be in several."""
    standby, database = form.standby, form.database_location
    if form.kms_key is not None and (standby is not None or database is not None):
        wanted = "without database_location and standby: a key is in one region"
        (place / "kms_key").refuse(form.kms_key, wanted)
    if standby is None:
        return
    if database is None or "-" in database:
        where = place / "database_location"
        where.refuse(database, "several regions, as eur3: a database in one is lost with it")
    if standby.region == form.region:
        (place / "standby" / "region").refuse(standby.region, "another than the client's own")
    if (form.vpc_connector is None) != (standby.vpc_connector is None):
        connector = place / "standby" / "vpc_connector"
        connector.refuse(standby.vpc_connector, "one where the client has one, and only there")


def agree(
    form: CloudClientForm, configuration: ClientConfiguration, *, bids: bool
) -> CloudClientForm:
    """Return the form where it agrees with what the client's own folder says; raise InvalidInput.

    bids: whether that folder's client bids.
    """
    findings = Findings()
    place = Place(findings, f"{form.client}.yaml")
    own = f"as in the folder of {form.client}: "
    pairs: list[tuple[str, Any, Any]] = [
        ("market", form.market, str(configuration.market.id)),
        ("bids", form.bids, bids),
    ]
    stages, wanted = form.stages.to_document(), configuration.stages.to_document()
    for field, said, right in pairs:
        if said != right:
            (place / field).refuse(said, f"{own}{right}")
    for stage, right in wanted.items():
        if stages[stage] != right:
            (place / "stages" / stage).refuse(str(stages[stage]), f"{own}{right}")
    findings.raise_if_any()
    return form
