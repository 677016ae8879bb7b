"""A cloud on loopback: Firestore, Pub/Sub and Workflows as their clients know them, and an exchange.

Nothing here imports hydrobid, and hydrobid imports nothing of this: the emulators are started as
processes and spoken to through the services' own protocols.
"""
