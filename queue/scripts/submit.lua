-- submit takes jobs of one type in. Nothing is changed when it refuses.
-- KEYS: ctl jobs bodies meta idem waiting chead heads aud cls classes delayed deadlines all counts idle fair
-- LIBS: record index place
-- ARGV: 1 cap on classes, 2 largest parameters that a claim hands out, bytes, 3 largest parameters kept in the record, 4 "1"
--       where the call may be a repetition, 5 number of class definitions; per definition 5: class, requirements JSON,
--       audience, its profiles, fleet version; then per job 11: id, class, 100 − priority in 2 hex digits, max attempts,
--       timeout ms, deadline ms, not-before ms, tenant, idempotency key, parameters, meta JSON
-- Returns: {"ok", fleet version, {record or id of an earlier job, …}, {worker to wake, …}} or {"unmapped", class, …} or
--          {"full", number of classes}
local cap, inline, small, ndefs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
local first = 6 + 5 * ndefs
local defined = {}

if ndefs > 0 then
  local fresh = 0
  for i = 6, first - 1, 5 do
    if redis.call("HEXISTS", cls, "a:" .. ARGV[i]) == 0 then fresh = fresh + 1 end
    defined[ARGV[i]] = ARGV[i + 2]
  end
  if fresh > 0 and redis.call("ZCARD", classes) + fresh > cap then return { "full", redis.call("ZCARD", classes) } end
end

-- Of each class in the call: its audience, arrivals so far, how many come now, its head.
local seen, order = {}, {}
local unmapped = { "unmapped" }
for i = first, #ARGV, 11 do
  local class = ARGV[i + 1]
  if not seen[class] then
    local v = redis.call("HMGET", cls, "a:" .. class, "t:" .. class)
    if not v[1] and not defined[class] then unmapped[#unmapped + 1] = class end
    seen[class] = { audience = v[1], arrivals = v[2], n = 0 }
    order[#order + 1] = class
  end
end
if #unmapped > 1 then return unmapped end

if ndefs > 0 then
  indexing()
  placing()
  for i = 6, first - 1, 5 do
    local class, requirements, a, profiles, version = unpack(ARGV, i, i + 4)
    redis.call("HSET", cls, "q:" .. class, requirements)
    place(class, a, profiles, version)
    if seen[class] then seen[class].audience = redis.call("HGET", cls, "a:" .. class) end
  end
end

local state = redis.call("HMGET", ctl, "fair", "fleet")
local fairly = state[1]

-- sequence is a job's place among those of its priority: the next number or, where tenants share fairly, the tenant's own
-- next number, not behind the last job that was started. So a tenant with many jobs waiting doesn't delay another's first.
local number = 0
if not fairly then
  local n = (#ARGV - first + 1) / 11
  number = redis.call("HINCRBY", ctl, "seq", n) - n
end
local function sequence(prefix, tenant)
  if not fairly then
    number = number + 1
    return number
  end
  local v = redis.call("HMGET", fair, prefix, prefix .. "@" .. tenant)
  local tag = math.max(tonumber(v[1] or fairly), tonumber(v[2] or 0)) + 1
  redis.call("HSET", fair, prefix .. "@" .. tenant, tag)
  if tag > tonumber(redis.call("HGET", ctl, "seq") or 0) then redis.call("HSET", ctl, "seq", tag) end
  return tag
end

local waits, alls, wanted, texts = {}, {}, {}, {}

-- enqueue notes that a job waits; the index is brought up once per class below.
local function enqueue(id, class, place)
  waits[#waits + 1], waits[#waits + 2] = 0, class .. ":" .. place .. ":" .. id
  local s = seen[class]
  if not s.first or place < s.first then s.first = place end
  wanted[#wanted + 1] = s.audience
end

local results, wakes = {}, {}
local idempotent = {}
for i = first, #ARGV, 11 do
  local id, class, prefix, maxAttempts, timeout, deadline, notBefore, tenant, key, body, extra = unpack(ARGV, i, i + 10)
  local earlier
  if key ~= "" then
    key = tenant .. "\t" .. key
    earlier = idempotent[key] or redis.call("HGET", idem, key)
  end
  if not earlier and ARGV[4] == "1" and redis.call("HEXISTS", jobs, id) == 1 then earlier = id end
  if earlier then
    results[#results + 1] = earlier
  else
    local place = prefix .. string.format("%011x", sequence(prefix, tenant))
    local has = extra ~= "" and 1 or 0
    if #body > small then
      redis.call("HSET", bodies, id, body)
      has = has + 2 + (#body > inline and 4 or 0)
      body = ""
    end
    local r = { "w", class, place, nowText, maxAttempts, timeout, deadline, tenant, string.match(key, "\t(.*)$") or "", "0", "0", "0",
      "0", "", "", "", "0", "0", nowText, "", "", "0", "0", has, body }
    if tonumber(notBefore) > now then
      r[STATE], r[READY] = "d", notBefore
      redis.call("ZADD", delayed, notBefore, id)
      redis.call("HINCRBY", counts, "d:" .. class, 1)
    else
      enqueue(id, class, place)
    end
    if deadline ~= "0" then redis.call("ZADD", deadlines, deadline, id) end
    if key ~= "" then
      redis.call("HSET", idem, key, id)
      idempotent[key] = id
    end
    if extra ~= "" then redis.call("HSET", meta, id, extra) end
    alls[#alls + 1], alls[#alls + 2] = nowText, id
    seen[class].n = seen[class].n + 1
    event(id, r, "submitted")
    results[#results + 1] = write(id, r)
  end
end

for _, class in ipairs(order) do
  local s = seen[class]
  if s.n > 0 then
    local sum = s.n
    if s.arrivals then -- an exponentially weighted count over a minute: "count time"
      local c, t = string.match(s.arrivals, "^(%S+) (%S+)$")
      sum = sum + tonumber(c) * math.exp((tonumber(t) - now) / 60000)
    end
    redis.call("HSET", cls, "t:" .. class, string.format("%.6g ", sum) .. nowText)
  end
  if s.first then
    local a, old = s.audience, redis.call("ZRANGEBYLEX", waiting, "[" .. class .. ":", "(" .. class .. ";", "LIMIT", 0, 1)[1]
    old = old and string.sub(old, 18, 30)
    if not old or s.first < old then
      if old then redis.call("ZREM", chead, a .. ":" .. old .. ":" .. class) end
      redis.call("ZADD", chead, 0, a .. ":" .. s.first .. ":" .. class)
      if a ~= PARKED then redis.call("ZADD", heads, "LT", string.format("%d", tonumber(s.first, 16)), a) end
    end
  end
end
if #waits > 0 then redis.call("ZADD", waiting, unpack(waits)) end
if #alls > 0 then redis.call("ZADD", all, unpack(alls)) end
if #wanted > 0 and redis.call("ZCARD", idle) > 0 then
  indexing()
  for _, a in ipairs(wanted) do wakes[#wakes + 1] = wake(a) end
end
commit()
return { "ok", tonumber(state[2] or 0), results, wakes }
