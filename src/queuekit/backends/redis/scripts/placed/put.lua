-- Store bodies that have a place, a key that is theirs alone, or a bound to keep.
--
-- KEYS    the twelve of the queue, lane, key (any, where there is none)
-- ARGV    number in the lane, delay in ms (0: none), number of messages that the same call delayed
--         before, 1 where frames carry places, most messages (0: any number), token of the key
--         (empty: none), its window in ms, bodies...
-- Returns 1                 they were stored
--         0                 they had been stored before
--         token, 'KNOWN'    another push has the key: nothing is stored
--         number, 'FULL'    so many are there: nothing is stored
-- Promise All of them or none, in their order; asked in this order: was it stored before, is the
--         key known, is there room. The lane is written first, so that a full server refuses the
--         whole.

local q = queue_at(1)
local lane, key = KEYS[HELD + 1], KEYS[HELD + 2]
local number, delay, delayed_before = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local is_placed, most = ARGV[4] == '1', tonumber(ARGV[5])
local token, window = ARGV[6], ARGV[7]
local FIRST = 8 -- the bodies start here

local taken = redis.call('GET', lane)
if taken and tonumber(taken) >= tonumber(number) then
  redis.call('SET', lane, taken, 'PX', HORIZON) -- a WAIT behind it waits for the first
  return 0
end
local known = token ~= '' and redis.call('GET', key)
if known then
  local other = string.sub(known, string.find(known, ':', 1, true) + 1)
  return other == token and 0 or {other, 'KNOWN'}
end
local count = count_ready(q) + redis.call('ZCARD', q.delayed)
if most > 0 and count + #ARGV - FIRST + 1 > most then
  return {count, 'FULL'}
end

redis.call('SET', lane, number, 'PX', HORIZON)
if token ~= '' then
  redis.call('SET', key, ':' .. token, 'PX', window)
end
if delay > 0 then
  local due = clock() + delay
  local pairs_ = {}
  for i = FIRST, #ARGV do
    pairs_[#pairs_ + 1] = due_score(due, delayed_before + i - FIRST)
    pairs_[#pairs_ + 1] = ARGV[i]
  end
  append('ZADD', q.delayed, pairs_, 1, #pairs_)
  if is_placed then
    put_sign(q)
  end
elseif is_placed then
  local bodies = {}
  for i = FIRST, #ARGV do
    bodies[#bodies + 1] = ARGV[i]
  end
  push_tails(q, admit(q, bodies))
else
  append('RPUSH', q.queue, ARGV, FIRST, #ARGV)
end
keep_signs(q)
return 1
