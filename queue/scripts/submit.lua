-- submit takes jobs of one type in. Nothing is changed when it refuses.
-- KEYS: ctl jobs bodies meta idem waiting chead heads aud cls classes delayed deadlines all counts idle fair
-- LIBS: record index
-- ARGV: cap on classes; largest parameters that a claim hands out, bytes; number of class definitions; per definition 5: class, requirements JSON, audience, its profiles,
--       fleet version; then per job 11: id, class, 100 − priority in 2 hex digits, max attempts, timeout ms, deadline ms,
--       not-before ms, tenant, idempotency key, parameters, meta JSON. The same id again is a repetition.
-- Returns: {"ok", fleet version, {record or id of an earlier job, …}, {worker to wake, …}} or {"unmapped", class, …} or
--          {"full", number of classes}
local cap, inline, ndefs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local first = 4 + 5 * ndefs
local defined, fresh = {}, 0
for i = 0, ndefs - 1 do
  local class = ARGV[4 + 5 * i]
  if not redis.call("HGET", cls, "a:" .. class) then fresh = fresh + 1 end
  defined[class] = true
end
if fresh > 0 and redis.call("ZCARD", classes) + fresh > cap then
  return { "full", redis.call("ZCARD", classes) }
end
local unmapped = { "unmapped" }
for i = first, #ARGV, 11 do
  local class = ARGV[i + 1]
  if not defined[class] then
    defined[class] = true
    if redis.call("HEXISTS", cls, "a:" .. class) == 0 then unmapped[#unmapped + 1] = class end
  end
end
if #unmapped > 1 then return unmapped end

for i = 0, ndefs - 1 do
  local class, requirements, a, profiles, version = unpack(ARGV, 4 + 5 * i, 8 + 5 * i)
  redis.call("HSET", cls, "q:" .. class, requirements)
  place(class, a, profiles, version)
end

-- arrived keeps an exponentially weighted count of arrivals over a minute: "count time".
local function arrived(class, n)
  local old = redis.call("HGET", cls, "t:" .. class)
  local count, at = 0, now
  if old then
    local c, t = string.match(old, "^(%S+) (%S+)$")
    count, at = tonumber(c) * math.exp((tonumber(t) - now) / 60000), now
  end
  redis.call("HSET", cls, "t:" .. class, string.format("%.6g %d", count + n, at))
end

-- sequence is a job's place among those of its priority: the next number or, where tenants share fairly, the tenant's own
-- next number, not behind the last job that was started. So a tenant with many jobs waiting doesn't delay another's first.
local fairly = redis.call("HGET", ctl, "fair")
local function sequence(prefix, tenant)
  if not fairly then return redis.call("HINCRBY", ctl, "seq", 1) end
  local v = redis.call("HMGET", fair, prefix, prefix .. "@" .. tenant)
  local tag = math.max(tonumber(v[1] or fairly), tonumber(v[2] or 0)) + 1
  redis.call("HSET", fair, prefix .. "@" .. tenant, tag)
  if tag > tonumber(redis.call("HGET", ctl, "seq") or 0) then redis.call("HSET", ctl, "seq", tag) end
  return tag
end

local results, wakes, arrivals = {}, {}, {}
for i = first, #ARGV, 11 do
  local id, class, prefix, maxAttempts, timeout, deadline, notBefore, tenant, key, body, extra = unpack(ARGV, i, i + 10)
  local earlier = key ~= "" and redis.call("HGET", idem, tenant .. "\t" .. key)
  if not earlier and redis.call("HEXISTS", jobs, id) == 1 then earlier = id end
  if earlier then
    results[#results + 1] = earlier
  else
    local order = prefix .. string.format("%011x", sequence(prefix, tenant))
    local r = { "w", class, order, now, maxAttempts, timeout, deadline, tenant, key, 0, 0, 0, 0, "", "", "", 0, 0, now, "",
      "", 0, 0, (extra ~= "" and 1 or 0) + (body ~= "" and 2 or 0) + (#body > inline and 4 or 0) }
    if tonumber(notBefore) > now then
      r[STATE], r[READY] = "d", notBefore
      redis.call("ZADD", delayed, notBefore, id)
      redis.call("HINCRBY", counts, "d:" .. class, 1)
    else
      local a = insert(class, order, id)
      wakes[#wakes + 1] = wake(a)
    end
    if deadline ~= "0" then redis.call("ZADD", deadlines, deadline, id) end
    if key ~= "" then redis.call("HSET", idem, tenant .. "\t" .. key, id) end
    if extra ~= "" then redis.call("HSET", meta, id, extra) end
    if body ~= "" then redis.call("HSET", bodies, id, body) end
    redis.call("ZADD", all, now, id)
    redis.call("HINCRBY", counts, "n:" .. class, 1)
    arrivals[class] = (arrivals[class] or 0) + 1
    event(id, r, "submitted")
    write(id, r)
    results[#results + 1] = table.concat(r, "\t")
  end
end
for class, n in pairs(arrivals) do arrived(class, n) end
return { "ok", tonumber(redis.call("HGET", ctl, "fleet") or 0), results, wakes }
