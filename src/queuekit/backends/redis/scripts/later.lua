-- Look at the delayed messages that can be moved.
--
-- KEYS    delayed
-- ARGV    limit
-- Returns for each its score, the milliseconds left and the body, by score
-- Promise Nothing is changed. Messages with a place are left out: such a one may hold its group,
--         and its level must be known where it goes.

local time, limit = clock(), tonumber(ARGV[1])
local found, start = {}, 0

local function has_place(body)
  return is_framed(body) and math.floor(string.byte(body, 3) / 4) % 16 > 0
end

while #found < 3 * limit do
  local stop = start + math.min(limit, CHUNK) - 1
  local page = redis.call('ZRANGE', KEYS[1], start, stop, 'WITHSCORES')
  for i = 1, #page, 2 do
    if not has_place(page[i]) and #found < 3 * limit then
      found[#found + 1] = page[i + 1]
      found[#found + 1] = text(math.max(0, tonumber(page[i + 1]) - time))
      found[#found + 1] = page[i]
    end
  end
  if #page == 0 then
    break
  end
  start = stop + 1
end
return found
