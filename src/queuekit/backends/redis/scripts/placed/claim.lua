-- Hide the first ready messages under a lease: the highest level first, and within limits.
--
-- KEYS    the twelve of the queue, claim list of the token, mark of the token, turns
-- ARGV    token, lease in ms, limit (1 to 1000), microseconds between two turns (0: no matter),
--         turns that a pause saves up, claims at a time (0: any number)
-- Returns as claim.lua does, and
--         ms or -1, 'LIMITED'   no turn yet; time to the next, -1 where a claim must end before
-- Promise That of claim.lua. A repeat takes no further turn.

local q = queue_at(1)
local claim, mark, turns = KEYS[HELD + 1], KEYS[HELD + 2], KEYS[HELD + 3]
local token, limit = ARGV[1], tonumber(ARGV[3])
local interval, burst, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local seconds = redis.call('TIME')
local micros = tonumber(seconds[1]) * 1000000 + tonumber(seconds[2])
local time = math.floor(micros / 1000)
local deadline = time + tonumber(ARGV[2])

if redis.call('EXISTS', claim, mark) > 0 then
  local places = redis.call('LRANGE', claim, 0, -1)
  if #places == 0 then
    return {'SPENT'}
  end
  local before = redis.call('ZSCORE', q.leases, token)
  begin(q.leases)
  if not before or tonumber(before) < deadline then
    redis.call('ZADD', q.leases, text(deadline), token)
  end
  for i = 1, #places do
    if is_stone(places[i]) then
      places[i] = false
    end
  end
  places[#places + 1] = 'AGAIN'
  return places
end

local expired = redis.call('ZRANGEBYSCORE', q.leases, '(0', text(time), 'LIMIT', 0, 10)
if #expired > 0 then
  expired[#expired + 1] = 'DUE'
  return expired
end
count_ready(q)
local due = due_messages(q.delayed, time, 100)
if #due > 0 then
  begin(q.leases)
  promote_placed(q, due)
  keep_signs(q)
end

-- Who was woken and has no turn leaves the wake to others.
local function limited(wait)
  begin(q.leases)
  keep_signs(q)
  return {wait, 'LIMITED'}
end

if most > 0 then
  limit = 1
  local claims = redis.call('ZCARD', q.leases)
  if redis.call('ZSCORE', q.leases, SIGN) then
    claims = claims - 1
  end
  if claims >= most then
    return limited(-1)
  end
end
local turn = micros -- when the turns that were taken are over
if interval > 0 then
  turn = math.max(micros, tonumber(redis.call('GET', turns) or 0))
  limit = math.min(limit, math.floor(burst - (turn - micros) / interval + 0.000001))
  if limit < 1 then
    return limited(math.ceil((turn - micros - (burst - 1) * interval) / 1000))
  end
end

local lists = in_turn(q)
local bodies, counts = front_of(lists, limit)
begin(q.leases)
if #bodies == 0 then
  drop_front(q, lists, counts)
  local wait = -1
  local first = {
    redis.call('ZRANGEBYSCORE', q.leases, '(0', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2],
    redis.call('ZRANGE', q.delayed, 0, 0, 'WITHSCORES')[2],
  }
  for _, event in pairs(first) do
    local left = math.max(0, math.floor(tonumber(event)) - time)
    wait = wait < 0 and left or math.min(wait, left)
  end
  keep_signs(q)
  return {wait, 'EMPTY'}
end

for i = 1, #bodies do
  if is_stone(bodies[i]) then
    bodies[i] = framed(bodies[i], 0, token, i - 1)
  end
end
note_holders(q, bodies, 'R', 'C')
append('RPUSH', claim, bodies, 1, #bodies)
redis.call('ZADD', q.leases, text(deadline), token)
if interval > 0 then
  turn = turn + #bodies * interval
  redis.call('SET', turns, text(turn), 'PX', math.ceil((turn - micros) / 1000))
end
drop_front(q, lists, counts)
keep_signs(q)
bodies[#bodies + 1] = 'GOT'
return bodies
