"""The serializers that ship with queuekit, one module each; queues find them by name."""
