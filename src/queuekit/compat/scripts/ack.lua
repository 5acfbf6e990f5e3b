-- Forget items that are done.
--
-- KEYS    items, ackbuf, backup, queue
-- ARGV    uids
-- Returns those that were not in flight
-- Promise No uid stays behind in flight. One that waits again, since its time was up, is taken
--         out of the queue as well if it is among the last thousand there; else it is dropped
--         where it is taken.

local items, ackbuf, backup, queue = unpack(KEYS)
local lost = {}
for i = 1, #ARGV do
  local uid = ARGV[i]
  local held = land(ackbuf, backup, uid)
  local known = redis.call('HDEL', items, uid) == 1
  if not held then
    lost[#lost + 1] = uid
    if known and redis.call('LPOS', queue, uid, 'MAXLEN', CHUNK) then
      redis.call('LREM', queue, 1, uid)
    end
  end
end
return lost
