-- Keep uids in flight for another interval at the least.
--
-- KEYS    ackbuf, backup
-- ARGV    uids
-- Returns those that are not in flight
-- Promise What is not extended does not change.

local ackbuf, backup = unpack(KEYS)
local lost = {}
for i = 1, #ARGV do
  local uid = ARGV[i]
  if not redis.call('LPOS', ackbuf, uid) then
    if redis.call('LREM', backup, 0, uid) > 0 then
      redis.call('LPUSH', ackbuf, uid)
    else
      lost[#lost + 1] = uid
    end
  end
end
return lost
