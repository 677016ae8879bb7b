"""Connectors: workflows that call the Pub/Sub, the Firestore and the executions beside them."""

from __future__ import annotations

import json

import pytest
from workflow_cloud import PARENT, WorkflowCloud

FIRESTORE = "googleapis.firestore.v1.projects.databases.documents"
PUBSUB = "googleapis.pubsub.v1.projects"
EXECUTIONS = "googleapis.workflowexecutions.v1.projects.locations.workflows.executions"
ROOT = "projects/local/databases/(default)/documents"


@pytest.fixture(scope="module")
def cloud():
    with WorkflowCloud(beside=("firestore", "pubsub")) as cloud:
        yield cloud


def result(execution: dict):
    assert execution["state"] == "SUCCEEDED", execution
    return json.loads(execution["result"])


def test_firestore__documents_are_written_read_queried_and_deleted(cloud):
    source = f"""
- create:
    call: {FIRESTORE}.createDocument
    args:
      parent: {ROOT}
      collectionId: lakes
      query: {{documentId: upper}}
      body: {{fields: {{level: {{integerValue: 900}}, name: {{stringValue: Upper}}}}}}
- change:
    call: {FIRESTORE}.patch
    args:
      name: {ROOT}/lakes/upper
      updateMask.fieldPaths: level
      currentDocument.exists: true
      body: {{fields: {{level: {{integerValue: 901}}}}}}
- add:
    call: {FIRESTORE}.commit
    args:
      database: projects/local/databases/(default)
      body:
        writes:
          - update: {{name: {ROOT}/lakes/lower, fields: {{level: {{integerValue: 300}}}}}}
- read:
    call: {FIRESTORE}.get
    args: {{name: {ROOT}/lakes/upper}}
    result: upper
- query:
    call: {FIRESTORE}.runQuery
    args:
      parent: {ROOT}
      body:
        structuredQuery:
          from: [{{collectionId: lakes}}]
          orderBy: [{{field: {{fieldPath: level}}}}]
    result: found
- count:
    call: {FIRESTORE}.list
    args: {{parent: {ROOT}, collectionId: lakes, mask.fieldPaths: [level]}}
    result: listed
- drop:
    call: {FIRESTORE}.delete
    args: {{name: {ROOT}/lakes/upper}}
- look:
    try:
      call: {FIRESTORE}.get
      args: {{name: {ROOT}/lakes/upper}}
    except:
      as: error
      steps:
        - tell:
            return:
              level: ${{int(upper.fields.level.integerValue)}}
              name: ${{upper.fields.name.stringValue}}
              found: ${{len(found)}}
              lowest: ${{found[0].document.fields.level.integerValue}}
              listed: ${{len(listed.documents)}}
              gone: ${{[error.code, error.body.error.status]}}
"""
    assert result(cloud.run("documents", source)) == {
        "level": 901,
        "name": "Upper",
        "found": 2,
        "lowest": "300",
        "listed": 2,
        "gone": [404, "NOT_FOUND"],
    }


def test_pubsub__messages_are_published_pulled_and_acknowledged(cloud):
    source = f"""
- topic:
    call: {PUBSUB}.topics.create
    args: {{name: projects/local/topics/levels, body: {{labels: {{of: lakes}}}}}}
- subscribe:
    call: {PUBSUB}.subscriptions.create
    args: {{name: projects/local/subscriptions/levels, body: {{topic: projects/local/topics/levels}}}}
- publish:
    call: {PUBSUB}.topics.publish
    args:
      topic: projects/local/topics/levels
      body: {{messages: [{{data: '${{base64.encode(text.encode("900"))}}', attributes: {{lake: upper}}}}]}}
    result: published
- pull:
    call: {PUBSUB}.subscriptions.pull
    args: {{subscription: projects/local/subscriptions/levels, body: {{maxMessages: 5}}}}
    result: pulled
- acknowledge:
    call: {PUBSUB}.subscriptions.acknowledge
    args:
      subscription: projects/local/subscriptions/levels
      body: {{ackIds: ['${{pulled.receivedMessages[0].ackId}}']}}
- list:
    call: {PUBSUB}.topics.list
    args: {{project: projects/local, pageSize: 10}}
    result: topics
- drop:
    call: {PUBSUB}.subscriptions.delete
    args: {{subscription: projects/local/subscriptions/levels}}
- tell:
    return:
      - ${{len(published.messageIds)}}
      - ${{text.decode(base64.decode(pulled.receivedMessages[0].message.data))}}
      - ${{pulled.receivedMessages[0].message.attributes.lake}}
      - ${{topics.topics[0].labels.of}}
"""
    assert result(cloud.run("messages", source)) == [1, "900", "upper", "lakes"]


def test_executions__are_listed_read_and_cancelled(cloud):
    cloud.deploy("child", "- nap: {call: sys.sleep, args: {seconds: 3600}}")
    source = f"""
- begin:
    call: {EXECUTIONS}.create
    args: {{parent: {PARENT}/workflows/child, connector_params: {{skip_polling: true}}}}
    result: child
- list:
    call: {EXECUTIONS}.list
    args: {{parent: {PARENT}/workflows/child, filter: 'state = "ACTIVE"'}}
    result: active
- cancel:
    call: {EXECUTIONS}.cancel
    args: {{name: "${{child.name}}"}}
- read:
    call: {EXECUTIONS}.get
    args: {{name: "${{child.name}}", view: BASIC}}
    result: ended
- tell: {{return: ["${{len(active.executions)}}", "${{ended.state}}"]}}
"""
    assert result(cloud.run("parent", source)) == [1, "CANCELLED"]


def test_arguments__that_do_not_fit_raise(cloud):
    source = f"""
main:
  params: [arguments]
  steps:
    - ask:
        try: {{call: {FIRESTORE}.get, args: "${{arguments}}"}}
        except: {{as: error, steps: [{{tell: {{return: "${{error.message}}"}}}}]}}
"""

    def told(**arguments) -> str:
        return result(cloud.run("refused", source, arguments))

    assert "needs the argument 'name'" in told()
    assert "has no argument 'document'" in told(name="x", document="y")
    assert "name must be a string" in told(name=1)
    assert "query has no parameter 'colour'" in told(name="x", query={"colour": 1})
    assert told(name="x", readTime="yesterday").startswith("ValueError: arguments are no Get")
    assert "HTTP server responded with error code 400" in told(name="lakes")


def test_connector_that_is_elsewhere__ends_the_execution_openly(cloud):
    source = """
- ask:
    try: {call: googleapis.storage.v1.buckets.list, args: {project: local}}
    except: {as: error, steps: [{hide: {return: "handled"}}]}
"""
    execution = cloud.run("elsewhere", source)
    assert execution["state"] == "FAILED"
    assert (
        "googleapis.storage.v1.buckets.list is not in this emulator"
        in execution["error"]["payload"]
    )


def test_api_without_a_host__raises_connection_failed_error():
    source = f"""
- ask:
    try: {{call: {PUBSUB}.topics.list, args: {{project: projects/local}}}}
    except: {{as: error, steps: [{{tell: {{return: "${{error}}"}}}}]}}
"""
    with WorkflowCloud() as alone:
        error = result(alone.run("alone", source))
    assert error["tags"] == ["ConnectionFailedError"]
    assert "(--pubsub-host)" in error["message"]
