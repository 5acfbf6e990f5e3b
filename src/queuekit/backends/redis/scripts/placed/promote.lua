-- Make due messages ready, where the queue keeps places.
--
-- KEYS    the twelve of the queue
-- ARGV    limit (1 to 1000)
-- Returns how many
-- Promise Earliest first, at the tails of their levels; whose group is busy waits for it.

local q = queue_at(1)
local due = due_messages(q.delayed, clock(), tonumber(ARGV[1]))
count_ready(q)
begin(q.leases)
promote_placed(q, due)
keep_signs(q)
return #due
