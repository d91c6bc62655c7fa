-- Limits per type and per tenant. Needs record, index and ending, and the keys: limits held.
--
--   limits  c = jobs of the type that may run at once, r = "<jobs per second> <burst>"; c@<tenant>, r@<tenant>, with tenant *
--           for those not named; b and b@<tenant> = "<tokens> <time>", the buckets
--   held    waiting jobs of tenants at their limit, out of the index: "<tenant>\t<order>:<class>:<id>"
--   counts  t:<tenant> = running, h:<class> = held

-- limiting makes the functions room, spend, hold and sweep; only where there are limits, since making functions costs time
-- in each call of a script.
local fresh = 0 -- jobs started in this call, which are not in leases yet
local room, spend, hold, sweep
local function limiting()
  ending()

  local function limitOf(kind, tenant)
    if tenant == "" then return redis.call("HGET", limits, kind) end
    local v = redis.call("HMGET", limits, kind .. "@" .. tenant, kind .. "@*")
    return v[1] or v[2]
  end

  local function bucketOf(tenant)
    return tenant == "" and "b" or "b@" .. tenant
  end

  -- tokens is what a bucket holds now, and its rate per second; nil where there is no rate limit.
  local function tokens(tenant)
    local spec = limitOf("r", tenant)
    if not spec then return nil end
    local rate, burst = string.match(spec, "^(%S+) (%S+)$")
    rate, burst = tonumber(rate), tonumber(burst)
    local old = redis.call("HGET", limits, bucketOf(tenant))
    if not old then return burst, rate end
    local held, at = string.match(old, "^(%S+) (%S+)$")
    return math.min(burst, tonumber(held) + (now - tonumber(at)) * rate / 1000), rate
  end

  spend = function(tenant)
    local held = tokens(tenant)
    if held then redis.call("HSET", limits, bucketOf(tenant), string.format("%.6f %d", held - 1, now)) end
  end

  -- room says how many more jobs of a tenant ("" for the whole type) may start now, and ms until a token makes it one more.
  room = function(tenant)
    local n, soon = 1000, nil
    local most = limitOf("c", tenant)
    if most then
      local running = tenant == "" and redis.call("ZCARD", leases) + fresh or (redis.call("HGET", counts, "t:" .. tenant) or 0) + (tally["t:" .. tenant] or 0)
      n = math.min(n, tonumber(most) - running)
    end
    local held, rate = tokens(tenant)
    if held then
      n = math.min(n, math.floor(held + 0.000001))
      if held < 1 then soon = math.ceil((1 - held) / rate * 1000) end
    end
    return n, soon
  end

  -- hold takes a waiting job out of the index until its tenant has room again.
  hold = function(id, r)
    remove(r[CLASS], r[ORDER], id)
    redis.call("ZADD", held, "0", r[TENANT] .. "\t" .. r[ORDER] .. ":" .. r[CLASS] .. ":" .. id)
    count("h:" .. r[CLASS], 1)
  end

  -- sweep puts held jobs of tenants with room back into the index, looking at a few tenants. Returns how many, and the least
  -- ms until another tenant's token.
  sweep = function(wakes)
    local n, soonest, from, seen = 0, nil, "-", 0
    while seen < 32 do
      local m = redis.call("ZRANGEBYLEX", held, from, "+", "LIMIT", "0", "1")[1]
      if not m then break end
      local tenant = string.match(m, "^([^\t]*)\t")
      local free, soon = room(tenant)
      if soon and (not soonest or soon < soonest) then soonest = soon end
      for _ = 1, math.min(free, 16) do
        local woken, found = unhold(tenant)
        if not found then break end
        n = n + 1
        wakes[#wakes + 1] = woken
      end
      from, seen = "(" .. tenant .. "\n", seen + 1 -- "\n" follows on "\t"
    end
    return n, soonest
  end
end
