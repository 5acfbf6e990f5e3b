-- Look at the first ready bodies, the highest level first.
--
-- KEYS    the twelve of the queue
-- ARGV    limit
-- Returns bodies
-- Promise Nothing is changed. What waits for its group is not shown.

return (front_of(in_turn(queue_at(1)), tonumber(ARGV[1])))
