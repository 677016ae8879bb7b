"""Cloud Workflows on loopback: deploy, execute, callbacks; the language as Google documents it.

`source` to `checks` read a source, `interpreter` runs it, `journal` makes it survive a restart,
`hosting` performs its effects, the `*_service` modules answer the API over `rpc` and `rest`.

Not implemented, and refused with a message that says so: connectors other than those in
`stdlib.connectors` (a deployment error), `experimental.executions` (the same), ListWorkflowRevisions
and filters of ListWorkflows (UNIMPLEMENTED), the http arguments `private_service_name` and
`ca_certificate` (a TypeError). Left out without a trace: the retries that connectors make on their
own, the backlog beyond 10,000 concurrent executions, the limit of one year, step entries, access
control. Regular expressions are Python's, not RE2's.
"""
