-- Forget what waits.
--
-- KEYS    queue, items
-- ARGV    none
-- Returns how many items
-- Promise What is in flight stays with its owner.

local count = 0
local uids = redis.call('LPOP', KEYS[1], CHUNK)
while uids do
  count = count + redis.call('HDEL', KEYS[2], unpack(uids))
  uids = redis.call('LPOP', KEYS[1], CHUNK)
end
return count
