"""A client's dead letters, wired: which subscription keeps them, and where each came from."""

from __future__ import annotations

from hydrobid.adapters.dead_letters import DeadLetter, DeadLetters
from hydrobid.bootstrap.deployment import KEPT
from hydrobid.bootstrap.settings import CloudSettings
from hydrobid.bootstrap.topology import subscription_path, topic_path, topology
from hydrobid.domain.identifiers import ClientId

__all__ = ["DeadLetter", "DeadLetters", "dead_letters_of"]


def dead_letters_of(settings: CloudSettings, client: ClientId) -> DeadLetters:
    """Return the dead letters of a client in the cloud that the settings name."""
    declared, project = topology(), settings.project
    return DeadLetters(
        subscription_path(project, client, declared.dead_letters, KEPT),
        {
            subscription_path(project, client, name, topic.function): topic_path(
                project, client, name
            )
            for name, topic in declared.topics.items()
        },
    )
