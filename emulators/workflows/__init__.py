"""Cloud Workflows: deploy, execute, callbacks; the language as Google documents it.

`source` to `checks` read a source, `interpreter` runs it, `journal` makes it survive a restart,
`history` tells what it did, `hosting` performs its effects, the `*_service` modules answer the API over
`rpc` and `rest`. What is there, what is not and what differs from production: emulators/README.md.
"""
