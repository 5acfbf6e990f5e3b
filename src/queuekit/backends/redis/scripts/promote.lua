-- Make due messages ready.
--
-- KEYS    queue, delayed, leases
-- ARGV    limit (1 to 1000)
-- Returns how many
-- Promise Earliest first, at the tail.

local queue, delayed, leases = unpack(KEYS)
local due = due_messages(delayed, clock(), tonumber(ARGV[1]))
redis.call('LLEN', queue)
begin(leases)
promote(queue, delayed, due)
return #due
