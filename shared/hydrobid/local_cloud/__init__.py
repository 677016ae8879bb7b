"""A cloud on this machine: its processes, ports, clock and credentials, kept in one data folder."""
