"""Cloud Workflows on loopback: deploy, execute, callbacks; the language as Google documents it.

`source` to `checks` read a source, `interpreter` runs it, `journal` makes it survive a restart,
`hosting` performs its effects, the `*_service` modules answer the API over `rpc` and `rest`.
"""
