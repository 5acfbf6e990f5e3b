"""The calls of HotQueue and SafeRedisQueue, on their own data in Redis. See docs/migrating.md."""
