-- Look for expired claims.
--
-- KEYS    leases
-- ARGV    limit
-- Returns tokens, by deadline
-- Promise Nothing is changed.

return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text(clock()), 'LIMIT', 0, tonumber(ARGV[1]))
