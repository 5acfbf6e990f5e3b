-- Remove the first ready bodies, the highest level first.
--
-- KEYS    the twelve of the queue
-- ARGV    limit
-- Returns bodies
-- Promise The next of a group follows in the same step.

local q = queue_at(1)
local limit = tonumber(ARGV[1])
count_ready(q)
local lists, popped = in_turn(q), {}
repeat
  local bodies, counts = front_of(lists, limit - #popped)
  drop_front(q, lists, counts)
  follow(q, bodies, 'R')
  for i = 1, #bodies do
    popped[#popped + 1] = bodies[i]
  end
until #bodies == 0 or #popped == limit
keep_signs(q)
return popped
