-- Get the item of a uid that a wait has put in flight.
--
-- KEYS    items, ackbuf, backup
-- ARGV    uid
-- Returns the item, or nothing
-- Promise A uid without an item is dropped.

local item = redis.call('HGET', KEYS[1], ARGV[1])
if not item then
  land(KEYS[2], KEYS[3], ARGV[1])
end
return item
