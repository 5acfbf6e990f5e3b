-- One turn of the recovery.
--
-- KEYS    queue, ackbuf, backup, backuplock, items
-- ARGV    milliseconds between two recoveries, limit
-- Returns how many uids were in flight too long
-- Promise The lock never stays without an expiry, and each step is whole.

local queue, ackbuf, backup, lock, items = unpack(KEYS)
begin(items)
return recover(queue, ackbuf, backup, lock, items, tonumber(ARGV[1]), tonumber(ARGV[2]))
