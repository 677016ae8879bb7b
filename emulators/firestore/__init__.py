"""A Firestore on loopback: google.firestore.v1 over gRPC, its documents in SQLite."""
