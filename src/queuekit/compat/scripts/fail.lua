-- Put items back at the tail, at once.
--
-- KEYS    items, ackbuf, backup, queue
-- ARGV    uids
-- Returns those that were not in flight, or had no item
-- Promise No uid waits twice, and none without an item.

local items, ackbuf, backup, queue = unpack(KEYS)
local lost = {}
begin(items)
for i = 1, #ARGV do
  local uid = ARGV[i]
  if land(ackbuf, backup, uid) and redis.call('HEXISTS', items, uid) == 1 then
    redis.call('LPUSH', queue, uid)
  else
    lost[#lost + 1] = uid
  end
end
return lost
