-- Forget what is ready or delayed.
--
-- KEYS    queue, landing list, delayed
-- ARGV    none
-- Returns how many messages; -1 where the queue keeps places: nothing is removed
-- Promise What is claimed stays with its owner.

local queue, landing, delayed = unpack(KEYS)
if redis.call('LINDEX', landing, 0) == WAKE then
  return -1
end
local count = redis.call('LLEN', queue) + redis.call('LLEN', landing)
  + redis.call('ZCARD', delayed)
if count > 0 then
  redis.call('UNLINK', queue, landing, delayed)
end
return count
