-- Store new items in another queue, under the uids of those they stand for, and forget these.
--
-- KEYS    items, ackbuf, backup, items and queue of the target
-- ARGV    uid, new item, uid, new item, ...
-- Returns the uids that were not in flight, for which nothing is stored
-- Promise One step.

local items, ackbuf, backup, target_items, target = unpack(KEYS)
local lost = {}
begin(items)
redis.call('LLEN', target)
redis.call('HLEN', target_items)
for i = 1, #ARGV, 2 do
  local uid = ARGV[i]
  if land(ackbuf, backup, uid) then
    redis.call('HDEL', items, uid)
    redis.call('HSET', target_items, uid, ARGV[i + 1])
    redis.call('LPUSH', target, uid)
  else
    lost[#lost + 1] = uid
  end
end
return lost
