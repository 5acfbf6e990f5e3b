-- Store items at the tail.
--
-- KEYS    items, queue
-- ARGV    uid, item, uid, item, ...
-- Returns how many
-- Promise No uid waits without its item.

redis.call('LLEN', KEYS[2])
redis.call('HSET', KEYS[1], unpack(ARGV))
for i = 1, #ARGV, 2 do
  redis.call('LPUSH', KEYS[2], ARGV[i])
end
return #ARGV / 2
