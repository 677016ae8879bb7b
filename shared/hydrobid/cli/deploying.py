"""The clients of a local cloud: deployed from their folders."""

from __future__ import annotations

from hydrobid.bootstrap.topology import resource_id, topology
from hydrobid.cli.clients import inputs_in
from hydrobid.client.connection import cloud_settings, speak_to
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.stages import Stages
from hydrobid.local_cloud.layout import DataFolder, Home
from hydrobid.local_cloud.state import CloudState
from hydrobid.pipeline.publish_inputs import has_inputs, publish_inputs
from hydrobid.schema import configuration_of


def deploy_clients(folder: DataFolder, *, scheduled: bool, state: CloudState) -> None:
    """Create or update the topics, subscriptions, workflows and cron jobs of every client.

    scheduled: whether the jobs fire by themselves. A client that has no inputs yet gets those of
    its folder, so that its daily run finds some. One whose folder has faults is deployed with the
    budgets that hold where nothing is said; its runs are refused.
    """
    # Google's clients take a second to import: only commands that need them wait for it.
    from hydrobid.bootstrap.console import Console  # noqa: PLC0415 - see above
    from hydrobid.bootstrap.deployment import deploy, deploy_jobs  # noqa: PLC0415

    speak_to(state)
    settings = cloud_settings(folder, state)
    console = Console(settings)
    for client in state.clients:
        urls = {name: state.url(resource_id(client, name)) for name in topology().functions}
        sources = Home(state.home).workflows
        try:
            inputs = inputs_in(state.clients_dir / client, now=console.clock.now())
        except InvalidInput:
            deploy(settings, client, Stages(), urls, sources)
            continue
        configuration = configuration_of(inputs.configuration)
        deploy(settings, client, configuration.stages, urls, sources)
        documents = console.documents(client)
        if not has_inputs(documents):
            publish_inputs(documents, console.clock, inputs.configuration, inputs.scenario_sets)
        deploy_jobs(
            settings, client, configuration.market, configuration.stages, paused=not scheduled
        )
