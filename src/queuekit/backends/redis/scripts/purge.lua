-- Forget what is ready or delayed.
--
-- KEYS    queue, landing list, delayed
-- ARGV    none
-- Returns how many messages
-- Promise What is claimed stays with its owner.

local queue, landing, delayed = unpack(KEYS)
local count = redis.call('LLEN', queue) + redis.call('LLEN', landing)
  + redis.call('ZCARD', delayed)
if count > 0 then
  redis.call('UNLINK', queue, landing, delayed)
end
return count
