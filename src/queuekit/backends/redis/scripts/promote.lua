-- Make due messages ready.
--
-- KEYS    queue, delayed, leases
-- ARGV    limit (1 to 1000)
-- Returns how many; -1 where the queue keeps places, which this does not know
-- Promise Earliest first, at the tail.

local queue, delayed, leases = unpack(KEYS)
if redis.call('ZSCORE', leases, SIGN) then
  return -1
end
local due = due_messages(delayed, clock(), tonumber(ARGV[1]))
redis.call('LLEN', queue)
begin(leases)
promote(queue, delayed, due)
return #due
