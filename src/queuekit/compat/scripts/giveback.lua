-- Put items back at the head, in the order in which they were taken.
--
-- KEYS    items, ackbuf, backup, queue
-- ARGV    uids
-- Returns those that were not in flight, or had no item
-- Promise That of fail.lua.

local items, ackbuf, backup, queue = unpack(KEYS)
local wanted = {}
for i = 1, #ARGV do
  wanted[ARGV[i]] = true
end
begin(items)
local back = {} -- newest first
for _, flight in ipairs({ackbuf, backup}) do
  for _, uid in ipairs(redis.call('LRANGE', flight, 0, -1)) do
    if wanted[uid] then
      wanted[uid] = nil
      land(ackbuf, backup, uid)
      back[#back + 1] = uid
    end
  end
end
local given = {}
for i = 1, #back do
  if redis.call('HEXISTS', items, back[i]) == 1 then
    redis.call('RPUSH', queue, back[i])
    given[back[i]] = true
  end
end
local lost = {}
for i = 1, #ARGV do
  if not given[ARGV[i]] then
    lost[#lost + 1] = ARGV[i]
  end
  given[ARGV[i]] = nil
end
return lost
