"""The ports' counterparts in the world, and the same ports in memory."""
