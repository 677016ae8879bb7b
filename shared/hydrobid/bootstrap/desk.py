"""The desk, wired: people's requests in, what they see and what came of their acts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hydrobid.adapters.clock import SystemClock
from hydrobid.adapters.desk_api.desk import Desk
from hydrobid.adapters.desk_api.openapi import description
from hydrobid.adapters.desk_api.routes import DESCRIPTION, found
from hydrobid.adapters.desk_tokens import TokenPeople, token_digest
from hydrobid.adapters.firestore import FirestoreDocuments
from hydrobid.adapters.iap_people import IapPeople
from hydrobid.adapters.pubsub import PubSubMessages
from hydrobid.adapters.structured_logs import label
from hydrobid.bootstrap.outcomes import Done
from hydrobid.bootstrap.requests import request_of
from hydrobid.bootstrap.settings import DeskSettings
from hydrobid.bootstrap.topology import database_id, topic_path
from hydrobid.pipeline.ports import Clock, Documents, Messages, People

__all__ = ["ask", "people_of", "token_digest"]


@dataclass(frozen=True)
class _Wired:
    settings: DeskSettings
    documents: Documents
    clock: Clock
    messages: Messages
    people: People


@lru_cache(maxsize=1)
def _wired() -> _Wired:
    settings = DeskSettings()
    return _Wired(
        settings,
        FirestoreDocuments(settings.project, database_id(settings.client)),
        SystemClock(settings.clock_file),
        PubSubMessages(lambda topic: topic_path(settings.project, settings.client, topic)),
        people_of(settings),
    )


def people_of(settings: DeskSettings) -> People:
    """Return how people show who they are, as the settings say."""
    if settings.desk_iap_audience is not None:
        return IapPeople(settings.desk_iap_audience)
    if settings.desk_tokens_file is not None:
        return TokenPeople(settings.desk_tokens_file)
    raise AssertionError("the settings name one way")


def ask(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    content: Any,
) -> Done:
    """Return what a person asks for, or what came of what they have decided.

    headers: named in lower case. content: the body as JSON, None where it is none. Raises:
        HydrobidError: as the use cases do; Unauthenticated before anything else is looked at.
    """
    if (method, path) == ("GET", DESCRIPTION):
        return Done("described", {"path": path}, description())
    wired = _wired()
    person = wired.people.who_asks(headers)
    route, names = found(method, path)
    label({"client": wired.settings.client, **{n: v for n, v in names.items() if n == "run"}})
    form = None if route.form is None else request_of(route.form, content)
    desk = Desk(wired.settings.client, wired.documents, wired.clock, wired.messages, person)
    answer = route.act(desk, names, query, form)
    return Done(f"{route.name} by {person}", {"path": path, "by": person}, answer)
