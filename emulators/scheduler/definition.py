"""What a caller says of a job: the fields of the Job resource that are not output only.

Rules and defaults: https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs
"""

import re
from datetime import timedelta
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Final, Self

import httpx
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from emulators.scheduler.names import project_of
from emulators.scheduler.protojson import Bytes, Duration, by_name_or_number
from emulators.scheduler.retrying import RetryPolicy
from emulators.scheduler.timetable import Timetable

OUTPUT_ONLY: Final = frozenset(
    {"userUpdateTime", "state", "status", "scheduleTime", "lastAttemptTime"}
)
LARGEST_JOB_BYTES: Final = 1 << 20
LONGEST_DESCRIPTION: Final = 500
LONGEST_URI: Final = 2083
LARGEST_HEADERS_BYTES: Final = 80 * 1024
_DEADLINES: Final = (timedelta(seconds=15), timedelta(minutes=30))
_DEFAULT_DEADLINE: Final = timedelta(minutes=3)
_DEFAULT_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"

_TOPIC: Final = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")


class HttpMethod(IntEnum):
    """The methods that an HTTP target may be called with, under Google's numbers."""

    HTTP_METHOD_UNSPECIFIED = 0
    POST = 1
    GET = 2
    HEAD = 3
    PUT = 4
    DELETE = 5
    PATCH = 6
    OPTIONS = 7


_WITH_BODY: Final = frozenset({HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH})


class _Message(BaseModel):
    """A message in protobuf's JSON form: camelCase, nothing unknown, defaults left out."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {name: value for name, value in document.items() if value is not None}

    @model_serializer(mode="wrap")
    def _default_is_absent(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = serialize(self).items()
        return {name: value for name, value in fields if value not in (None, "", 0, {})}


class PubsubTarget(_Message):
    """Publish one message to a topic."""

    topic_name: str
    data: Bytes = b""
    attributes: dict[str, str] = {}

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if not _TOPIC.fullmatch(self.topic_name):
            raise ValueError(f"topicName {self.topic_name!r}: want projects/PROJECT/topics/TOPIC")
        if not self.data and not self.attributes:
            raise ValueError(
                "Pubsub message must contain either non-empty data, or at least one attribute"
            )
        return self


class OidcToken(_Message):
    """Call with an OpenID Connect token; without an audience it is for the target's URI."""

    service_account_email: str = Field(min_length=1)
    audience: str = ""


class OAuthToken(_Message):
    """Call with an access token, which Google's own services take."""

    service_account_email: str = Field(min_length=1)
    scope: str = _DEFAULT_SCOPE


class HttpTarget(_Message):
    """Send one HTTP request."""

    uri: str = Field(max_length=LONGEST_URI)
    http_method: Annotated[
        HttpMethod,
        BeforeValidator(by_name_or_number(HttpMethod)),
        PlainSerializer(lambda method: method.name),
    ] = HttpMethod.POST
    headers: dict[str, str] = {}
    body: Bytes = b""
    oauth_token: OAuthToken | None = None
    oidc_token: OidcToken | None = None

    @field_validator("http_method")
    @classmethod
    def _post_by_default(cls, method: HttpMethod) -> HttpMethod:
        return method or HttpMethod.POST

    @field_validator("uri")
    @classmethod
    def _callable(cls, uri: str) -> str:
        try:
            url = httpx.URL(uri)
        except httpx.InvalidURL as error:
            raise ValueError(f"{uri!r} is no URI: {error}") from None
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError(f"{uri!r} must begin with http:// or https:// and name a host")
        return uri

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"{name!r}: {value!r} is no HTTP header of printable ASCII")
        size = sum(len(name) + len(value) for name, value in headers.items())
        if size >= LARGEST_HEADERS_BYTES:
            raise ValueError(f"{size} bytes; they must be less than {LARGEST_HEADERS_BYTES}")
        return headers

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.body and self.http_method not in _WITH_BODY:
            raise ValueError(f"a body goes with POST, PUT and PATCH, not {self.http_method.name}")
        if self.oauth_token and self.oidc_token:
            raise ValueError("only one of oauthToken and oidcToken can be set")
        return self


class RetryConfig(_Message):
    """When failed attempts are repeated; zero is unset, as everywhere in proto3."""

    retry_count: int = Field(default=0, ge=0, le=5)
    max_retry_duration: Duration = timedelta(0)
    min_backoff_duration: Duration = timedelta(seconds=5)
    max_backoff_duration: Duration = timedelta(hours=1)
    max_doublings: int = Field(default=5, ge=0, le=2**31 - 1)

    @model_validator(mode="before")
    @classmethod
    def _zero_is_unset(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {name: value for name, value in document.items() if value not in (0, "0s")}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_backoff_duration > self.max_backoff_duration:
            raise ValueError("minBackoffDuration must not be greater than maxBackoffDuration")
        return self

    def policy(self) -> RetryPolicy:
        """Return the policy in seconds."""
        return RetryPolicy(
            self.retry_count,
            self.max_retry_duration.total_seconds(),
            self.min_backoff_duration.total_seconds(),
            self.max_backoff_duration.total_seconds(),
            self.max_doublings,
        )


class JobDefinition(_Message):
    """A job as its caller defines it, with Google's defaults for what was left out.

    Whether schedule and time zone can be is told by `timetable`, which raises `InvalidSchedule`.
    """

    TARGETS: ClassVar[tuple[str, ...]] = ("pubsubTarget", "httpTarget")

    name: str
    description: str = Field(default="", max_length=LONGEST_DESCRIPTION)
    schedule: str
    time_zone: str = "UTC"
    pubsub_target: PubsubTarget | None = None
    http_target: HttpTarget | None = None
    retry_config: RetryConfig = RetryConfig()
    attempt_deadline: Duration | None = None

    @field_validator("time_zone")
    @classmethod
    def _utc_by_default(cls, time_zone: str) -> str:
        return time_zone or "UTC"

    @model_validator(mode="before")
    @classmethod
    def _deadline_of_target(cls, document: Any) -> Any:
        """Set the deadline of HTTP targets where there is none; others have none."""
        if not isinstance(document, dict):
            return document
        if document.get("httpTarget") is None:
            return {**document, "attemptDeadline": None}
        if document.get("attemptDeadline") in (None, "0s"):
            return {**document, "attemptDeadline": _DEFAULT_DEADLINE}
        return document

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.pubsub_target is None) == (self.http_target is None):
            raise ValueError("want exactly one target: pubsubTarget or httpTarget")
        shortest, longest = _DEADLINES
        if self.attempt_deadline and not shortest <= self.attempt_deadline <= longest:
            raise ValueError("attemptDeadline: want 15s to 1800s for an HTTP target")
        project = project_of(self.name)
        if self.pubsub_target and project_of(self.pubsub_target.topic_name) != project:
            raise ValueError(
                f"topicName {self.pubsub_target.topic_name!r}: the topic must be in the job's"
                f" project, {project}"
            )
        size = len(self.model_dump_json())
        if size > LARGEST_JOB_BYTES:
            raise ValueError(f"the job has {size} bytes; the maximum is {LARGEST_JOB_BYTES}")
        return self

    def timetable(self) -> Timetable:
        """Return when the job fires, or raise `InvalidSchedule`."""
        return Timetable.of(self.schedule, self.time_zone)

    def document(self) -> dict[str, Any]:
        """Return the definition in protobuf's JSON form, from which it can be made again."""
        return self.model_dump(by_alias=True)
