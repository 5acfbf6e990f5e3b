-- Store bodies, once however often it is sent.
--
-- KEYS    queue (or, with a delay, the delayed messages), lane
-- ARGV    number in the lane, delay in ms (0: none), number of messages that the same call delayed
--         before, bodies (at most 1000)...
-- Returns 1 if they were stored, 0 if they had been stored before
-- Promise All of them or none, in their order. The lane is written first, so that a full server
--         refuses the whole.

local target, lane = KEYS[1], KEYS[2]
local number, delay, delayed_before = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local FIRST = 4 -- the bodies start here

redis.call(delay > 0 and 'ZCARD' or 'LLEN', target)
-- A write at a repeat, too, so that a WAIT behind it waits for the first.
local taken = redis.call('SET', lane, number, 'PX', HORIZON, 'GET')
if taken and tonumber(taken) >= tonumber(number) then
  if taken ~= number then
    redis.call('SET', lane, taken, 'PX', HORIZON)
  end
  return 0
end
if delay == 0 then
  append('RPUSH', target, ARGV, FIRST, #ARGV)
else
  local due = clock() + delay
  local pairs_ = {}
  for i = FIRST, #ARGV do
    pairs_[#pairs_ + 1] = due_score(due, delayed_before + i - FIRST)
    pairs_[#pairs_ + 1] = ARGV[i]
  end
  append('ZADD', target, pairs_, 1, #pairs_)
end
return 1
