-- Hide the oldest ready messages under a lease.
--
-- KEYS    queue, landing list, leases, claim list of the token, mark of the token, delayed
-- ARGV    token, lease in ms, limit (1 to 1000)
-- Returns bodies..., 'GOT'            now held under the token, in places 0, 1, ...
--         false or body..., 'AGAIN'   a repeat: the claim as it stands, false where it was settled
--         tokens..., 'DUE'            expired claims, to recover first; nothing was taken
--         'SPENT'                     the token is over: mint another
--         ms or -1, 'EMPTY'           nothing ready; time to the next deadline or due message
-- Promise Taking and recording are one step, and a token names one list, once: a repeat, however
--         late, takes nothing more.

local queue, landing, leases, claim, mark, delayed = unpack(KEYS)
local token, limit = ARGV[1], tonumber(ARGV[3])
local time = clock()
local deadline = time + tonumber(ARGV[2])
local is_alone = redis.call('EXISTS', claim, mark, leases, delayed, landing) == 0

if not is_alone and redis.call('EXISTS', claim, mark) > 0 then
  local places = redis.call('LRANGE', claim, 0, -1)
  if #places == 0 then
    return {'SPENT'}
  end
  local before = redis.call('ZSCORE', leases, token)
  begin(leases)
  if not before or tonumber(before) < deadline then
    redis.call('ZADD', leases, text(deadline), token)
  end
  for i = 1, #places do
    if is_stone(places[i]) then
      places[i] = false
    end
  end
  places[#places + 1] = 'AGAIN'
  return places
end

if not is_alone then
  local expired = redis.call('ZRANGEBYSCORE', leases, '-inf', text(time), 'LIMIT', 0, 10)
  if #expired > 0 then
    expired[#expired + 1] = 'DUE'
    return expired
  end
  local due = due_messages(delayed, time, 100)
  if #due > 0 then
    redis.call('LLEN', queue)
    begin(leases)
    promote(queue, delayed, due)
  end
end

-- One message moves in one step, which leaves no body in the hands of the script. Where memory is
-- short a first write that needs none must come before.
local function move_one(from)
  local body = redis.pcall('LMOVE', from, claim, 'LEFT', 'RIGHT')
  if type(body) == 'table' then
    begin(leases)
    body = redis.call('LMOVE', from, claim, 'LEFT', 'RIGHT')
  end
  if body and is_stone(body) then -- a stranger's: without a frame it would pass for settled
    body = framed(body, 0, token, 0)
    redis.call('LSET', claim, 0, body)
  end
  return body
end

local function copy_many()
  local bodies, landed = {}, 0
  if not is_alone then
    bodies = redis.call('LRANGE', landing, 0, limit - 1)
    landed = #bodies
  end
  local rest = {}
  if landed < limit then
    rest = redis.call('LRANGE', queue, 0, limit - landed - 1)
  end
  for i = 1, #rest do
    bodies[landed + i] = rest[i]
  end
  for i = 1, #bodies do
    if is_stone(bodies[i]) then
      bodies[i] = framed(bodies[i], 0, token, i - 1)
    end
  end
  if #bodies > 0 then
    begin(leases)
    append('RPUSH', claim, bodies, 1, #bodies)
    if landed > 0 then
      redis.call('LPOP', landing, landed)
    end
    if #rest > 0 then
      redis.call('LPOP', queue, #rest)
    end
  end
  return bodies
end

local taken
if limit == 1 then
  taken = {not is_alone and move_one(landing) or move_one(queue) or nil}
else
  taken = copy_many()
end

if #taken == 0 then
  local wait = -1
  for _, key in ipairs(is_alone and {} or {leases, delayed}) do
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if first[2] then
      local left = math.max(0, math.floor(tonumber(first[2])) - time)
      wait = wait < 0 and left or math.min(wait, left)
    end
  end
  return {wait, 'EMPTY'}
end

redis.call('ZADD', leases, text(deadline), token)
taken[#taken + 1] = 'GOT'
return taken
