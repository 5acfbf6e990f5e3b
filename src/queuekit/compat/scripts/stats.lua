-- Count the uids by state.
--
-- KEYS    queue, ackbuf, backup
-- ARGV    none
-- Returns waiting, in flight
-- Promise One moment.

return {redis.call('LLEN', KEYS[1]), redis.call('LLEN', KEYS[2]) + redis.call('LLEN', KEYS[3])}
