-- Limits per type and per tenant. Needs record, index and ending, and the keys: limits held.
--
--   limits  c = jobs of the type that may run concurrently, r = "<jobs per second> <burst>"; c@<tenant>, r@<tenant>, tenant *
--           for all others; b and b@<tenant> = "<tokens> <time>", the token buckets
--   held    waiting jobs of tenants at their limit, which are not in the index: "<tenant>\t<order>:<class>:<id>"
--   counts  t:<tenant> = running, h:<class> = held

-- limiting creates the functions room, spend, hold and sweep. It is called only if there are limits, because creating
-- functions costs time in each call of a script.
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

  -- tokens returns the tokens in a bucket now and its rate per second, or nil if there is no rate limit.
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

  -- room returns how many more jobs of a tenant ("" for the whole type) may start now, and, if there is no token, the
  -- ms until the next one.
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

  -- hold removes a waiting job from the index until its tenant has room again.
  hold = function(id, r)
    remove(r[CLASS], r[ORDER], id)
    redis.call("ZADD", held, "0", r[TENANT] .. "\t" .. r[ORDER] .. ":" .. r[CLASS] .. ":" .. id)
    count("h:" .. r[CLASS], 1)
  end

  -- sweep returns held jobs of tenants with room to the index, for up to 32 tenants. It returns how many, and the least
  -- ms until a tenant's next token.
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
      from, seen = "(" .. tenant .. "\n", seen + 1 -- "\n" follows "\t" in ASCII, so this skips the tenant
    end
    return n, soonest
  end
end
