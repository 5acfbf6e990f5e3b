-- Recover what is due, then take the oldest items in flight.
--
-- KEYS    queue, ackbuf, backup, backuplock, items
-- ARGV    limit, milliseconds between two recoveries (0: none now)
-- Returns uid, item, uid, item, ...
-- Promise Each uid is in the queue or in flight at every moment; one without an item is dropped.

local queue, ackbuf, backup, lock, items = unpack(KEYS)
local limit, interval = tonumber(ARGV[1]), tonumber(ARGV[2])
begin(items)
if interval > 0 then
  recover(queue, ackbuf, backup, lock, items, interval, CHUNK)
end
local found = {}
for _ = 1, limit + 10 * CHUNK do
  local uid = #found < 2 * limit and redis.call('LMOVE', queue, ackbuf, 'RIGHT', 'LEFT')
  if not uid then
    break
  end
  local item = redis.call('HGET', items, uid)
  if item then
    found[#found + 1] = uid
    found[#found + 1] = item
  else
    redis.call('LPOP', ackbuf)
  end
end
return found
