"""How fast the emulated Firestore and Pub/Sub are, beside a server that only stores bytes."""
