-- Look at the oldest items that wait.
--
-- KEYS    queue, items
-- ARGV    limit
-- Returns items, oldest first
-- Promise Nothing is changed.

local uids = redis.call('LRANGE', KEYS[1], -tonumber(ARGV[1]), -1)
local found = {}
for i = #uids, 1, -1 do
  local item = redis.call('HGET', KEYS[2], uids[i])
  if item then
    found[#found + 1] = item
  end
end
return found
