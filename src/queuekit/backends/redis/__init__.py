"""The transport on Redis and Valkey: a queue is a list of bodies, a claim is a list of its own."""
